"""What every step of a monitoring run needs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from churn.core.monitor_options import MonitorOptions
from churn.pipeline.monitoring.windows import WEEKS, last_window
from churn.registry.store import ModelStore
from churn.warehouse.connect import Connection

_WEEKS_OF_A_MONTH = 5


@dataclass(frozen=True)
class RunContext:
    """The warehouse and the store as they were at a moment, and the settings."""

    connection: Connection
    store: ModelStore
    options: MonitorOptions
    moment: datetime

    @property
    def window(self) -> tuple[datetime, datetime]:
        """The last whole window before the moment."""
        return last_window(self.moment, self.options.window_days)

    @property
    def first_moment(self) -> datetime:
        """From when on predictions are measured: a month before half a year ago."""
        return self.moment - timedelta(weeks=WEEKS + _WEEKS_OF_A_MONTH)
