SELECT model_version
FROM prediction_logs
WHERE predicted_at >= {start} AND predicted_at < {end}
GROUP BY model_version
ORDER BY max(predicted_at) DESC, model_version
