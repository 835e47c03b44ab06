SELECT
    count(*) AS customers,
    count(*) FILTER (WHERE churn) AS churned
FROM {source};
