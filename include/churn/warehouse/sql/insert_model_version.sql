INSERT INTO model_versions (version, created_at, load_id, manifest)
VALUES ({version}, {created_at}, {load_id}, {manifest})
ON CONFLICT (version) DO NOTHING;
