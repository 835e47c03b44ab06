"""What an operator may set about loading customer files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from churn.core import variables

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
        given = variables.given(values)
        limit = variables.number(given, LIMIT_LOST, 0, 1)
        return cls(
            data_file=given.get(FILE, cls.data_file),
            limit_lost=cls.limit_lost if limit is None else limit,
        )
