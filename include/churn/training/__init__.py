"""Makes a model: features, folds, families, metrics, promotion statistics and the card."""
