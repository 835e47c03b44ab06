"""What describes a version: its card, its plots, and the figures in its manifest."""
