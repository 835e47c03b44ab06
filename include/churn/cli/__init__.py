"""The command line, `churn`."""
