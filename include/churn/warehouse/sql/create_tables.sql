-- Every table of the product; safe to run again. The customer columns come from churn/customer.py.
CREATE TABLE IF NOT EXISTS loads (
    load_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file text NOT NULL,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    rows bigint NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    loaded_by text NOT NULL DEFAULT current_user,
    cleaned_at timestamptz,
    accepted bigint,
    rejected bigint,
    inserted bigint,
    updated bigint,
    removed bigint,
    CHECK (cleaned_at IS NULL OR accepted + rejected = rows)
);

CREATE TABLE IF NOT EXISTS customers (
    {customer_columns},
    load_id bigint NOT NULL REFERENCES loads (load_id),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE IF NOT EXISTS rejected_rows (
    load_id bigint NOT NULL REFERENCES loads (load_id),
    row_number bigint NOT NULL,
    raw jsonb NOT NULL,
    reasons text[] NOT NULL,
    PRIMARY KEY (load_id, row_number)
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
