-- A row per simulation that was started; its customers' ids begin with SIM-.
CREATE TABLE simulations (
    seed integer NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    arguments jsonb NOT NULL,
    model_version text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    PRIMARY KEY (seed, first_day, last_day)
);

-- The loads of simulated customer files.
CREATE OR REPLACE FUNCTION simulated_loads() RETURNS SETOF bigint
LANGUAGE sql STABLE AS $$
    SELECT load_id
    FROM loads
    WHERE file ~ '(^|/)simulated-\d{4}-\d{2}-\d{2}\.csv$' AND EXISTS (SELECT FROM simulations)
$$;

-- Removes every row of all simulations, and what monitoring found in their time; customers whom a
-- simulated file replaced are customers again. Returns how many rows it removed from each table.
CREATE OR REPLACE FUNCTION remove_simulations() RETURNS TABLE (removed_from text, removed bigint)
LANGUAGE plpgsql AS $$
DECLARE
    files bigint [];
    columns text;
BEGIN
    SELECT coalesce(array_agg(load_id), '{}') INTO files FROM simulated_loads() AS load_id;
    FOREACH removed_from IN ARRAY ARRAY[
        'prediction_logs', 'outcomes', 'customers', 'customer_history'
    ] LOOP
        EXECUTE format('DELETE FROM %I WHERE customer_id LIKE %L', removed_from, 'SIM-%');
        GET DIAGNOSTICS removed = ROW_COUNT;
        RETURN NEXT;
    END LOOP;
    SELECT string_agg(quote_ident(column_name), ', ') INTO columns
    FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = 'customers';
    EXECUTE format(
        'WITH former AS (DELETE FROM customer_history WHERE replaced_by = any($1) RETURNING *)
        INSERT INTO customers (%1$s) SELECT %1$s FROM former ON CONFLICT DO NOTHING', columns
    ) USING files;
    removed_from := 'rejected_rows';
    DELETE FROM rejected_rows WHERE load_id = any(files);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN NEXT;
    removed_from := 'loads';
    DELETE FROM loads WHERE load_id = any(files);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN NEXT;
    FOREACH removed_from IN ARRAY ARRAY['drift_reports', 'performance_reports'] LOOP
        EXECUTE format(
            'DELETE FROM %I AS reports USING simulations
            WHERE reports.window_start <= last_day AND reports.window_end >= first_day', removed_from
        );
        GET DIAGNOSTICS removed = ROW_COUNT;
        RETURN NEXT;
    END LOOP;
    removed_from := 'alarms';
    DELETE FROM alarms USING simulations
    WHERE opened_at >= first_day AND opened_at < last_day + 2;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN NEXT;
    DELETE FROM alarm_checks USING simulations WHERE judged_at < last_day + 2;
    DELETE FROM retrain_requests
    WHERE cardinality(alarm_ids) > 0 AND NOT EXISTS (
        SELECT FROM alarms WHERE alarm_id = any(alarm_ids)
    );
    removed_from := 'simulations';
    DELETE FROM simulations;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN NEXT;
END
$$;

REVOKE ALL ON FUNCTION remove_simulations(), simulated_loads() FROM public;
