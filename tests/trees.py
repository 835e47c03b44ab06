"""Forests and boosted trees trained on the real customers, as XGBoost's JSON and as versions."""

import hashlib
from functools import cache

import numpy as np
import xgboost
from numpy.typing import NDArray

from churn.customer.description import Customer
from churn.customer.parsing import parse_customer
from churn.model.boosted import TREE_NAMES, BoostedModel, matrix
from churn.model.score import ModelFamily
from churn.pipeline.packing import Package
from churn.registry.manifest import GoldenRow
from churn.registry.store import TREES
from churn.training.features import target
from tests.customer_file import conditioner, customers, customers_of, package

FOREST, BOOSTING = ModelFamily.RANDOM_FOREST, ModelFamily.GRADIENT_BOOSTING

_COMMON = {"objective": "binary:logistic", "nthread": 1, "seed": 7}
_RECIPES: dict[ModelFamily, tuple[dict[str, object], int]] = {
    BOOSTING: ({**_COMMON, "eta": 0.1, "max_depth": 3}, 60),
    FOREST: (
        {**_COMMON, "eta": 1, "max_depth": 6, "num_parallel_tree": 40, "subsample": 0.63},
        1,
    ),
}


@cache
def rows() -> list[Customer]:
    """Return every customer as a model reads one."""
    return customers_of(customers())


def data() -> xgboost.DMatrix:
    """Return the customers as XGBoost is trained on them."""
    return xgboost.DMatrix(matrix(rows()), target(customers()), feature_names=TREE_NAMES)


@cache
def booster(family: ModelFamily) -> xgboost.Booster:
    """Return a trained model of the family."""
    parameters, rounds = _RECIPES[family]
    return xgboost.train(parameters, data(), rounds)


def content(family: ModelFamily) -> bytes:
    """Return that model as JSON."""
    return bytes(booster(family).save_raw("json"))


@cache
def model(family: ModelFamily) -> BoostedModel:
    """Return that model as the service reads it."""
    return BoostedModel.from_json(content(family), family)


def margins(family: ModelFamily) -> NDArray[np.float32]:
    """Return the log-odds of every customer by XGBoost itself, shape (customers,)."""
    return np.asarray(booster(family).predict(data(), output_margin=True))


@cache
def tree_package(family: ModelFamily, day: int = 1) -> Package:
    """Return that model as the version of a day, with the scorecard beside it."""
    base = package(day)
    files = {**base.files, TREES: content(family)}
    golden = [
        GoldenRow(known=row, probability=model(family).score(row).probability)
        for row in rows()[::1_000]
    ]
    part = parse_customer({"tenure": 5, "contract": "Month-to-month"})
    golden.append(GoldenRow(known=part, probability=conditioner().score(part).probability))
    hashes = {name: hashlib.sha256(file).hexdigest() for name, file in files.items()}
    changes = {"family": family.value, "golden_rows": tuple(golden), "files": hashes}
    return Package(base.manifest.model_copy(update=changes), files)
