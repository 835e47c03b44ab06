SELECT coalesce(max(number), 0) AS last_number FROM schema_migrations;
