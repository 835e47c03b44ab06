-- The service reads customers, alarms and reports, and adds to its log, by one function; it can
-- change nothing else. Runs every time: on the way through the migrations some tables are missing.
DO $$
DECLARE
    readable text;
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'churn_serving') THEN
        FOREACH readable IN ARRAY ARRAY[
            'customers', 'model_versions', 'model_events', 'schema_migrations',
            'alarms', 'alarm_silences', 'drift_reports', 'performance_reports'
        ] LOOP
            IF to_regclass(readable) IS NOT NULL THEN
                EXECUTE format('GRANT SELECT ON %I TO churn_serving', readable);
            END IF;
        END LOOP;
        GRANT EXECUTE ON FUNCTION record_predictions(jsonb) TO churn_serving;
    END IF;
END
$$;
