-- A record that was shipped before is already there, and is left as it is.
INSERT INTO prediction_logs (
    prediction_id, predicted_at, customer_id, model_version,
    probability_churn, prediction, threshold, features
)
SELECT
    prediction.prediction_id,
    prediction.predicted_at,
    prediction.customer_id,
    prediction.model_version,
    prediction.probability_churn,
    prediction.prediction,
    prediction.threshold,
    prediction.features
FROM
    jsonb_to_recordset({records}::jsonb)
        AS prediction (
            prediction_id uuid,
            predicted_at timestamptz,
            customer_id text,
            model_version text,
            probability_churn double precision,
            prediction smallint,
            threshold double precision,
            features jsonb
        )
ON CONFLICT DO NOTHING;
