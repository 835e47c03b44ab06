"""A version ready to answer: loaded, verified, and able to score and explain."""

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from churn.customer import Known
from churn.errors import ChurnError, ModelRefusedError
from churn.model.conditioning import Conditioner, Score
from churn.model.scorecard import read_scorecard
from churn.registry.manifest import GoldenRow, Manifest
from churn.registry.store import SCORECARD, ModelStore, read_version

_TOLERANCE = 1e-9


@dataclass(frozen=True)
class LoadedModel:
    """A verified version."""

    manifest: Manifest
    conditioner: Conditioner

    @property
    def version(self) -> str:
        """The version's name."""
        return self.manifest.version

    def score(self, known: Known) -> Score:
        """Score a customer from whatever is known."""
        return self.conditioner.score(known)

    def decide(self, score: Score) -> bool:
        """Whether the customer counts as leaving, by the version's threshold."""
        return score.probability >= self.manifest.threshold


def load_model(folder: Path) -> LoadedModel:
    """Load a version of the model store and verify it: schema, hashes, golden rows.

    Raises:
        ModelRefusedError: naming the check that failed.
    """
    version = read_version(folder)
    if SCORECARD not in version.files:
        raise ModelRefusedError(f"{folder.name}: the manifest does not list {SCORECARD}")
    model = LoadedModel(version.manifest, Conditioner(read_scorecard(version.files[SCORECARD])))
    for number, row in enumerate(version.manifest.golden_rows):
        _check_golden_row(model, number, row)
    return model


@dataclass(frozen=True)
class Served:
    """The version that answers; ``refused`` says why it is not the one that the pointer names."""

    model: LoadedModel
    refused: str | None = None


def load_served(store: ModelStore) -> Served:
    """Load the version in use, or where that is refused the one that served last and is sound.

    Raises:
        ModelRefusedError: no version that served can be loaded; the reason is the first one's.
        NoModelError: nothing has been published yet.
    """
    try:
        return Served(load_model(store.published(store.current())))
    except ChurnError as error:
        for earlier in reversed(store.served()):
            with suppress(ModelRefusedError):
                model = load_model(store.published(earlier.version))
                told = f"{error}; {model.version}, the last sound version that served, answers"
                return Served(model, told)
        raise


def _check_golden_row(model: LoadedModel, number: int, row: GoldenRow) -> None:
    try:
        found = model.score(row.known).probability
    except (KeyError, TypeError, ValueError) as error:
        raise ModelRefusedError(f"{model.version}: golden row {number} fails: {error!r}") from None
    if not math.isclose(found, row.probability, rel_tol=0, abs_tol=_TOLERANCE):
        raise ModelRefusedError(
            f"{model.version}: golden row {number} scores {found!r}, not {row.probability!r}"
        )
