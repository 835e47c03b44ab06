"""Reads streams and files of outcomes."""
