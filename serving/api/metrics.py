"""What is counted."""


class Metrics:
    """Counts of this worker."""

    def predicted(self, version: str, decision: int, times: int = 1) -> None:
        """Count answered predictions."""
