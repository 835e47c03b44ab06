"""Errors, settings, and what every room may use."""
