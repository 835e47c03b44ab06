-- The service reads customers and adds predictions and outcomes, by a function for each; it can
-- change nothing else.
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'churn_serving') THEN
        GRANT SELECT ON customers, model_versions, model_events, schema_migrations
        TO churn_serving;
        GRANT EXECUTE ON FUNCTION record_predictions(jsonb) TO churn_serving;
        -- On the first run, before migration 7, it is not there yet.
        IF to_regprocedure('record_outcomes(jsonb, text)') IS NOT NULL THEN
            GRANT EXECUTE ON FUNCTION record_outcomes(jsonb, text) TO churn_serving;
        END IF;
    END IF;
END
$$;
