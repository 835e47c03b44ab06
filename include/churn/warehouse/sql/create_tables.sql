-- Every table of the product; safe to run again. The customer columns come from churn/customer/description.py.
CREATE TABLE IF NOT EXISTS loads (
    load_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file text NOT NULL,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    compression text NOT NULL,
    encoding text NOT NULL,
    delimiter text NOT NULL,
    decimal_mark text,
    thousands_mark text,
    unended text,
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

-- Columns of a later version of these tables.
ALTER TABLE loads ALTER COLUMN decimal_mark DROP NOT NULL;
ALTER TABLE loads ADD COLUMN IF NOT EXISTS thousands_mark text;
ALTER TABLE loads ADD COLUMN IF NOT EXISTS unended text;

CREATE INDEX IF NOT EXISTS loads_sha256 ON loads (sha256);

-- Only where it is missing, as the change waits for every transaction that reads loads.
-- is_sample: the file is the sample that is shipped. is_partial: a small file of changes, which no
-- whole file is compared with. is_baseline: later loads are compared with this one and those after
-- it. profile: how often each column has each value, in a sample of the accepted rows.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'loads'::regclass AND attname = 'profile' AND NOT attisdropped
    ) THEN
        ALTER TABLE loads
            ADD COLUMN is_sample boolean NOT NULL DEFAULT false,
            ADD COLUMN is_partial boolean NOT NULL DEFAULT false,
            ADD COLUMN is_baseline boolean NOT NULL DEFAULT false,
            ADD COLUMN profile jsonb;
    END IF;
END
$$;

-- load_id is that of the load that last changed the row. It is no foreign key: a check per row
-- would cost more than the load itself, and only loads write here.
CREATE TABLE IF NOT EXISTS customers (
    {customer_columns},
    snapshot_date date NOT NULL,
    load_id bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT customers_pkey PRIMARY KEY (customer_id)
);

CREATE TABLE IF NOT EXISTS customer_history (
    {customer_columns},
    snapshot_date date NOT NULL,
    load_id bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    replaced_by bigint NOT NULL REFERENCES loads (load_id),
    replaced_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX IF NOT EXISTS customer_history_customer_id ON customer_history (customer_id);

CREATE TABLE IF NOT EXISTS rejected_rows (
    load_id bigint NOT NULL REFERENCES loads (load_id),
    line bigint NOT NULL,
    raw text NOT NULL,
    reasons text[] NOT NULL,
    PRIMARY KEY (load_id, line)
);

CREATE TABLE IF NOT EXISTS model_versions (
    version text PRIMARY KEY,
    created_at timestamptz NOT NULL,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    load_id bigint NOT NULL,
    manifest jsonb NOT NULL
);

CREATE TABLE IF NOT EXISTS prediction_logs (
    prediction_id uuid NOT NULL,
    predicted_at timestamptz NOT NULL,
    customer_id text,
    model_version text NOT NULL,
    probability_churn double precision NOT NULL,
    prediction smallint NOT NULL,
    threshold double precision NOT NULL,
    features jsonb NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (predicted_at, prediction_id)
) PARTITION BY RANGE (predicted_at);

-- For clocks that are far off, so that no prediction is ever refused.
CREATE TABLE IF NOT EXISTS prediction_logs_other PARTITION OF prediction_logs DEFAULT;
