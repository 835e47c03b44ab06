"""Chooses predictions whose outcomes do not depend on each other."""

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]


def spaced(customers: NDArray[np.int64], days: NDArray[np.datetime64], apart: int) -> Flags:
    """Return which predictions to keep so that those of a customer are so many days apart.

    The first of a customer is kept, then the first one at least ``apart`` days later, and so on.
    Both arguments have the shape (predictions,), and so has the result. The outcomes of predictions
    that are closer than the maturity overlap: each would count the same departure once more.
    """
    order = np.lexsort((days, customers))
    kept = np.zeros(len(order), dtype=bool)
    numbers = days.astype("datetime64[D]").astype(np.int64)[order].tolist()
    last_customer, next_day = None, 0
    for place, customer, day in zip(
        order.tolist(), customers[order].tolist(), numbers, strict=True
    ):
        if customer != last_customer or day >= next_day:
            kept[place] = True
            last_customer, next_day = customer, day + apart
    return kept
