INSERT INTO loads (
    file, sha256, bytes, compression, encoding, delimiter,
    headers, extra_columns, snapshot_date, snapshot_told_by, is_sample
)
VALUES (
    {file}, {sha256}, {bytes}, {compression}, {encoding}, {delimiter},
    {headers}, {extra_columns}, {snapshot_date}, {snapshot_told_by}, {is_sample}
)
RETURNING load_id;
