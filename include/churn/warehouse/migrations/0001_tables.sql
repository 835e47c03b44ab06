-- The tables of release 0.1.0. The fields of a customer are added to customers and customer_history
-- from churn/customer/description.py, after the numbered files.
CREATE TABLE loads (
    load_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file text NOT NULL,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    compression text NOT NULL,
    encoding text NOT NULL,
    delimiter text NOT NULL,
    decimal_mark text NOT NULL,
    headers text[] NOT NULL,
    extra_columns text[] NOT NULL,
    snapshot_date date NOT NULL,
    snapshot_told_by text NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    loaded_by text NOT NULL DEFAULT current_user,
    rows bigint,
    careful boolean,
    finished_at timestamptz,
    verdict text CHECK (verdict IN ('pass', 'flag', 'stop')),
    reasons text[],
    accepted bigint,
    rejected bigint,
    inserted bigint,
    updated bigint,
    older bigint,
    removed bigint,
    churned bigint,
    complete boolean,
    CHECK (accepted + rejected = rows)
);

CREATE INDEX loads_sha256 ON loads (sha256);

-- load_id is that of the load that last changed the row. It is no foreign key: a check per row
-- would cost more than the load itself, and only loads write here.
CREATE TABLE customers (
    customer_id text NOT NULL,
    snapshot_date date NOT NULL,
    load_id bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT customers_pkey PRIMARY KEY (customer_id)
);

CREATE TABLE customer_history (
    customer_id text NOT NULL,
    snapshot_date date NOT NULL,
    load_id bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    replaced_by bigint NOT NULL REFERENCES loads (load_id),
    replaced_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX customer_history_customer_id ON customer_history (customer_id);

CREATE TABLE rejected_rows (
    load_id bigint NOT NULL REFERENCES loads (load_id),
    line bigint NOT NULL,
    raw text NOT NULL,
    reasons text[] NOT NULL,
    PRIMARY KEY (load_id, line)
);

CREATE TABLE model_versions (
    version text PRIMARY KEY,
    created_at timestamptz NOT NULL,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    load_id bigint NOT NULL,
    manifest jsonb NOT NULL
);

CREATE TABLE prediction_logs (
    prediction_id uuid NOT NULL,
    predicted_at timestamptz NOT NULL,
    customer_id text,
    model_version text NOT NULL,
    probability_churn double precision NOT NULL,
    prediction smallint NOT NULL,
    threshold double precision NOT NULL,
    features jsonb,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (predicted_at, prediction_id)
) PARTITION BY RANGE (predicted_at);

-- For clocks that are far off, so that no prediction is ever refused.
CREATE TABLE prediction_logs_other PARTITION OF prediction_logs DEFAULT;

CREATE INDEX prediction_logs_prediction_id ON prediction_logs (prediction_id);

-- SHA-256 of each erased id: predictions that wait in a spool are not logged after the erasure.
CREATE TABLE erasures (
    customer_sha256 bytea PRIMARY KEY,
    erased_at timestamptz NOT NULL,
    model_versions text[] NOT NULL
);

-- Every change of the live model, and every decision about it. Each row has the hash of the row
-- before it, so that a changed row shows.
CREATE TABLE model_events (
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
