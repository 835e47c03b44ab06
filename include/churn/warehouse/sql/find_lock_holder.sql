-- The session that holds the lock on loads; pg_locks shows a bigint key in two halves.
SELECT
    activity.pid,
    activity.application_name,
    activity.usename,
    extract(EPOCH FROM clock_timestamp() - activity.xact_start)::int AS seconds
FROM pg_locks
INNER JOIN pg_stat_activity AS activity ON pg_locks.pid = activity.pid
WHERE
    pg_locks.locktype = 'advisory' AND pg_locks.granted AND pg_locks.objsubid = 1
    AND activity.datname = current_database() AND pg_locks.database = activity.datid
    AND (pg_locks.classid::bigint << 32 | pg_locks.objid::bigint)
    = hashtext('churn.load')::bigint
ORDER BY activity.pid
LIMIT 1;
