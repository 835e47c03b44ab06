"""Churn prediction for telecom teams: the domain, free of any web or workflow framework."""
