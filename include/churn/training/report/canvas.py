"""What all pictures share: their size, their colours, and how intervals are drawn."""

import io
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from churn.model.bootstrap import Figure

INK, MUTED, BLUE, ORANGE = "#1f2933", "#9aa5b1", "#0b6fb8", "#d9650b"
"""Distinct without seeing red or green."""
COLOURS: Final = (BLUE, ORANGE, MUTED, "#2f855a", "#7b4fa3")
_SIZE: Final = (9.0, 5.0)
_DPI: Final = 110


def png(canvas: Canvas) -> bytes:
    """Return the picture as a PNG file."""
    file = io.BytesIO()
    canvas.savefig(file, format="png", dpi=_DPI, metadata={"Software": None})
    return file.getvalue()


def canvas(panels: int = 1, size: tuple[float, float] = _SIZE) -> tuple[Canvas, list[Axes]]:
    """Return an empty picture of a size in inches, and its panels from left to right."""
    picture = Canvas(figsize=size, layout="constrained")
    axes = list(np.ravel(picture.subplots(1, panels)))
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.grid(color="#e4e7eb", linewidth=0.8)
        one.set_axisbelow(True)
    return picture, axes


def bars(axes: Axes, names: list[str], figures: list[Figure]) -> None:
    """Draw upright bars with intervals."""
    values = [figure.value for figure in figures]
    reach = np.array([[f.value - f.low, f.high - f.value] for f in figures]).T
    axes.bar(names, values, width=0.55, color=BLUE, yerr=reach, ecolor=INK, capsize=4)
    for place, figure in enumerate(figures):
        axes.annotate(f" {figure.value:.2f}", (place, figure.high), ha="center", va="bottom")


def ranges(axes: Axes, names: list[str], figures: list[Figure]) -> None:
    """Draw a dot and its interval for each name, the first on top."""
    reach = np.array([[f.value - f.low, f.high - f.value] for f in figures]).T
    places = np.arange(len(names))
    values = [f.value for f in figures]
    axes.errorbar(values, places, xerr=reach, fmt="o", color=BLUE, ecolor=BLUE, capsize=4)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.margins(y=0.12)
