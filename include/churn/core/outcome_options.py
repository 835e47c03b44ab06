"""What an operator may set about outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from churn.core import variables

MATURITY: Final = "CHURN_LABEL_MATURITY_DAYS"


@dataclass(frozen=True, kw_only=True)
class OutcomeOptions:
    """How outcomes become labels of predictions.

    ``maturity`` is how long after its prediction a customer has to stay to count as retained; one
    who leaves within it has churned.
    """

    maturity: timedelta = timedelta(days=30)

    @classmethod
    def from_values(cls, values: Mapping[str, str]) -> "OutcomeOptions":
        """Read the variables; what is not given keeps its default.

        Raises:
            ChurnError: naming the variable and what it may be.
        """
        days = variables.whole(variables.given(values), MATURITY, 1, 3_650)
        return cls(maturity=cls.maturity if days is None else timedelta(days=days))
