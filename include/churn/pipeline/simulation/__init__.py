"""Simulated months of a company: customers, predictions, contacts and outcomes."""
