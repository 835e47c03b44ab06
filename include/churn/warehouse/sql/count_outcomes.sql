SELECT
    source,
    count(*) AS outcomes
FROM known_outcomes
GROUP BY source
ORDER BY source;
