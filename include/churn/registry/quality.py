"""How good a version is, as its manifest keeps it; every figure has a 95 % interval."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, FiniteFloat


class ManifestPart(BaseModel):
    """A part of the manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(ManifestPart):
    """A figure and its interval."""

    value: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat


Figures = Mapping[str, Interval]


class HoldOut(ManifestPart):
    """The customers that the version never learned from, and its figures on them."""

    customers: int
    churned: int
    figures: Figures


class Challenger(ManifestPart):
    """A family on the same folds and the same hold-out, and how it was judged where it was."""

    figures: Figures
    hold_out: Figures
    log_loss_difference: Interval
    judged: str | None = None


class SliceQuality(ManifestPart):
    """A part of the customers: scores out of fold, decisions on the hold-out."""

    field: str
    value: str
    customers: int
    churned: int
    scores: Figures
    decisions: Figures


class LeakChecks(ManifestPart):
    """What the tripwire looked at."""

    max_auc: FiniteFloat
    max_accuracy: FiniteFloat
    reason: str
    single_field_auc: Mapping[str, FiniteFloat]


class Calibration(ManifestPart):
    """The cross-validated calibration error, and what perfect calibration would show by chance."""

    error: Interval
    noise_floor: FiniteFloat
    exceeded_by_chance_in_5_percent: FiniteFloat
