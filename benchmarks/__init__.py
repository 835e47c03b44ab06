"""What is claimed about speed, measured here as a ratio to a named reference of the same run."""
