-- Every change of what is served, and every decision on it. Rows are added and never changed:
-- each holds the hash of the one before, so a change shows even where the guard was taken off.
CREATE TABLE IF NOT EXISTS model_events (
    event_id bigint PRIMARY KEY CHECK (event_id > 0),
    happened_at timestamptz NOT NULL,
    effective_at timestamptz NOT NULL,
    kind text NOT NULL,
    version text NOT NULL,
    former text,
    actor text NOT NULL,
    database_role text NOT NULL,
    reason text NOT NULL,
    details jsonb NOT NULL,
    former_hash text NOT NULL UNIQUE,
    hash text NOT NULL UNIQUE
);

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
