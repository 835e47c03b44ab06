CREATE UNIQUE INDEX ON {staging} ({staged_id}) WHERE malformed IS NULL;
