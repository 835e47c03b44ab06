SELECT count(*)
FROM prediction_logs
WHERE predicted_at >= {start} AND predicted_at < {end}
