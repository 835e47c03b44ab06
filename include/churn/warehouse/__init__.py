"""PostgreSQL: everything that is done to sets of customers."""
