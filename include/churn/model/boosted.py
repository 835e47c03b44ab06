"""Gradient boosting and random forests, read from XGBoost's JSON, never from a pickle.

Both are sums of trees in log-odds. The file contains the names of its columns (``feature_names``).
This module imports XGBoost only when it reads a model: a service with a scorecard never loads it.
"""

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from churn.core.errors import ModelRefusedError
from churn.customer.description import Customer
from churn.model.columns import TREE_COLUMNS, DesignColumn
from churn.model.score import ModelFamily, Score, sigmoid
from churn.model.tree_check import OBJECTIVE, Learner, TreesDocument
from churn.model.what_if import Offer, with_offers

if TYPE_CHECKING:
    from xgboost import Booster, DMatrix

TREE_NAMES = [column.name for column in TREE_COLUMNS]
"""The ``feature_names`` that a model must be trained with; ``matrix`` makes its rows."""

_BY_NAME = {column.name: column for column in TREE_COLUMNS}


def matrix(
    customers: Sequence[Customer], columns: Sequence[DesignColumn] = TREE_COLUMNS
) -> NDArray[np.float32]:
    """Return the design matrix of customers whose fields are all known, (customers, columns)."""
    cells = ([column.of(one[column.field.name]) for column in columns] for one in customers)
    shape = (len(customers), len(columns))
    return np.fromiter((x for row in cells for x in row), np.float32).reshape(shape)


class BoostedModel:
    """A sum of trees; it scores customers for whom every field that it uses is known."""

    def __init__(self, booster: "Booster", family: ModelFamily) -> None:
        self._booster = booster
        self._names = booster.feature_names or []
        self._columns = [_BY_NAME[name] for name in self._names]
        self.family = family
        self.fields = frozenset(column.field.name for column in self._columns)

    @classmethod
    def from_json(cls, content: bytes, family: ModelFamily = ModelFamily.GRADIENT_BOOSTING) -> Self:
        """Read ``trees.json``.

        Raises:
            ModelRefusedError: naming what is wrong with it.
        """
        _require_sound(content)
        from xgboost import Booster
        from xgboost.core import XGBoostError

        try:
            # One thread: rows come one by one, and each worker has its own core.
            booster = Booster({"nthread": 1}, model_file=bytearray(content))
        except XGBoostError as error:
            first = str(error).strip().splitlines()[0]
            raise ModelRefusedError(f"trees.json: XGBoost cannot read it: {first}") from None
        return cls(booster, family)

    def knows_enough(self, customer: Customer) -> bool:
        """Whether every field that the trees use is known."""
        return self.fields <= customer.keys()

    def score(self, customer: Customer, *, explained: bool = True) -> Score:
        """Score one customer.

        The contributions are the trees' Shapley values: Lundberg et al., From local explanations
        to global understanding with explainable AI for trees, Nature Machine Intelligence 2020
        (the path-dependent TreeSHAP that XGBoost implements). XGBoost sums them in single
        precision, so ``base``, its expected log-odds, takes up the last digits (below 1e-5).
        """
        data = self._data([customer])
        log_odds = float(self._booster.predict(data, output_margin=True)[0])
        contributions = self._contributions(data) if explained else {}
        base = log_odds - sum(contributions.values())
        return Score(log_odds, 0.0, base, contributions, scored_by=self.family)

    def probabilities(self, customers: Sequence[Customer]) -> NDArray[np.float64]:
        """Return the probability of each customer, shape (customers,)."""
        if not customers:
            return np.empty(0)  # XGBoost warns of no rows
        margins = self._booster.predict(self._data(customers), output_margin=True)
        return np.array([sigmoid(float(margin)) for margin in margins])

    def changed(self, customer: Customer, offers: Sequence[Offer]) -> list[float]:
        """Return the probability of a customer, and then that with each offer alone."""
        found: list[float] = self.probabilities(with_offers(customer, offers)).tolist()
        return found

    def _data(self, customers: Sequence[Customer]) -> "DMatrix":
        from xgboost import DMatrix

        return DMatrix(matrix(customers, self._columns), feature_names=self._names, nthread=1)

    def _contributions(self, data: "DMatrix") -> dict[str, float]:
        """Return the Shapley values by field, those of a field's columns summed."""
        found: dict[str, float] = {}
        values = self._booster.predict(data, pred_contribs=True)[0, :-1]
        for column, value in zip(self._columns, values.tolist(), strict=True):
            found[column.field.name] = found.get(column.field.name, 0.0) + value
        return found


def _require_sound(content: bytes) -> None:
    """Refuse what is not JSON of a model like ours before XGBoost sees it."""
    learner = _read_learner(content)
    names, objective = learner.feature_names, learner.objective.name
    if objective != OBJECTIVE:
        raise ModelRefusedError(f"trees.json: its objective is {objective!r}, not {OBJECTIVE!r}")
    unknown = [name for name in names if name not in _BY_NAME]
    if unknown or not names:
        raise ModelRefusedError(f"trees.json: unknown columns: {unknown}")


def _read_learner(content: bytes) -> Learner:
    try:
        document = json.loads(content, parse_constant=_finite, parse_float=_finite)
        return TreesDocument.model_validate(document).learner
    except ValidationError as error:
        first = error.errors()[0]
        message = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except (ValueError, RecursionError) as error:
        message = repr(error)
    raise ModelRefusedError(f"trees.json: not an XGBoost model in JSON: {message}")


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        raise ModelRefusedError(f"trees.json: has a number that is {number}")
    return value
