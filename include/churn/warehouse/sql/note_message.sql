INSERT INTO alarm_messages (alarm_id, event, service, tried_at, sent_at)
SELECT
    pair.alarm_id,
    pair.event,
    {service},
    {now},
    {sent_at}
FROM unnest({alarm_ids}::bigint[], {events}::text[]) AS pair (alarm_id, event)
ON CONFLICT (alarm_id, event, service) DO UPDATE SET
    tried_at = excluded.tried_at,
    sent_at = coalesce(alarm_messages.sent_at, excluded.sent_at);
