-- Open ones first, the newest first. With ids those alone, with open_only those not closed.
SELECT
    alarms.alarm_id,
    alarms.kind,
    alarms.subject,
    alarms.model_version,
    alarms.sentence,
    alarms.figures,
    alarms.asks_retrain,
    alarms.opened_at,
    alarms.last_seen_at,
    alarms.closed_at,
    alarms.acknowledged_at,
    alarms.acknowledged_by,
    alarms.note,
    alarms.escalated_at,
    alarm_silenced_until(alarms.kind, alarms.subject, {now}) AS silenced_until
FROM alarms
WHERE
    ({alarm_ids}::bigint[] IS NULL OR alarms.alarm_id = any({alarm_ids}::bigint[]))
    AND (NOT {open_only}::boolean OR alarms.closed_at IS NULL)
ORDER BY alarms.closed_at DESC NULLS FIRST, alarms.opened_at DESC, alarms.alarm_id DESC;
