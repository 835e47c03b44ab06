SELECT version
FROM model_versions
WHERE load_id IN (SELECT simulated_loads())
ORDER BY version
