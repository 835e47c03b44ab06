"""Checks a staged file, judges it, and merges it into the customers."""
