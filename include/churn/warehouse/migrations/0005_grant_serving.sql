-- The service reads customers and adds to its log, by one function; it can change nothing else.
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'churn_serving') THEN
        GRANT SELECT ON customers, model_versions, model_events, schema_migrations
        TO churn_serving;
        GRANT EXECUTE ON FUNCTION record_predictions(jsonb) TO churn_serving;
    END IF;
END
$$;
