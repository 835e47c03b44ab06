"""The locked hold-out, and the sample that models are measured on, by the hash of the leader."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from churn.customer.look_alikes import BITS, Hashes, part

HELD_OUT_SHARE: Final = 0.2
_SAMPLE_LOWEST: Final = 36
_SAMPLE_BITS: Final = 12
"""The hold-out rests on the bits above, ``churn.training.refits`` on those below."""


def is_held_out(leaders: Hashes, share: float = HELD_OUT_SHARE) -> NDArray[np.bool_]:
    """Whether no model may learn from each customer; a lower share is a part of the hold-out."""
    return np.asarray(leaders < share * 2**BITS)


def is_sampled(leaders: Hashes, share: float) -> NDArray[np.bool_]:
    """Whether each customer is in a sample, which has as many held out as everywhere."""
    return part(leaders, lowest=_SAMPLE_LOWEST, bits=_SAMPLE_BITS) < share * 2**_SAMPLE_BITS
