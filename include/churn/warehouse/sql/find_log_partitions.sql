SELECT inhrelid::regclass::text AS partition
FROM pg_inherits
WHERE inhparent = 'prediction_logs'::regclass
ORDER BY partition;
