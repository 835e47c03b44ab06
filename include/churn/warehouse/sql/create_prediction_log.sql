-- How the service adds to its log, with the owner's rights and no others: one batch, one statement.
ALTER TABLE prediction_logs ALTER COLUMN features DROP NOT NULL;

CREATE INDEX IF NOT EXISTS prediction_logs_prediction_id ON prediction_logs (prediction_id);

-- Who was erased, by a hash: records of theirs that still wait in a spool are not to come back.
CREATE TABLE IF NOT EXISTS erasures (
    customer_sha256 bytea PRIMARY KEY,
    erased_at timestamptz NOT NULL,
    model_versions text[] NOT NULL
);

-- One shipper at a time. The unique key of a partitioned table holds predicted_at, so a request
-- that was tried again, at another moment, is to be looked for; only such an id is of version 5.
CREATE OR REPLACE FUNCTION record_predictions(records jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    recorded bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('churn.prediction_logs'));
    INSERT INTO prediction_logs (
        prediction_id, predicted_at, customer_id, model_version,
        probability_churn, prediction, threshold, features
    )
    SELECT DISTINCT ON (prediction_id)
        prediction_id, predicted_at, customer_id, model_version,
        probability_churn, prediction, threshold, features
    FROM jsonb_to_recordset(records) AS answered (
        prediction_id uuid, predicted_at timestamptz, customer_id text, model_version text,
        probability_churn double precision, prediction smallint, threshold double precision,
        features jsonb
    )
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

REVOKE ALL ON FUNCTION record_predictions(jsonb) FROM public;
