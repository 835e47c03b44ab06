INSERT INTO loads (file, sha256, bytes, rows) VALUES ({file}, {sha256}, {bytes}, {rows})
RETURNING load_id;
