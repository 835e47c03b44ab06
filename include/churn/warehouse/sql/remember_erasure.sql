INSERT INTO erasures (customer_sha256, erased_at, model_versions)
VALUES ({customer_sha256}, clock_timestamp(), {versions})
ON CONFLICT (customer_sha256) DO UPDATE
    SET erased_at = excluded.erased_at, model_versions = excluded.model_versions;
