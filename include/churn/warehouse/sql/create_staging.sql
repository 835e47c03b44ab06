-- Rows that COPY takes are lines, one after the other, and need no number; others say where they
-- start, and broken lines keep their text.
CREATE UNLOGGED TABLE {staging} (
    line bigint,
    raw_line text,
    malformed text,
    {text_columns}
);
