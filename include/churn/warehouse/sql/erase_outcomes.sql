-- Outcomes of a customer's predictions.
DELETE FROM outcomes
USING prediction_logs AS log
WHERE outcomes.prediction_id = log.prediction_id AND log.customer_id = {customer_id};
