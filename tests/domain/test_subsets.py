"""Any subset of fields is scored as well as a logistic regression trained on just that subset."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from churn.customer.description import BY_NAME, FEATURES, TENURE, TOTAL_CHARGES, Customer
from churn.model.block import block_of
from churn.model.block_score import score_block
from churn.model.conditioning import Conditioner
from churn.training.compiling import compile_scorecard
from churn.training.encoded_customers import Encoded
from churn.training.features import REGULARISATION_C, pipeline, target
from tests.customer_file import customers, customers_of, part_of

Floats = NDArray[np.float64]

SUBSETS = 200
FOLDS = StratifiedKFold(n_splits=5, shuffle=True, random_state=7)
NAMES = [field.name for field in FEATURES]


def _subsets() -> list[tuple[str, ...]]:
    """Return random subsets, every size from 1 to 18 alike."""
    rng = np.random.default_rng(20_260_101)
    sizes = rng.integers(1, len(NAMES), size=SUBSETS)
    return [tuple(rng.permutation(NAMES)[:size].tolist()) for size in sizes]


@cache
def _unseen() -> list[tuple[Conditioner, NDArray[np.intp], list[Customer]]]:
    """Return for each fold a scorecard of the others, and the customers it has not seen."""
    frame = customers()
    y, found = target(frame), []
    for train, test in FOLDS.split(frame, y):
        some = frame.iloc[train]
        scorecard = compile_scorecard(pipeline().fit(some, y[train]), Encoded.of(some))
        found.append((Conditioner(scorecard), test, customers_of(frame.iloc[test])))
    return found


def _conditioned(names: tuple[str, ...]) -> Floats:
    p = np.zeros(len(customers()))
    for conditioner, test, rows in _unseen():
        block = block_of([part_of(row, names) for row in rows])
        p[test] = score_block(conditioner, block).probability
    return p


@cache
def _columns(name: str) -> Floats:
    """Return what a data scientist would make of a field: every level, and months in logarithms."""
    values = customers()[name]
    if name in (TENURE.name, TOTAL_CHARGES.name):
        values = np.log1p(values)
    levels = pd.get_dummies(values, drop_first=True) if not BY_NAME[name].is_number else values
    return np.asarray(levels, dtype=float).reshape(len(values), -1)


def _dedicated(names: tuple[str, ...]) -> Floats:
    x, y = np.column_stack([_columns(name) for name in names]), target(customers())
    p = np.zeros(len(y))
    for train, test in FOLDS.split(x, y):
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=REGULARISATION_C, solver="newton-cholesky")
        )
        p[test] = model.fit(x[train], y[train]).predict_proba(x[test])[:, 1]
    return p


@cache
@threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator] # of such small matrices
def _lost() -> tuple[Floats, Floats]:
    """Return what each subset loses to a model of its own: ROC-AUC, and log-loss."""
    y, auc, loss = target(customers()), [], []
    for names in _subsets():
        ours, theirs = _conditioned(names), _dedicated(names)
        auc.append(roc_auc_score(y, theirs) - roc_auc_score(y, ours))
        loss.append(log_loss(y, ours) - log_loss(y, theirs))
    return np.array(auc), np.array(loss)


@pytest.mark.slow
def test_200_random_subsets_are_scored_as_well_as_by_models_of_their_own() -> None:
    auc, loss = _lost()
    assert np.mean(auc) < 0
    assert np.mean(loss) < 0
    assert np.max(loss) < 0.002
    assert np.sort(auc)[-2] < 0.006


@pytest.mark.slow
@pytest.mark.xfail(strict=True, reason="two add-ons, a phone and the charges lose .0068")
def test_no_random_subset_loses_more_than_six_thousandths_of_roc_auc() -> None:
    auc, _ = _lost()
    assert np.max(auc) < 0.006
