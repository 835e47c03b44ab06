CREATE UNLOGGED TABLE {staging} ({raw_columns});
