"""The description of a version; read before anything else of it is trusted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, computed_field, model_validator
from pydantic_core import PydanticCustomError

from churn.core.training_options import Objective
from churn.model.document import read_document
from churn.model.policy import Policy
from churn.registry.quality import (
    Calibration,
    Challenger,
    HoldOut,
    Interval,
    LeakChecks,
    ManifestPart,
    SliceQuality,
)

Probability = Annotated[FiniteFloat, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
VERSION_PATTERN = r"^[0-9A-Za-z][0-9A-Za-z.-]{0,79}$"
FILE_PATTERN = r"^(?:[0-9A-Za-z][0-9A-Za-z_-]{0,40}/)?[0-9A-Za-z][0-9A-Za-z_.-]{0,79}$"


class TrainedOn(ManifestPart):
    """The customers that a version was trained with, and how many of them had churned.

    The model is fitted on ``fitted`` of them; ``held_out`` are those it never learns from. A
    version may lack these two.
    """

    load_id: int
    customers: int
    churned: int
    fitted: int | None = None
    held_out: int | None = None


class Metric(ManifestPart):
    """A metric over the cross-validation's folds, with its 95 % bootstrap interval."""

    mean: FiniteFloat
    sd: FiniteFloat
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None


class GoldenRow(ManifestPart):
    """A customer and the probability that every reader of this version must find."""

    known: Mapping[str, bool | int | float | str]
    probability: Probability


class Manifest(ManifestPart):
    """The manifest of one version."""

    format: Literal[1] = 1
    version: Annotated[str, Field(pattern=VERSION_PATTERN)]
    created_at: datetime
    fingerprint: Sha256
    family: str = "scorecard"
    recipe: Mapping[str, str | int | float]
    trained_on: TrainedOn
    cross_validation: Mapping[str, Metric]
    majority_baseline: Mapping[str, FiniteFloat]
    largest_difference: FiniteFloat
    golden_rows: Annotated[tuple[GoldenRow, ...], Field(min_length=1)]
    libraries: Mapping[str, str]
    files: Mapping[str, Sha256]
    policy: Policy
    calibration: Calibration | None = None
    hold_out: HoldOut | None = None
    challengers: Mapping[str, Challenger] = {}
    folds_ahead_of_all_columns: int | None = None
    slices: tuple[SliceQuality, ...] = ()
    cost_of_leaving_out_protected: Mapping[str, Interval] = {}
    leak_checks: LeakChecks | None = None
    data_fingerprint: Sha256 | None = None
    data_customers: int | None = None
    settings: Mapping[str, str] = {}

    @computed_field  # type: ignore[prop-decorator]
    @property
    def threshold(self) -> float:
        """The policy's threshold; the file has it a second time for other readers."""
        return self.policy.threshold

    @model_validator(mode="before")
    @classmethod
    def _has_one_threshold(cls, content: object) -> object:
        """Compare the two thresholds of a file; an old version has no policy but this threshold."""
        if not isinstance(content, dict) or "threshold" not in content:
            return content
        fields = dict(content)
        threshold = fields.pop("threshold")
        policy = fields.setdefault("policy", {"objective": Objective.HALF, "threshold": threshold})
        own = policy.get("threshold") if isinstance(policy, dict) else None
        if threshold != own:
            raise PydanticCustomError(
                "threshold", f"threshold {threshold} is not the policy's {own}"
            )
        return fields


def read_manifest(content: bytes) -> Manifest:
    """Parse ``manifest.json``.

    Raises:
        ModelRefusedError: naming what is wrong with it.
    """
    return read_document(Manifest, content, "manifest.json")
