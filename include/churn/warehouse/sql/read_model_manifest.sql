SELECT manifest::text FROM model_versions
WHERE version = {version};
