"""Brings a customer file into the staging table."""
