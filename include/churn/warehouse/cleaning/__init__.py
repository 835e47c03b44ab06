"""Checks the rows of a file, judges the load, and merges its rows into the customers."""
