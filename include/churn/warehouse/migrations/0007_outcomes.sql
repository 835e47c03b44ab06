-- Statements about what became of a prediction, or of a customer; rows are only added.
CREATE TABLE outcomes (
    outcome_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id text,
    prediction_id uuid,
    churned boolean NOT NULL,
    observed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    contacted boolean,
    source text NOT NULL CHECK (source IN ('api', 'file')),
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (customer_id IS NOT NULL OR prediction_id IS NOT NULL),
    CONSTRAINT outcomes_statement UNIQUE NULLS NOT DISTINCT (
        prediction_id, customer_id, observed_at, recorded_at, churned, contacted
    )
);

CREATE INDEX outcomes_customer_id ON outcomes (customer_id) WHERE customer_id IS NOT NULL;

-- Adds an array of statements with the owner's rights, one caller at a time, so that two callers
-- with the same statements do not wait for each other. Returns how many were added, and how many
-- were left out because their customer was erased since.
CREATE OR REPLACE FUNCTION record_outcomes(statements jsonb, source text)
RETURNS TABLE (recorded bigint, erased bigint)
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('churn.outcomes'));
    RETURN QUERY
    WITH given AS MATERIALIZED (
        SELECT
            single.*,
            EXISTS (
                SELECT FROM erasures
                WHERE
                    erasures.customer_sha256 = sha256(convert_to(single.customer_id, 'UTF8'))
                    AND single.observed_at <= erasures.erased_at
            ) AS is_erased
        FROM jsonb_to_recordset(statements) AS single (
            customer_id text, prediction_id uuid, churned boolean, observed_at timestamptz,
            recorded_at timestamptz, contacted boolean
        )
    ),
    added AS (
        INSERT INTO outcomes (
            customer_id, prediction_id, churned, observed_at, recorded_at, contacted, source
        )
        SELECT
            given.customer_id, given.prediction_id, given.churned, given.observed_at,
            given.recorded_at, given.contacted, record_outcomes.source
        FROM given
        WHERE NOT given.is_erased
        ON CONFLICT DO NOTHING
        RETURNING outcome_id
    )
    SELECT
        (SELECT count(*) FROM added),
        (SELECT count(*) FROM given WHERE given.is_erased);
END
$$;

DO $$
BEGIN
    EXECUTE format(
        'ALTER FUNCTION record_outcomes(jsonb, text) SET search_path = %I, pg_temp',
        current_schema()
    );
END
$$;

REVOKE ALL ON FUNCTION record_outcomes(jsonb, text) FROM public;

-- The column churn is added to the customer tables after the numbered files.
SET LOCAL check_function_bodies = off;

-- What the customer files that were there at a moment state: a customer without churn was there on
-- the last day that a file has this customer; one who was there before and is not any more left on
-- the day of the file that stated so first, or that lacked the customer. A file that has none of
-- the known customers replaces the customer base and states nothing about the former one.
CREATE OR REPLACE FUNCTION customer_file_outcomes(as_of timestamptz)
RETURNS TABLE (customer_id text, churned boolean, day date)
LANGUAGE sql STABLE AS $$
    WITH
    done AS (
        SELECT
            loads.load_id,
            loads.snapshot_date AS day,
            loads.inserted < loads.accepted AS has_known,
            -- The last day on which a complete file did not change what this load wrote.
            max(loads.snapshot_date) FILTER (WHERE loads.complete)
                OVER (ORDER BY loads.load_id DESC) AS complete_day,
            max(loads.snapshot_date) OVER (ORDER BY loads.load_id DESC) AS last_day
        FROM loads
        WHERE
            loads.verdict IN ('pass', 'flag')
            AND loads.snapshot_date::timestamp AT TIME ZONE 'UTC' <= as_of
    ),
    remaining AS (
        SELECT customers.customer_id, customers.snapshot_date, customers.load_id
        FROM customers
        WHERE NOT customers.churn
        UNION ALL
        -- Rows that were replaced only by a load after that moment.
        SELECT former.customer_id, former.snapshot_date, former.load_id
        FROM customer_history AS former
        WHERE
            NOT former.churn
            AND NOT EXISTS (SELECT FROM done WHERE done.load_id = former.replaced_by)
    ),
    departed AS (
        SELECT
            former.customer_id,
            max(former.replaced_by) AS load_id
        FROM customer_history AS former
        INNER JOIN done ON former.replaced_by = done.load_id
        WHERE
            NOT former.churn
            AND NOT EXISTS (
                SELECT FROM remaining
                INNER JOIN done AS written ON remaining.load_id = written.load_id
                WHERE remaining.customer_id = former.customer_id
            )
        GROUP BY former.customer_id
    )
    SELECT
        remaining.customer_id,
        false,
        greatest(
            -- A customer whom a file after the moment has was there on the day of the last before.
            CASE
                WHEN remaining.snapshot_date::timestamp AT TIME ZONE 'UTC' <= as_of
                    THEN remaining.snapshot_date
                ELSE done.last_day
            END,
            done.complete_day
        )
    FROM remaining
    INNER JOIN done ON remaining.load_id = done.load_id
    UNION ALL
    -- A file may have a day for each row; the row's own is later once a later file has it again.
    SELECT
        departed.customer_id,
        true,
        least(done.day, (
            SELECT min(changed.snapshot_date)
            FROM (
                SELECT customers.snapshot_date FROM customers
                WHERE
                    customers.customer_id = departed.customer_id
                    AND customers.load_id = departed.load_id
                UNION ALL
                SELECT later.snapshot_date FROM customer_history AS later
                WHERE
                    later.customer_id = departed.customer_id
                    AND later.load_id = departed.load_id
            ) AS changed
        ))
    FROM departed
    INNER JOIN done ON departed.load_id = done.load_id
    WHERE done.has_known
$$;

-- Every statement that is known at a moment, from each source.
CREATE OR REPLACE FUNCTION known_outcomes_as_of(as_of timestamptz) RETURNS TABLE (
    customer_id text, prediction_id uuid, churned boolean, observed_at timestamptz,
    recorded_at timestamptz, contacted boolean, source text
)
LANGUAGE sql STABLE AS $$
    SELECT
        outcomes.customer_id, outcomes.prediction_id, outcomes.churned, outcomes.observed_at,
        outcomes.recorded_at, outcomes.contacted, outcomes.source
    FROM outcomes
    WHERE outcomes.observed_at <= as_of AND outcomes.recorded_at <= as_of
    UNION ALL
    SELECT
        stated.customer_id, NULL, stated.churned, moment.of_day, moment.of_day, NULL, 'customers'
    FROM customer_file_outcomes(as_of) AS stated
    CROSS JOIN LATERAL (SELECT stated.day::timestamp AT TIME ZONE 'UTC') AS moment (of_day)
$$;

REVOKE ALL ON FUNCTION customer_file_outcomes(timestamptz), known_outcomes_as_of(timestamptz)
FROM public;

CREATE OR REPLACE VIEW known_outcomes AS
SELECT * FROM known_outcomes_as_of('infinity');
