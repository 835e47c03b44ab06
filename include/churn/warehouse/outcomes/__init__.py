"""Outcomes: statements about what became of predictions and customers, and the labels of them."""
