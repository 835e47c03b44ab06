"""The pipeline that every peer serves, read from ``CHURN_PIPELINE``; runs in their environments."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import joblib
import pandas as pd


class Pipeline:
    """The scikit-learn pipeline of the published version."""

    def __init__(self) -> None:
        self.model: Any = joblib.load(os.environ["CHURN_PIPELINE"])

    def probabilities(self, customers: Sequence[Mapping[str, object]]) -> list[float]:
        """Return the probability of leaving of each customer."""
        found: list[float] = self.model.predict_proba(pd.DataFrame(customers))[:, 1].tolist()
        return found
