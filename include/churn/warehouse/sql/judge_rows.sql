-- Rows of the staging table with their values, whether those are valid, and whether another row of
-- the same customer is used instead.
-- OFFSET 0 keeps the planner from evaluating each value once per use.
SELECT
    typed.*,
    ({is_valid}) IS TRUE AS is_valid,
    {is_repeated} AS is_repeated
FROM (
    SELECT
        staging.ctid AS place,
        staging.line,
        staging.malformed{raw_columns},
        {typed_columns},
        {row_snapshot_date} AS snapshot_date
    FROM {staging} AS staging
    {only}
    OFFSET 0 -- noqa: AM09
) AS typed
