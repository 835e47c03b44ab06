-- A row for each prediction of a window, with the label that is known of it at a moment; the rule
-- is in docs/outcomes.md. A day is counted in seconds: no change of the clock makes one longer.
WITH stated AS NOT MATERIALIZED (
    SELECT * FROM known_outcomes_as_of({as_of})
),

-- Of statements about the same subject and moment the last recorded one counts, and of those
-- that were recorded together the one that it is true.
of_prediction AS (
    SELECT
        moments.prediction_id,
        bool_or(moments.churned) AS churned,
        bool_or(moments.contacted) AS contacted
    FROM (
        SELECT
            stated.prediction_id,
            {churned} AS churned,
            {contacted} AS contacted
        FROM stated
        WHERE stated.prediction_id IS NOT NULL
        GROUP BY stated.prediction_id, stated.observed_at
    ) AS moments
    GROUP BY moments.prediction_id
),

of_customer AS (
    SELECT
        moments.customer_id,
        max(moments.observed_at) AS last_at,
        array_agg(moments.observed_at) FILTER (WHERE moments.churned) AS churned_at,
        array_agg(moments.observed_at) FILTER (WHERE NOT moments.churned) AS retained_at,
        array_agg(moments.observed_at) FILTER (WHERE moments.contacted) AS contacted_at,
        array_agg(moments.observed_at) FILTER (WHERE NOT moments.contacted) AS left_alone_at
    FROM (
        SELECT
            stated.customer_id,
            stated.observed_at,
            {churned} AS churned,
            {contacted} AS contacted
        FROM stated
        WHERE stated.customer_id IS NOT NULL
        GROUP BY stated.customer_id, stated.observed_at
    ) AS moments
    GROUP BY moments.customer_id
)

SELECT
    (log.predicted_at AT TIME ZONE 'UTC')::date AS day,
    log.probability_churn,
    coalesce(log.contact, log.prediction = 1) AS advised,
    log.threshold,
    coalesce((log.features ->> {monthly_charges})::float8, 'NaN') AS monthly_charges,
    CASE
        WHEN of_prediction.churned THEN 1
        WHEN NOT of_prediction.churned
            THEN CASE WHEN log.predicted_at + {maturity} <= {as_of} THEN 0 ELSE -1 END
        WHEN of_customer.churned_at IS NOT NULL AND EXISTS (
            SELECT FROM unnest(of_customer.churned_at) AS churned (moment)
            WHERE
                churned.moment > log.predicted_at
                AND churned.moment <= log.predicted_at + {maturity}
        ) THEN 1
        WHEN of_customer.last_at >= log.predicted_at + {maturity} THEN 0
        ELSE -1
    END::smallint AS label,
    coalesce(CASE
        WHEN of_prediction.contacted IS NOT NULL THEN of_prediction.contacted::integer
        WHEN of_customer.contacted_at IS NOT NULL OR of_customer.left_alone_at IS NOT NULL
            THEN {contacted_before_label}
    END, -1)::smallint AS contacted,
    log.prediction_id,
    hashtextextended(coalesce(log.customer_id, log.prediction_id::text), 0) AS customer
FROM prediction_logs AS log
LEFT JOIN of_prediction ON log.prediction_id = of_prediction.prediction_id
LEFT JOIN of_customer ON log.customer_id = of_customer.customer_id
WHERE log.predicted_at >= {since} AND log.predicted_at < {until} AND {is_of_version}
