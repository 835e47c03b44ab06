"""Scores the rows of a batch, a block at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from churn.customer.description import MONTHLY_CHARGES
from churn.model.score import HALF
from churn.pipeline.batch.figures import Figures
from churn.pipeline.batch.rows import Rows
from churn.registry.loaded_model import LoadedModel


@dataclass(frozen=True)
class ScoredRows:
    """The scores of rows, by column; those of rows with errors have no meaning."""

    first: int
    rows: Rows
    churns: NDArray[np.bool_]
    contact: NDArray[np.bool_]
    probability: Figures
    low: Figures
    high: Figures
    threshold: Figures
    expected_profit: Figures
    version: str
    prediction_ids: Sequence[str] = ()
    """Empty where the scores are not recorded."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def churning(self) -> int:
        """How many rows have the prediction 1."""
        return int(self.churns.sum())

    def without_errors(self) -> Self:
        """Return the rows without errors."""
        if not self.rows.errors:
            return self
        kept = np.delete(np.arange(len(self)), list(self.rows.errors))
        return replace(
            self,
            rows=self.rows.only(kept),
            churns=self.churns[kept],
            contact=self.contact[kept],
            probability=self.probability.only(kept),
            low=self.low.only(kept),
            high=self.high.only(kept),
            threshold=self.threshold.only(kept),
            expected_profit=self.expected_profit.only(kept),
            prediction_ids=[self.prediction_ids[p] for p in kept.tolist() if self.prediction_ids],
        )


def score_rows(
    model: LoadedModel, rows: Rows, *, first: int, prediction_ids: Sequence[str] = ()
) -> ScoredRows:
    """Score rows, of which the first one has the number ``first``."""
    score = model.score_block(rows.block)
    decisions = model.decisions(score.probability, rows.block.numbers[MONTHLY_CHARGES.name])
    probability = Figures(score.probability)
    is_certain = bool((score.low == score.high).all())
    return ScoredRows(
        first=first,
        rows=rows,
        churns=score.probability >= HALF,
        contact=decisions.contact,
        probability=probability,
        low=probability if is_certain else Figures(score.low),
        high=probability if is_certain else Figures(score.high),
        threshold=Figures(decisions.threshold),
        expected_profit=Figures(decisions.expected_profit),
        version=model.version,
        prediction_ids=prediction_ids,
    )
