-- Whether customers were accepted after the last decision on a model.
WITH decided AS (
    SELECT coalesce(max(happened_at), '-infinity') AS happened_at FROM model_events
    WHERE kind IN ('proposed', 'kept', 'promoted')
)

SELECT count(*) > 0 AS has_undecided
FROM loads
CROSS JOIN decided
WHERE loads.verdict IN ('pass', 'flag') AND loads.finished_at > decided.happened_at;
