"""The real customer file, read without the product's own code, and the model trained on it once."""

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churn.customer.description import COLUMNS, TOTAL_CHARGES, Customer
from churn.customer.field import FieldKind
from churn.customer.parsing import parse_customer
from churn.model.conditioning import Conditioner
from churn.model.recipe import Recipe
from churn.pipeline.packing import Package, pack
from churn.training.compiling import block_of_frame
from churn.training.encoded_customers import leaders_of
from churn.training.fitted import Trained, train_frame
from churn.training.holdout import is_held_out
from churn.warehouse.customers import Snapshot

CHURN_CSV = Path(__file__).parents[1] / "data" / "churn.csv"
CHURN_CSV_SHA256 = "88be4b93fbe0cc83421af1c503794c97c342eca914c1576db7c276e61d61358a"

SMALL = Recipe(folds=2, repeats=1, draws=20)
"""For tests of which the figures are no part: a seventh of the fits."""

FEW = 2_000
"""So many of the file's first customers are enough to learn from."""

_AS_BOOL = {"Yes": True, "No": False, "1": True, "0": False}


def read_rows() -> list[dict[str, str]]:
    """Return the file's rows as it spells them."""
    with CHURN_CSV.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def _customers() -> pd.DataFrame:
    frame = pd.read_csv(CHURN_CSV, dtype=str, keep_default_na=False)
    frame = frame.rename(columns={field.header: field.name for field in COLUMNS})
    for field in COLUMNS:
        if field.kind is FieldKind.FLAG:
            frame[field.name] = frame[field.name].map(_AS_BOOL).astype(bool)
    total = TOTAL_CHARGES.name
    frame[total] = frame[total].str.strip().replace("", "0").astype(float)
    return frame.astype({"tenure": int, "monthly_charges": float})


def customers() -> pd.DataFrame:
    """Return the file's customers as the model reads them, a fresh copy."""
    return _customers().copy()


def customers_of(frame: pd.DataFrame) -> list[Customer]:
    """Return the customers of a frame as the service has them."""
    return block_of_frame(frame).customers()


def part_of(customer: Customer, names: Iterable[str]) -> Customer:
    """Return a customer with only some of the fields, and with what follows from them."""
    return parse_customer({name: customer[name] for name in customer.keys() & set(names)})


def held_out(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which rows of a frame no published model learns from."""
    return is_held_out(leaders_of(frame))


def learned_from() -> pd.DataFrame:
    """Return those of them who are not held out: whom the published model learns from."""
    frame = customers()
    return frame[~held_out(frame)]


@cache
def trained() -> Trained:
    """Return the model trained on the whole file, once per run."""
    return train_frame(_customers())


@cache
def conditioner() -> Conditioner:
    """Return what scores any subset of fields by that model."""
    return Conditioner(trained().scorecard)


@cache
def package(day: int = 1) -> Package:
    """Return that model as the version of a day in January 2026."""
    data = Snapshot(load_id=1, customers=len(_customers()), fingerprint="0" * 64)
    return pack(trained(), data=data, now=datetime(2026, 1, day, 2, tzinfo=UTC))


def version_of(day: int) -> str:
    """Return the name of that version."""
    return package(day).manifest.version
