SELECT requested_at FROM retrain_requests
WHERE granted AND requested_at > {since}
ORDER BY requested_at;
