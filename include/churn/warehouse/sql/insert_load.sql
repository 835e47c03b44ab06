INSERT INTO loads (
    file, sha256, bytes, compression, encoding, delimiter,
    headers, extra_columns, snapshot_date, snapshot_told_by
)
VALUES (
    {file}, {sha256}, {bytes}, {compression}, {encoding}, {delimiter},
    {headers}, {extra_columns}, {snapshot_date}, {snapshot_told_by}
)
RETURNING load_id;
