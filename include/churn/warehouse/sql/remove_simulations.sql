SELECT
    removed_from,
    removed
FROM remove_simulations()
WHERE removed > 0
