"""The churn model: trained with scikit-learn, served as plain numbers."""
