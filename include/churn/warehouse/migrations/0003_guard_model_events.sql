-- Rows of model_events are added and never changed. Safe to run again: it restores the trigger.
CREATE OR REPLACE FUNCTION refuse_to_change_model_events() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'model_events is append-only: % is refused', tg_op;
END
$$;

CREATE OR REPLACE TRIGGER model_events_are_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON model_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_model_events();

ALTER TABLE model_events ENABLE ALWAYS TRIGGER model_events_are_append_only;

REVOKE UPDATE, DELETE, TRUNCATE ON model_events FROM public, current_user;
