"""The prediction log: spooled on disk, shipped to PostgreSQL, removed by age."""
