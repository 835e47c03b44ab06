"""A version ready to answer: loaded, verified, and able to score, whatever its family."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn.core.errors import InvalidCustomerError, ModelRefusedError
from churn.customer.description import MONTHLY_CHARGES, Customer
from churn.customer.parsing import parse_customer
from churn.model.block import Block
from churn.model.block_score import BlockScore, Floats, score_block
from churn.model.boosted import BoostedModel
from churn.model.conditioning import Conditioner
from churn.model.score import ModelFamily, Score
from churn.model.scorecard import read_scorecard
from churn.model.what_if import Offer
from churn.registry.manifest import GoldenRow, Manifest
from churn.registry.store import SCORECARD, TREES, ModelStore, Version, read_version

_FAILURES: Final = (ArithmeticError, InvalidCustomerError, LookupError, TypeError, ValueError)


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
    def family(self) -> ModelFamily:
        """What scores customers whose every field is known."""
        return self.trees.family if self.trees else ModelFamily.SCORECARD

    def score(self, customer: Customer, *, explained: bool = True) -> Score:
        """Score a customer from the known fields; explaining trees takes long."""
        if self.trees and self.trees.knows_enough(customer):
            return self.trees.score(customer, explained=explained)
        return self.conditioner.score(customer)

    def changed(self, customer: Customer, offers: Sequence[Offer]) -> Sequence[float]:
        """Return the probability of a customer, and then that with each offer alone."""
        if self.trees and self.trees.knows_enough(customer):
            return self.trees.changed(customer, offers)
        return self.conditioner.changed(customer, offers)

    def score_block(self, block: Block) -> BlockScore:
        """Score the customers of a block."""
        score = score_block(self.conditioner, block)
        if not self.trees:
            return score
        enough = np.logical_and.reduce([block.is_known(name) for name in self.trees.fields])
        places = np.flatnonzero(enough)
        found = self.trees.probabilities([block.customer(place) for place in places.tolist()])
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

    def decision(self, score: Score, customer: Customer) -> Decision:
        """Return whether to contact a customer."""
        policy, charges = self.manifest.policy, _monthly_charges(customer)
        return Decision(
            policy.contact(score.probability, charges),
            policy.expected_profit(score.probability, charges),
            policy.threshold_at(charges),
        )


def _monthly_charges(customer: Customer) -> float | None:
    charges = customer.get(MONTHLY_CHARGES.name)
    return None if charges is None else float(charges)


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
    except _FAILURES as error:
        raise ModelRefusedError(f"{what}: {error!r}") from None


def _content(version: Version, name: str) -> bytes:
    if name not in version.files:
        raise ModelRefusedError(f"{version.manifest.version}: the manifest does not list {name}")
    return version.files[name]


def _trees(version: Version) -> BoostedModel | None:
    try:
        family = ModelFamily(version.manifest.family)
    except ValueError:
        reason = f"this service cannot score the family {version.manifest.family!r}"
        raise ModelRefusedError(f"{version.manifest.version}: {reason}") from None
    if family is ModelFamily.SCORECARD:
        return None
    return BoostedModel.from_json(_content(version, TREES), family)


def _check_golden_row(model: LoadedModel, number: int, row: GoldenRow) -> None:
    with _refusing(f"{model.version}: golden row {number} fails"):
        score = model.score(parse_customer(row.known), explained=False)
    if not abs(score.probability - row.probability) <= score.scored_by.tolerance:
        raise ModelRefusedError(
            f"{model.version}: golden row {number} scores {score.probability!r}, "
            f"not {row.probability!r}"
        )
