"""Watches published models: outcomes, live and estimated performance, drift, alarms."""
