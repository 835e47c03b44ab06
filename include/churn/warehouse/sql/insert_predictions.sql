SELECT record_predictions({records}::jsonb);
