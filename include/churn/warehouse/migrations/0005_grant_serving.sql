-- The service reads customers, alarms and reports, and adds predictions and outcomes, by a function
-- for each; it can change nothing else. Runs every time: on the first way through the migrations
-- some tables and functions are missing.
DO $$
DECLARE
    readable text;
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'churn_serving') THEN
        FOREACH readable IN ARRAY ARRAY[
            'customers', 'model_versions', 'model_events', 'schema_migrations',
            'alarms', 'alarm_silences', 'alarm_messages', 'drift_reports', 'performance_reports'
        ] LOOP
            IF to_regclass(readable) IS NOT NULL THEN
                EXECUTE format('GRANT SELECT ON %I TO churn_serving', readable);
            END IF;
        END LOOP;
        GRANT SELECT (load_id, finished_at, verdict) ON loads TO churn_serving;
        GRANT EXECUTE ON FUNCTION record_predictions(jsonb) TO churn_serving;
        IF to_regprocedure('record_outcomes(jsonb, text)') IS NOT NULL THEN
            GRANT EXECUTE ON FUNCTION record_outcomes(jsonb, text) TO churn_serving;
        END IF;
        IF to_regprocedure('alarm_silenced_until(text, text, timestamptz)') IS NOT NULL THEN
            GRANT EXECUTE ON FUNCTION alarm_silenced_until(text, text, timestamptz)
            TO churn_serving;
        END IF;
    END IF;
END
$$;
