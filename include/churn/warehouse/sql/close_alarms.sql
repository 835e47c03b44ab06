-- Those that a run judged and did not find again.
UPDATE alarms SET closed_at = {as_of}
FROM unnest({kinds}::text[], {subjects}::text[]) AS judged (kind, subject)
WHERE
    alarms.closed_at IS NULL
    AND alarms.kind = judged.kind
    AND alarms.subject = judged.subject
RETURNING alarms.alarm_id;
