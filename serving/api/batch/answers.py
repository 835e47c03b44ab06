"""Answers to the rows of a batch, a block at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from churn.customer import MONTHLY_CHARGES
from churn.scoring import LoadedModel
from serving.api.batch.figures import Figures
from serving.api.batch.ids import prediction_ids
from serving.api.batch.rows import Rows


@dataclass(frozen=True)
class Answered:
    """The answers to rows, by column; what a row with an error has there means nothing."""

    first: int
    rows: Rows
    leaves: NDArray[np.bool_]
    probability: Figures
    low: Figures
    high: Figures
    threshold: Figures
    expected_value: Figures
    version: str
    prediction_ids: Sequence[str]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def leaving(self) -> int:
        """How many rows count as leaving."""
        return int(self.leaves.sum())

    def without_errors(self) -> Self:
        """Return the answers to the rows that have one."""
        if not self.rows.errors:
            return self
        kept = np.delete(np.arange(len(self)), list(self.rows.errors))
        return replace(
            self,
            rows=self.rows.only(kept),
            leaves=self.leaves[kept],
            probability=self.probability.only(kept),
            low=self.low.only(kept),
            high=self.high.only(kept),
            threshold=self.threshold.only(kept),
            expected_value=self.expected_value.only(kept),
            prediction_ids=[self.prediction_ids[place] for place in kept.tolist()],
        )


def answer_rows(
    model: LoadedModel, rows: Rows, *, first: int, key: bytes, caller: str = ""
) -> Answered:
    """Score rows; with a key, or an id of their own, they get the same ids when sent again."""
    score = model.score_block(rows.block)
    bills = rows.block.numbers[MONTHLY_CHARGES.name]
    verdicts = model.verdicts(score.probability, bills)
    probability = Figures(score.probability)
    is_certain = bool((score.low == score.high).all())
    return Answered(
        first=first,
        rows=rows,
        leaves=verdicts.leaves,
        probability=probability,
        low=probability if is_certain else Figures(score.low),
        high=probability if is_certain else Figures(score.high),
        threshold=Figures(verdicts.threshold),
        expected_value=Figures(model.manifest.policy.expected_values(score.probability, bills)),
        version=model.version,
        prediction_ids=prediction_ids(rows, model.version, first, key, caller),
    )
