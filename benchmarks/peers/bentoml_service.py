"""The pipeline as a BentoML service."""

from typing import Any

import bentoml
from pipeline import Pipeline


@bentoml.service(workers=1)
class Churn:
    """Answers with the probability of one customer."""

    def __init__(self) -> None:
        self._pipeline = Pipeline()

    @bentoml.api  # type: ignore[untyped-decorator]
    def predict(self, customer: dict[str, Any]) -> float:
        """Return the probability of leaving."""
        return float(self._pipeline.probabilities([customer])[0])
