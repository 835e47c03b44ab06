-- For read_labelled.sql: 1 where a statement after the prediction, up to the one that decides the
-- label, states that the customer was contacted, 0 where it states the contrary.
-- noqa: disable=RF01
(
    SELECT max(stated.value)
    FROM (
        SELECT
            1 AS value,
            unnest(of_customer.contacted_at) AS moment
        UNION ALL
        SELECT
            0 AS value,
            unnest(of_customer.left_alone_at) AS moment
    ) AS stated
    WHERE
        stated.moment > log.predicted_at
        AND stated.moment <= coalesce(
            (
                SELECT min(churned.moment)
                FROM unnest(of_customer.churned_at) AS churned (moment)
                WHERE
                    churned.moment > log.predicted_at
                    AND churned.moment <= log.predicted_at + {maturity}
            ),
            (
                SELECT min(later.moment)
                FROM unnest(of_customer.churned_at || of_customer.retained_at) AS later (moment)
                WHERE later.moment >= log.predicted_at + {maturity}
            ),
            'infinity'
        )
)
