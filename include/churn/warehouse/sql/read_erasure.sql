SELECT model_versions FROM erasures
WHERE customer_sha256 = {customer_sha256};
