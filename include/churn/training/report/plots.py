"""The card's pictures, as PNG files."""

from collections.abc import Callable, Mapping
from typing import Final

from matplotlib.figure import Figure

from churn.training.fitted import Trained
from churn.training.report import comparisons, curves
from churn.training.report.canvas import png
from churn.training.report.names import FOLDER

PICTURES: Final[Mapping[str, Callable[[Trained], Figure]]] = {
    "calibration": curves.calibration,
    "roc-and-pr": curves.roc_and_pr,
    "lift": curves.lift,
    "families": comparisons.families,
    "weights": comparisons.weights,
    "slices": comparisons.slices,
}


def draw(trained: Trained) -> dict[str, bytes]:
    """Return every picture by its path inside the version."""
    return {f"{FOLDER}/{name}.png": png(make(trained)) for name, make in PICTURES.items()}
