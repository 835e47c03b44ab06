"""What an operator may set about monitoring."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from churn.core import variables
from churn.core.log_options import Switch
from churn.core.outcome_options import OutcomeOptions

WINDOW: Final = "CHURN_MONITOR_WINDOW_DAYS"
TOLERANCE: Final = "CHURN_MONITOR_TOLERANCE"
ROLLBACK: Final = "CHURN_AUTO_ROLLBACK"
SHADOW: Final = "CHURN_SHADOW_VERSION"
STALE: Final = "CHURN_DATA_STALE_DAYS"


@dataclass(frozen=True, kw_only=True)
class MonitorOptions:
    """How published models are watched.

    ``window_days`` is the length of the windows that are compared with training; a customer who
    has not left after ``maturity`` counts as retained; ``tolerance`` is by how much churn, or
    the mean score, may differ from what training promised before it counts as drift, as a share;
    ``auto_rollback`` rolls a version back that does worse than its predecessor; ``shadow`` names a
    version whose live performance is measured as well as the champion's; customer data older than
    ``stale_days`` is an alarm.
    """

    window_days: int = 7
    maturity: timedelta = OutcomeOptions.maturity
    tolerance: float = 0.02
    auto_rollback: bool = False
    shadow: str | None = None
    stale_days: int = 35

    @classmethod
    def from_values(cls, values: Mapping[str, str]) -> "MonitorOptions":
        """Read the variables; what is not given keeps its default.

        Raises:
            ChurnError: naming the variable and what it may be.
        """
        given = variables.given(values)
        window = variables.whole(given, WINDOW, 1, 366)
        tolerance = variables.number(given, TOLERANCE, 0.001, 0.5)
        stale = variables.whole(given, STALE, 1, 3_660)
        return cls(
            window_days=cls.window_days if window is None else window,
            maturity=OutcomeOptions.from_values(values).maturity,
            tolerance=cls.tolerance if tolerance is None else tolerance,
            auto_rollback=variables.word(given, ROLLBACK, Switch.OFF) is Switch.ON,
            shadow=given.get(SHADOW),
            stale_days=cls.stale_days if stale is None else stale,
        )
