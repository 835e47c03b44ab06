"""What the profit per customer rests on: the acceptance that is assumed, and who is contacted."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churn.core.training_options import Objective
from churn.model.bootstrap import Figure
from churn.model.policy import Policy
from churn.model.ranking import Floats
from churn.model.score import HALF
from churn.training.consequences import mean
from churn.training.evaluation import Dataset, Evaluation

PARTS_OF_ACCEPTANCE: Final = (1.0, 2 / 3, 1 / 3, 1 / 6)

_Contacts = Callable[[Floats], NDArray[np.bool_]]


def by_acceptance(evaluation: Evaluation, rows: Dataset, policy: Policy) -> Mapping[float, Figure]:
    """Return the profit per customer out of fold by the acceptance that is true.

    The policy goes on deciding by the acceptance that it assumes.
    """
    contacts = _by(policy, rows)
    return {
        true: _profit(evaluation, rows, policy.model_copy(update={"acceptance": true}), contacts)
        for true in (policy.acceptance * part for part in PARTS_OF_ACCEPTANCE)
    }


def by_choice(evaluation: Evaluation, rows: Dataset, policy: Policy) -> Mapping[str, Figure]:
    """Return the profit per customer out of fold by who is contacted, with the policy's economics.

    The last one knows who churns: no model can bring more.
    """
    by_profit = policy.model_copy(update={"objective": Objective.PROFIT})
    base_rate = float(np.average(rows.y, weights=rows.weights))
    constant = _by(by_profit, rows)(np.full(len(rows.y), base_rate))
    choices: Mapping[str, _Contacts] = {
        "expected profit over 0 (`profit`)": _by(by_profit, rows),
        "probability at least .5 (`half`)": lambda p: p >= HALF,
        "monthly charges and the base rate alone": lambda _: constant,
        "every customer": lambda p: np.ones(len(p), dtype=bool),
        "an oracle": lambda _: rows.payoff.realised(rows.y) > 0,
    }
    return {name: _profit(evaluation, rows, policy, one) for name, one in choices.items()}


def _by(policy: Policy, rows: Dataset) -> _Contacts:
    return lambda p: policy.contacts(p, rows.monthly_charges)


def _profit(evaluation: Evaluation, rows: Dataset, true: Policy, contacts: _Contacts) -> Figure:
    chosen = [contacts(scores) for scores in evaluation.out_of_fold]
    worth = rows.y * true.gains(rows.monthly_charges) - true.loss
    return mean(rows.resampled, np.mean(chosen, axis=0) * worth)
