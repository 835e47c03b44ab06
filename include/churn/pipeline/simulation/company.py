"""The customers of a simulated company, and what becomes of them."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID, uuid5

from churn.core.errors import InvalidCustomerError
from churn.customer.description import CUSTOMER_ID, MONTHLY_CHARGES, TOTAL_CHARGES, Customer
from churn.customer.field import Value
from churn.customer.parsing import parse_customer
from churn.model.score import sigmoid
from churn.pipeline.simulation.plan import Plan
from churn.registry.loaded_model import LoadedModel
from churn.warehouse.outcomes.outcome import Outcome

_NAMESPACE: Final = UUID("3f1c9c2e-6d0a-5b2b-9a44-8f4f1f7c1a55")
_WEEK: Final = 7
_MONTH: Final = 30
_CONTACTED: Final = 0.6
"""The share of the customers whom the model advises to contact that are contacted."""
_WORKS: Final = 0.3
"""The share of those who would have left and stay because they were contacted."""
_MISSING: Final = 0.05
_CORRECTED: Final = 0.02
_LATE_DAYS: Final = 4.0
_PRICES: Final = 0.02
"""By what share charges differ from those of a customer alike: no customer is a copy of another."""


@dataclass
class _Member:
    """A customer of the company, as long as it is one."""

    customer_id: str
    known: Mapping[str, Value]
    weekday: int
    left_at: datetime | None = None


@dataclass(frozen=True)
class Day:
    """What happened on a day: the log's records, and the outcomes that a source states."""

    day: date
    predictions: Sequence[Mapping[str, object]]
    outcomes: Sequence[Outcome]


@dataclass
class Company:
    """Customers like those of ``pool``, who leave as often as the model and the ageing say.

    Without shifts and ageing nothing drifts: they do not grow older, and a
    customer who churns is followed by one like it.
    """

    plan: Plan
    pool: Sequence[Customer]
    model: LoadedModel
    _draw: random.Random = field(init=False)
    _members: list[_Member] = field(init=False, default_factory=list)
    _left: list[_Member] = field(init=False, default_factory=list)
    _joined: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._draw = random.Random(self.plan.seed)  # noqa: S311 - it is to be the same again
        self._members = [self._join() for _ in range(self.plan.customers)]

    def days(self) -> Iterator[Day]:
        """Yield each day. Every customer is scored once a week; who leaves is replaced."""
        for number in range(self.plan.days):
            day = self.plan.start + timedelta(days=number)
            due = [one for one in self._members if one.weekday == number % _WEEK]
            lived = [self._live(one, day) for one in due]
            for one in [one for one in due if one.left_at]:
                self._left.append(one)
                self._members[self._members.index(one)] = self._join(one)
            yield Day(
                day, [record for record, _ in lived], [one for _, stated in lived for one in stated]
            )

    def file_rows(self, day: date) -> Iterator[tuple[Mapping[str, Value], bool]]:
        """Yield the customers of a day's file, and whether each left within the month before."""
        for one in self._members:
            yield self._named(one.known, one), False
        for one in self._left:
            if one.left_at and 0 <= (day - one.left_at.date()).days < _MONTH:
                yield self._named(one.known, one), True

    def _join(self, after: _Member | None = None) -> _Member:
        """Return a new customer, like the one before, so that the mix of customers stays."""
        self._joined += 1
        known = dict(after.known if after else self._draw.choice(self.pool))
        amount = float(known[MONTHLY_CHARGES.name]) * self._draw.uniform(1 - _PRICES, 1 + _PRICES)
        known[MONTHLY_CHARGES.name] = round(amount, 2)
        weekday = after.weekday if after else self._draw.randrange(_WEEK)
        return _Member(self.plan.customer_id(self._joined), known, weekday)

    @staticmethod
    def _named(known: Mapping[str, Value], one: _Member) -> dict[str, Value]:
        """Return what is known of a customer under its id, without the total of another one."""
        named = {**known, CUSTOMER_ID.name: one.customer_id}
        named.pop(TOTAL_CHARGES.name, None)
        return named

    def _live(self, one: _Member, day: date) -> tuple[Mapping[str, object], list[Outcome]]:
        """Score a customer, and let a week pass."""
        moment = datetime.combine(day, time(5, 30), UTC) + timedelta(seconds=self._draw.random())
        customer = self._shifted(one, day)
        score = self.model.score(customer, explained=False)
        decision = self.model.decision(score, customer)
        is_contacted = decision.contact and self._draw.random() < _CONTACTED
        truth = sigmoid(math.log(score.probability / (1 - score.probability)) + self._aged(day))
        if is_contacted:
            truth *= 1 - _WORKS
        left = None
        if self._draw.random() < 1 - (1 - truth) ** (_WEEK / _MONTH):
            left = moment + timedelta(days=self._draw.uniform(0.01, _WEEK))
            one.left_at = left
        record = {
            "prediction_id": str(uuid5(_NAMESPACE, f"{one.customer_id} {day}")),
            "predicted_at": moment.isoformat(),
            "customer_id": one.customer_id,
            "model_version": self.model.version,
            "probability_churn": score.probability,
            "prediction": score.prediction,
            "contact": decision.contact,
            "threshold": decision.threshold,
            "features": {k: v for k, v in customer.items() if k != CUSTOMER_ID.name},
        }
        contacted = is_contacted if decision.contact else None
        return record, list(self._told(one.customer_id, moment, left, contacted))

    def _aged(self, day: date) -> float:
        return self.plan.ageing * (day - self.plan.start).days / self.plan.days

    def _shifted(self, one: _Member, day: date) -> Customer:
        """Return a customer as it is scored, with the shifts that have begun."""
        state = self._named(one.known, one)
        for shift in self.plan.shifts:
            if day < shift.day or self._draw.random() >= shift.share:
                continue
            name = shift.field.name
            if shift.how == "=":
                alike = [other for other in self.pool if other.get(name) == shift.value]
                state = self._named(self._draw.choice(alike) if alike else state, one)
            elif name in state:
                state[name] = shift.changed(state[name])
        try:
            return parse_customer(state)
        except InvalidCustomerError:  # a shifted number broke a rule between fields
            return parse_customer(self._named(one.known, one))

    def _told(
        self, customer_id: str, moment: datetime, left: datetime | None, contacted: bool | None
    ) -> Iterator[Outcome]:
        """Yield what a source states: late, sometimes not at all, sometimes corrected."""
        if left is None and contacted is None:
            return  # the next file has the customer
        observed = left or moment + timedelta(days=_WEEK)
        recorded = observed + timedelta(days=self._draw.expovariate(1 / _LATE_DAYS))
        if left and self._draw.random() < _MISSING:
            return
        if self._draw.random() < _CORRECTED:
            yield self._statement(customer_id, left is None, observed, recorded, contacted)
            recorded += timedelta(days=1)
        yield self._statement(customer_id, left is not None, observed, recorded, contacted)

    @staticmethod
    def _statement(
        customer_id: str,
        churned: bool,
        observed: datetime,
        recorded: datetime,
        contacted: bool | None,
    ) -> Outcome:
        return Outcome(
            customer_id=customer_id,
            churned=churned,
            observed_at=observed,
            recorded_at=recorded,
            contacted=contacted,
        )
