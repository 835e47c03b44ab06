SELECT attname FROM pg_attribute
WHERE attrelid = to_regclass({table_name}) AND attnum > 0 AND NOT attisdropped;
