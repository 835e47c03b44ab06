"""Where a version keeps its pictures."""

from typing import Final

FOLDER: Final = "plots"
