-- Fields that were added to the description when there were customers already.
SELECT attname FROM pg_attribute
WHERE
    attrelid = 'customers'::regclass AND attname = ANY({fields})
    AND NOT attnotnull AND NOT attisdropped;
