-- The last whole files since the baseline: those named like this one but for the day, if any are.
-- The sample counts only until another file was accepted, and not for a file of other customers.
WITH named AS (
    SELECT
        load_id,
        rows,
        churned,
        is_baseline,
        is_sample,
        regexp_replace(
            file, '^.*/|20[0-9]{{2}}[-_.]?[01][0-9][-_.]?[0-3][0-9]([T_-]?[0-9]{{4,6}})?', '', 'g'
        ) AS series
    FROM loads
    WHERE
        load_id = {load_id} OR (
            verdict IN ('pass', 'flag') AND load_id < {load_id} AND rows > 0 AND NOT is_partial
            AND ({has_known} OR NOT is_sample)
        )
),

own AS (
    SELECT named.series FROM named
    WHERE named.load_id = {load_id}
),

baseline AS (
    SELECT max(named.load_id) AS load_id FROM named
    WHERE named.is_baseline
),

whole AS (
    SELECT
        named.load_id,
        named.rows,
        named.churned,
        named.is_sample,
        named.series = own.series AS is_alike
    FROM named
    CROSS JOIN own
    CROSS JOIN baseline
    WHERE named.load_id < {load_id} AND named.load_id >= coalesce(baseline.load_id, 0)
)

SELECT
    whole.rows,
    whole.churned
FROM whole
WHERE
    (whole.is_alike OR NOT (SELECT coalesce(bool_or(alike.is_alike), false) FROM whole AS alike))
    AND (NOT whole.is_sample OR (SELECT bool_and(other.is_sample) FROM whole AS other))
ORDER BY whole.load_id DESC
LIMIT {loads};
