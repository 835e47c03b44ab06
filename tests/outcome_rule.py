"""The rule of labels in plain Python, written from its text and not from the SQL."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from churn.warehouse.outcomes.outcome import Outcome


@dataclass(frozen=True)
class Predicted:
    """A prediction of the log."""

    prediction_id: UUID
    customer_id: str | None
    predicted_at: datetime


@dataclass(frozen=True)
class File:
    """A customer file: who is in it, and who of them churned."""

    day: date
    churned: Mapping[str, bool]
    replaces: bool = False


@dataclass
class _Known:
    day: date
    churned: bool
    is_there: bool = True
    left: date | None = None


@dataclass
class _Base:
    """The customers as files arrive one after the other."""

    known: dict[str, _Known] = field(default_factory=dict)

    def take(self, file: File) -> None:
        there = {name for name, one in self.known.items() if one.is_there}
        if file.replaces:
            for name in there - set(file.churned):
                self._remove(name, file.day, is_new_base=not there & set(file.churned))
        for name, churned in file.churned.items():
            self._state(name, file.day, churned=churned)

    def _remove(self, name: str, day: date, *, is_new_base: bool) -> None:
        one = self.known[name]
        one.is_there = False
        if is_new_base:
            del self.known[name]
        elif not one.churned:
            one.left = day

    def _state(self, name: str, day: date, *, churned: bool) -> None:
        one = self.known.setdefault(name, _Known(day, churned))
        if churned and one.is_there and not one.churned:
            one.left = day
        if not churned:
            one.left = None
        one.day, one.churned, one.is_there = day, churned, True


def from_files(files: Sequence[File], as_of: datetime) -> list[Outcome]:
    """Return what the files of a moment state."""
    base = _Base()
    for file in files:
        if _midnight(file.day) <= as_of:
            base.take(file)
    return [
        Outcome(churned=left, observed_at=moment, recorded_at=moment, customer_id=name)
        for name, one in base.known.items()
        for left, moment in _stated(one)
    ]


def _stated(one: _Known) -> Iterable[tuple[bool, datetime]]:
    if one.left:
        yield True, _midnight(one.left)
    elif one.is_there and not one.churned:
        yield False, _midnight(one.day)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def label(
    prediction: Predicted, outcomes: Iterable[Outcome], as_of: datetime, maturity: timedelta
) -> tuple[int, int]:
    """Return the label of a prediction and whether the customer was contacted; -1 is unknown."""
    exist = [o for o in outcomes if o.observed_at <= as_of and o.recorded_at <= as_of]
    own = [o for o in exist if o.prediction_id == prediction.prediction_id]
    about = [o for o in exist if o.customer_id and o.customer_id == prediction.customer_id]
    end = prediction.predicted_at + maturity
    later = sorted(m for m in {o.observed_at for o in about} if m > prediction.predicted_at)
    by_customer, decided_at = -1, None
    for moment in later:
        if _last(about, moment, "churned") and moment <= end:
            by_customer, decided_at = 1, moment
            break
        if moment >= end:
            by_customer, decided_at = 0, moment
            break
    found = by_customer
    if own:
        churned = any(_last(own, o.observed_at, "churned") for o in own)
        found = 1 if churned else 0 if as_of >= end else -1
    stated = [_last(own, o.observed_at, "contacted") for o in own]
    if all(one is None for one in stated):
        upto = [m for m in later if decided_at is None or m <= decided_at]
        stated = [_last(about, moment, "contacted") for moment in upto]
    known = [one for one in stated if one is not None]
    return found, int(any(known)) if known else -1


def _last(outcomes: Iterable[Outcome], moment: datetime, name: str) -> bool | None:
    """Return what the last recorded statement about a moment states; true if they differ."""
    stated = [
        (o.recorded_at, bool(getattr(o, name)))
        for o in outcomes
        if o.observed_at == moment and getattr(o, name) is not None
    ]
    return max(stated)[1] if stated else None
