-- The customers that a model may learn from: the hash of whose choices is not below the hold-out's.
COPY (
    SELECT {code}, {amounts} FROM {source}
    WHERE {hash} >= {held_out_below}
) TO STDOUT (FORMAT binary);
