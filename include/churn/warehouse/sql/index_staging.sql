-- The hash of an id, as an index takes no long text; a collision only costs time.
CREATE UNIQUE INDEX ON {staging} (hashtextextended({staged_id}, 0)) WHERE malformed IS NULL;
