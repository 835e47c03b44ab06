-- Open ones that were not acknowledged in time, counted from their first message; from the
-- recording where no message could be sent.
UPDATE alarms SET escalated_at = {now}
WHERE
    alarms.closed_at IS NULL
    AND alarms.acknowledged_at IS NULL
    AND alarms.escalated_at IS NULL
    AND coalesce(
        (
            SELECT min(alarm_messages.sent_at) FROM alarm_messages
            WHERE alarm_messages.alarm_id = alarms.alarm_id AND alarm_messages.event = 'opened'
        ),
        alarms.recorded_at
    ) <= {before}
    AND alarm_silenced_until(alarms.kind, alarms.subject, {now}) IS NULL
RETURNING alarms.alarm_id;
