"""The pipeline as a LitServe server: ``python -m litserve_server PORT``."""

import sys
from typing import Any

import litserve
from pipeline import Pipeline


class Churn(litserve.LitAPI):  # type: ignore[misc]
    """Answers with the probability of one customer."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's signature
        """Load the pipeline."""
        self._pipeline = Pipeline()

    def decode_request(self, request: dict[str, Any], **_: object) -> dict[str, Any]:
        """Return the customer."""
        customer: dict[str, Any] = request["customer"]
        return customer

    def predict(self, x: dict[str, Any], **_: object) -> float:
        """Return the probability of leaving."""
        return float(self._pipeline.probabilities([x])[0])

    def encode_response(self, output: float, **_: object) -> dict[str, float]:
        """Return the answer."""
        return {"probability": output}


if __name__ == "__main__":
    litserve.LitServer(Churn(), accelerator="cpu", workers_per_device=1).run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False
    )
