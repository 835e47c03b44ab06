"""What answers: the API, and later the dashboard."""
