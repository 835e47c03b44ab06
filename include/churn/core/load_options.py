"""What an operator may set about loading customer files."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from churn.core.errors import ChurnError

FILE: Final = "CHURN_DATA_FILE"
LIMIT_LOST: Final = "CHURN_LIMIT_LOST"


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """Which files a night looks at, and how many customers a load may lose.

    ``data_file`` is a file, a folder or a glob in the data folder (empty: all of the folder);
    ``limit_lost`` is the share of customers that a replacement may remove, and of rows that a file
    may have fewer than the last ones.
    """

    data_file: str = ""
    limit_lost: float = 0.1

    @classmethod
    def from_values(cls, values: Mapping[str, str]) -> "LoadOptions":
        """Read the variables; what is not given keeps its default.

        Raises:
            ChurnError: naming the variable and what it may be.
        """
        text = values.get(LIMIT_LOST, "").strip()
        return cls(
            data_file=values.get(FILE, "").strip(),
            limit_lost=_share(text) if text else cls.limit_lost,
        )


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise ChurnError(f"{LIMIT_LOST}={text}: expected a share from 0 to 1")
    return share
