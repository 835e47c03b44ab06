INSERT INTO schema_migrations (number, name) VALUES ({number}, {migration});
