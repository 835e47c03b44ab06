"""Which spans of time a monitoring run looks at."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from churn.warehouse.schema import midnight, months_later

_MONDAY: Final = date(1970, 1, 5)
WEEKS: Final = 26


def last_window(moment: datetime, days: int) -> tuple[datetime, datetime]:
    """Return the last whole window before a moment; windows of a length follow each other.

    Windows of a week begin on Mondays. So every run until the next window ends judges the same
    predictions, and looking more often does not raise more false alarms.
    """
    passed = (moment.astimezone(UTC).date() - _MONDAY).days
    end = midnight(_MONDAY + timedelta(days=passed // days * days))
    return end - timedelta(days=days), end


def weeks_and_months(first: datetime, moment: datetime) -> Sequence[tuple[datetime, datetime]]:
    """Return the whole weeks and calendar months between two moments, 26 weeks at most."""
    _, end = last_window(moment, 7)
    earliest = max(first, end - timedelta(weeks=WEEKS))
    weeks = [(end - timedelta(weeks=n + 1), end - timedelta(weeks=n)) for n in range(WEEKS)]
    this_month = moment.astimezone(UTC).date().replace(day=1)
    starts = [months_later(this_month, -n) for n in range(WEEKS // 4 + 1)]
    months = [(midnight(one), midnight(months_later(one, 1))) for one in starts[1:]]
    return [span for span in sorted((*weeks, *months)) if span[1] > earliest]
