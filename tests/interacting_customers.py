"""Customers of whom trees must know more than any sum of fields."""

from functools import cache

import numpy as np
import pandas as pd

from churn.training.fitted import Trained, train_frame
from tests.customer_file import SMALL, customers

_SEED = 7


@cache
def _interacting_customers() -> pd.DataFrame:
    frame = customers()
    random = np.random.default_rng(_SEED)
    apart = (frame["partner"] ^ frame["paperless_billing"]).to_numpy()
    ids = [f"customer {number}" for number in range(len(frame))]  # not those of the IBM sample
    return frame.assign(
        customer_id=ids, churn=random.random(len(frame)) < np.where(apart, 0.75, 0.12)
    )


def interacting_customers() -> pd.DataFrame:
    """Return customers who leave when exactly one of two flags is set: log-odds no sum can make."""
    return _interacting_customers().copy()


@cache
def trained_on_interactions() -> Trained:
    """Return what is trained on them, once per run."""
    return train_frame(_interacting_customers(), recipe=SMALL)
