"""A version ready to answer: loaded, verified, and able to score, whatever its family."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn.core.errors import ModelRefusedError
from churn.customer.description import MONTHLY_CHARGES, Known
from churn.model.block import Block
from churn.model.block_score import BlockScore, Floats, score_block
from churn.model.boosted import BoostedModel
from churn.model.conditioning import Conditioner
from churn.model.score import Family, Score
from churn.model.scorecard import read_scorecard
from churn.model.what_if import Offer
from churn.registry.manifest import GoldenRow, Manifest
from churn.registry.store import SCORECARD, TREES, ModelStore, Version, read_version

_CHARGES: Final = MONTHLY_CHARGES.name


@dataclass(frozen=True)
class Decisions:
    """Whom of many customers to contact: the profit expected of it, and the threshold."""

    contact: NDArray[np.bool_]
    expected_profit: Floats
    threshold: Floats


class Decision(NamedTuple):
    """Whether to contact a customer, the profit expected of it, and the threshold."""

    contact: bool
    expected_profit: float
    threshold: float


@dataclass(frozen=True)
class LoadedModel:
    """A verified version. Trees, if it has them, score whole customers, the scorecard the rest."""

    manifest: Manifest
    conditioner: Conditioner
    trees: BoostedModel | None = None

    @property
    def version(self) -> str:
        """The version's name."""
        return self.manifest.version

    @property
    def family(self) -> Family:
        """What scores customers of whom every field is known."""
        return self.trees.family if self.trees else Family.SCORECARD

    def score(self, known: Known, *, explained: bool = True) -> Score:
        """Score a customer from whatever is known; trees take long over explaining."""
        if self.trees and self.trees.knows_enough(known):
            return self.trees.score(known, explained=explained)
        return self.conditioner.score(known)

    def probabilities(self, rows: Sequence[Known]) -> NDArray[np.float64]:
        """Return the probability of each customer, shape (customers,)."""
        if not self.trees:
            return self.conditioner.probabilities(rows)
        whole = np.array([self.trees.knows_enough(row) for row in rows], dtype=bool)
        found = np.empty(len(rows))
        found[whole] = self.trees.probabilities(list(compress(rows, whole)))
        found[~whole] = self.conditioner.probabilities(compress(rows, ~whole))
        return found

    def changed(self, whole: Known, offers: Sequence[Offer]) -> Sequence[float]:
        """Return the probability of a completed customer, and then that with each offer alone."""
        if self.trees and self.trees.knows_enough(whole):
            return self.trees.changed(whole, offers)
        return self.conditioner.changed(whole, offers)

    def score_block(self, block: Block) -> BlockScore:
        """Score the customers of a completed block."""
        score = score_block(self.conditioner, block)
        if not self.trees:
            return score
        enough = np.logical_and.reduce([block.is_known(name) for name in self.trees.fields])
        places = np.flatnonzero(enough)
        found = self.trees.probabilities([block.known(place) for place in places.tolist()])
        for column in (score.probability, score.low, score.high):
            column[places] = found
        return score

    def decisions(self, probability: Floats, monthly_charges: Floats) -> Decisions:
        """Return whom of many customers to contact; charges of NaN are unknown."""
        policy = self.manifest.policy
        return Decisions(
            policy.contacts(probability, monthly_charges),
            policy.expected_profits(probability, monthly_charges),
            policy.thresholds(monthly_charges),
        )

    def decision(self, score: Score, known: Known) -> Decision:
        """Return whether to contact a customer."""
        policy = self.manifest.policy
        charges = float(known[_CHARGES]) if _CHARGES in known else None
        return Decision(
            policy.contact(score.probability, charges),
            policy.expected_profit(score.probability, charges),
            policy.threshold_at(charges),
        )


def load_published(store: ModelStore, version: str) -> LoadedModel:
    """Load a version of the model store and verify it: every byte, schema, golden rows.

    Raises:
        ModelRefusedError: naming the check that failed.
    """
    return load_version(store.read(version))


def load_model(folder: Path) -> LoadedModel:
    """Load a version by itself, as a candidate is: the store knows no hash of its manifest."""
    return load_version(read_version(folder))


def load_version(version: Version) -> LoadedModel:
    """Return a model of what was read.

    Raises:
        ModelRefusedError: no model can be made of it, or a golden row scores otherwise.
    """
    with _refusing(f"{version.manifest.version}: no model can be made of it"):
        conditioner = Conditioner(read_scorecard(_content(version, SCORECARD)))
        model = LoadedModel(version.manifest, conditioner, _trees(version))
    for number, row in enumerate(version.manifest.golden_rows):
        _check_golden_row(model, number, row)
    return model


@contextmanager
def _refusing(what: str) -> Iterator[None]:
    """Report a failed calculation as any other defect of a version."""
    try:
        yield
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # LinAlgError included
        raise ModelRefusedError(f"{what}: {error!r}") from None


def _content(version: Version, name: str) -> bytes:
    if name not in version.files:
        raise ModelRefusedError(f"{version.manifest.version}: the manifest does not list {name}")
    return version.files[name]


def _trees(version: Version) -> BoostedModel | None:
    try:
        family = Family(version.manifest.family)
    except ValueError:
        reason = f"this service cannot score the family {version.manifest.family!r}"
        raise ModelRefusedError(f"{version.manifest.version}: {reason}") from None
    if family is Family.SCORECARD:
        return None
    return BoostedModel.from_json(_content(version, TREES), family)


def _check_golden_row(model: LoadedModel, number: int, row: GoldenRow) -> None:
    with _refusing(f"{model.version}: golden row {number} fails"):
        score = model.score(row.known, explained=False)
    if not abs(score.probability - row.probability) <= score.scored_by.tolerance:
        raise ModelRefusedError(
            f"{model.version}: golden row {number} scores {score.probability!r}, "
            f"not {row.probability!r}"
        )
