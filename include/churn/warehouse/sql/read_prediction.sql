SELECT
    model_version,
    probability_churn,
    prediction,
    contact,
    features
FROM prediction_logs
WHERE prediction_id = {prediction_id};
