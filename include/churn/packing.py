"""Packs a trained model into the files of a version."""

import hashlib
import io
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version as installed
from typing import TYPE_CHECKING

import joblib

from churn.model import card, evaluation, features
from churn.model.compiling import known_rows
from churn.model.conditioning import Conditioner
from churn.model.scorecard import Scorecard
from churn.model.training import Trained
from churn.registry.manifest import GoldenRow, Manifest, Metric, TrainedOn
from churn.registry.store import CARD, MODEL, SCORECARD
from churn.warehouse.customers import Snapshot

if TYPE_CHECKING:
    import pandas as pd

_DECIMALS = 10
_GOLDEN_ROWS = 12


@dataclass(frozen=True)
class Package:
    """A version as it will be written."""

    manifest: Manifest
    files: Mapping[str, bytes]


def pack(trained: Trained, frame: "pd.DataFrame", *, data: Snapshot, now: datetime) -> Package:
    """Return the manifest and the files of a new version, named by time and content."""
    scorecard = trained.scorecard.model_dump_json(indent=1).encode()
    joblib_file = io.BytesIO()
    joblib.dump(trained.model, joblib_file)
    fingerprint = _fingerprint(trained.scorecard)
    version = f"{now:%Y%m%dT%H%M%S}Z-{fingerprint[:8]}"
    text = card.render(version, now, trained).encode()
    files = {SCORECARD: scorecard, MODEL: joblib_file.getvalue(), CARD: text}
    measured = {k: Metric(mean=m.mean, sd=m.sd) for k, m in trained.cross_validation.items()}
    manifest = Manifest(
        version=version,
        created_at=now,
        fingerprint=fingerprint,
        recipe=_recipe(),
        trained_on=TrainedOn(
            load_id=data.load_id, customers=trained.customers, churned=trained.churned
        ),
        data_fingerprint=data.fingerprint,
        data_customers=data.customers,
        threshold=evaluation.THRESHOLD,
        cross_validation=measured,
        majority_baseline=dict(trained.majority_baseline),
        largest_difference=trained.largest_difference,
        golden_rows=_golden_rows(trained.scorecard, frame),
        libraries=_libraries(),
        files={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    )
    return Package(manifest, files)


def _fingerprint(scorecard: Scorecard) -> str:
    """Hash rounded numbers: their last bits differ from one type of processor to the next."""
    numbers = [round(scorecard.intercept, _DECIMALS)]
    numbers += [round(column.weight, _DECIMALS) for column in scorecard.columns]
    return hashlib.sha256(json.dumps(numbers).encode()).hexdigest()


def _recipe() -> dict[str, str | int | float]:
    return {
        "model": "logistic regression, additive scorecard",
        "C": features.REGULARISATION_C,
        "folds": evaluation.FOLDS,
        "repeats": evaluation.REPEATS,
        "seed": evaluation.SEED,
    }


def _libraries() -> dict[str, str]:
    names = ("scikit-learn", "numpy", "pandas")
    return {"python": platform.python_version(), **{name: installed(name) for name in names}}


def _golden_rows(scorecard: Scorecard, frame: "pd.DataFrame") -> tuple[GoldenRow, ...]:
    """Return customers spread over the file, every other one with half of its fields unknown."""
    conditioner = Conditioner(scorecard)
    step = max(1, len(frame) // _GOLDEN_ROWS)
    rows = known_rows(frame.iloc[::step][:_GOLDEN_ROWS])
    rows = [dict(list(row.items())[:: 1 + i % 2]) for i, row in enumerate(rows)]
    return tuple(GoldenRow(known=r, probability=conditioner.score(r).probability) for r in rows)
