"""What a version says of itself: its card, its plots, and the figures in its manifest."""
