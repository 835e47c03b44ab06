-- A row per monitoring run; a repeated run replaces its own. None of these tables names a customer.
CREATE TABLE drift_reports (
    report_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_version text NOT NULL,
    window_start timestamptz NOT NULL,
    window_end timestamptz NOT NULL,
    as_of timestamptz NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    verdict text NOT NULL CHECK (verdict IN ('ok', 'alarm', 'too few rows', 'no labels yet')),
    rows bigint NOT NULL CHECK (rows >= 0),
    content jsonb NOT NULL,
    CHECK (window_start <= window_end),
    UNIQUE (model_version, window_start, window_end, as_of)
);

CREATE INDEX drift_reports_as_of ON drift_reports (as_of);

CREATE TABLE performance_reports (LIKE drift_reports INCLUDING ALL);

-- A row is an incident: from the run that found a condition to the run that no longer did.
-- opened_at, last_seen_at and closed_at are moments of the data (as_of), recorded_at of the clock.
CREATE TABLE alarms (
    alarm_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    subject text NOT NULL,
    model_version text NOT NULL,
    sentence text NOT NULL,
    figures jsonb NOT NULL,
    asks_retrain boolean NOT NULL,
    opened_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    closed_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    acknowledged_at timestamptz,
    acknowledged_by text,
    note text,
    escalated_at timestamptz,
    CHECK (opened_at <= last_seen_at),
    CHECK (closed_at >= opened_at)
);

CREATE UNIQUE INDEX alarms_open ON alarms (kind, subject) WHERE closed_at IS NULL;

-- Until when each condition was judged: a run as of an earlier moment changes nothing about it.
CREATE TABLE alarm_checks (
    kind text NOT NULL,
    subject text NOT NULL,
    judged_at timestamptz NOT NULL,
    PRIMARY KEY (kind, subject)
);

-- No messages about these conditions until then. An empty kind or subject is any.
CREATE TABLE alarm_silences (
    silence_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text,
    subject text,
    silenced_until timestamptz NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    made_by text NOT NULL
);

CREATE FUNCTION alarm_silenced_until(kind text, subject text, moment timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT max(silences.silenced_until)
    FROM alarm_silences AS silences
    WHERE
        silences.silenced_until > moment
        AND coalesce(silences.kind, $1) = $1
        AND coalesce(silences.subject, $2) = $2
$$;

REVOKE ALL ON FUNCTION alarm_silenced_until(text, text, timestamptz) FROM public;

-- What each service was sent about an incident. Without sent_at it failed, and is tried again.
-- A service is its type and place in the setting ("slack 1"): addresses are secrets.
CREATE TABLE alarm_messages (
    alarm_id bigint NOT NULL REFERENCES alarms (alarm_id) ON DELETE CASCADE,
    event text NOT NULL CHECK (event IN ('opened', 'escalated', 'closed')),
    service text NOT NULL,
    tried_at timestamptz NOT NULL,
    sent_at timestamptz,
    PRIMARY KEY (alarm_id, event, service)
);

-- Each time that an alarm requested a new training: whether the request was granted, and why.
CREATE TABLE retrain_requests (
    request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    requested_at timestamptz NOT NULL,
    run text NOT NULL UNIQUE,
    reason text NOT NULL,
    alarm_ids bigint[] NOT NULL,
    granted boolean NOT NULL,
    decided_because text NOT NULL
);
