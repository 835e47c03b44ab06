ALTER TABLE prediction_logs ADD COLUMN IF NOT EXISTS contact boolean;

-- The predictions of a block as rows; churn.warehouse.predictions.log_records describes a block.
-- The features are joined as text, which takes a fifth of the time of building jsonb from jsonb.
CREATE OR REPLACE FUNCTION predictions_in(block jsonb) RETURNS TABLE (
    prediction_id uuid, predicted_at timestamptz, customer_id text, model_version text,
    probability_churn double precision, prediction smallint, threshold double precision,
    features jsonb, contact boolean
)
LANGUAGE sql STABLE AS $$
    WITH
    choices AS MATERIALIZED (
        SELECT
            field.place::integer AS place,
            array_agg(
                ',' || (field.content -> 0)::text || ':' || choice.content::text ORDER BY choice.place
            ) AS members
        FROM jsonb_array_elements(block -> 'fields') WITH ORDINALITY AS field (content, place)
        CROSS JOIN jsonb_array_elements(field.content -> 1)
            WITH ORDINALITY AS choice (content, place)
        GROUP BY field.place
    ),
    amounts AS MATERIALIZED (
        SELECT
            amount.place::integer - 1 AS place,
            ',' || to_json(amount.name)::text || ':' AS member
        FROM jsonb_array_elements_text(block -> 'amounts') WITH ORDINALITY AS amount (name, place)
    )
    SELECT
        answered.prediction_id::uuid,
        (block ->> 'predicted_at')::timestamptz,
        answered.customer_id,
        block ->> 'model_version',
        answered.probability_churn::double precision,
        answered.prediction::smallint,
        coalesce(answered.threshold, block -> 'threshold')::double precision,
        CASE
            WHEN block ? 'fields' THEN concat('{', substr(concat(
                (
                    -- The letters a to y are the values 1 to 25, z is an unknown value, and the
                    -- characters from U+10000 + 25 on are the values from 26 on.
                    SELECT string_agg(members[
                        CASE
                            WHEN code < ascii('z') THEN code - ascii('a') + 1
                            WHEN code > ascii('z') THEN code - x'10000'::integer + 1
                        END
                    ], '')
                    FROM choices
                    CROSS JOIN LATERAL ascii(substr(answered.codes, place, 1)) AS letter (code)
                ),
                (SELECT string_agg(member || (answered.numbers ->> place), '') FROM amounts)
            ), 2), '}')::jsonb
        END,
        answered.contact::boolean
    FROM ROWS FROM (
        jsonb_array_elements_text(block -> 'rows' -> 'prediction_id'),
        jsonb_array_elements_text(block -> 'rows' -> 'customer_id'),
        jsonb_array_elements(block -> 'rows' -> 'probability_churn'),
        jsonb_array_elements(block -> 'rows' -> 'prediction'),
        jsonb_array_elements(block -> 'rows' -> 'threshold'),
        jsonb_array_elements_text(block -> 'rows' -> 'codes'),
        jsonb_array_elements(block -> 'rows' -> 'numbers'),
        jsonb_array_elements(block -> 'rows' -> 'contact')
    ) AS answered (
        prediction_id, customer_id, probability_churn, prediction, threshold, codes, numbers, contact
    )
$$;

REVOKE ALL ON FUNCTION predictions_in(jsonb) FROM public;

-- Adds an array of single predictions, or an array of blocks, with the owner's rights. One caller
-- at a time. The primary key of a partitioned table contains predicted_at, so it does not find a
-- request that was tried again at another moment; only such a request has an id of version 5.
CREATE OR REPLACE FUNCTION record_predictions(records jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    recorded bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('churn.prediction_logs'));
    INSERT INTO prediction_logs (
        prediction_id, predicted_at, customer_id, model_version,
        probability_churn, prediction, threshold, features, contact
    )
    SELECT DISTINCT ON (prediction_id)
        prediction_id, predicted_at, customer_id, model_version,
        probability_churn, prediction, threshold, features, contact
    FROM (
        SELECT *
        FROM jsonb_to_recordset(
            CASE WHEN NOT records -> 0 ? 'predictions' THEN records END
        ) AS single (
            prediction_id uuid, predicted_at timestamptz, customer_id text, model_version text,
            probability_churn double precision, prediction smallint, threshold double precision,
            features jsonb, contact boolean
        )
        UNION ALL
        SELECT several.*
        FROM jsonb_array_elements(
            CASE WHEN records -> 0 ? 'predictions' THEN records END
        ) AS element (block)
        CROSS JOIN predictions_in(element.block) AS several
    ) AS answered
    WHERE
        CASE WHEN substr(answered.prediction_id::text, 15, 1) = '5' THEN NOT EXISTS (
            SELECT FROM prediction_logs AS known
            WHERE known.prediction_id = answered.prediction_id
        ) ELSE true END
        AND NOT EXISTS (
            SELECT FROM erasures
            WHERE
                erasures.customer_sha256 = sha256(convert_to(answered.customer_id, 'UTF8'))
                AND answered.predicted_at <= erasures.erased_at
        )
    ORDER BY prediction_id, predicted_at
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS recorded = ROW_COUNT;
    RETURN recorded;
END
$$;

-- A caller's search_path must not redirect a function that runs with the owner's rights.
DO $$
BEGIN
    EXECUTE format(
        'ALTER FUNCTION record_predictions(jsonb) SET search_path = %I, pg_temp', current_schema()
    );
END
$$;

REVOKE ALL ON FUNCTION record_predictions(jsonb) FROM public;

-- The function of release 0.1.0 that predictions_in replaces.
DROP FUNCTION IF EXISTS predictions_of(jsonb);
