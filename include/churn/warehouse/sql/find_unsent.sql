-- The incidents about which a service has still to be sent a message, by event. Silenced ones wait.
-- Only who was sent the opening, or should have been, is sent the closing.
SELECT
    alarms.alarm_id,
    happened.event
FROM alarms
CROSS JOIN
    LATERAL (
        VALUES
        ('opened', NOT {is_escalation}::boolean AND alarms.closed_at IS NULL),
        (
            'escalated',
            {is_escalation}::boolean AND alarms.closed_at IS NULL
            AND alarms.escalated_at IS NOT NULL AND alarms.acknowledged_at IS NULL
        ),
        (
            'closed',
            alarms.closed_at IS NOT NULL AND EXISTS (
                SELECT 1 FROM alarm_messages AS former
                WHERE
                    former.alarm_id = alarms.alarm_id
                    AND former.service = {service}
                    AND former.event != 'closed'
            )
        )
    ) AS happened (event, is_due)
LEFT JOIN
    alarm_messages AS sent
    ON
        alarms.alarm_id = sent.alarm_id
        AND happened.event = sent.event
        AND sent.service = {service}
WHERE
    happened.is_due
    AND sent.sent_at IS NULL
    AND alarm_silenced_until(alarms.kind, alarms.subject, {now}) IS NULL
ORDER BY alarms.alarm_id;
