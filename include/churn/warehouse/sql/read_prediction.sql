SELECT
    model_version,
    probability_churn,
    prediction,
    features
FROM prediction_logs
WHERE prediction_id = {prediction_id};
