"""Packs a trained model into the files of a version."""

import hashlib
import io
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version as installed

import joblib

from churn.customer.parsing import parse_customer
from churn.model.boosted import BoostedModel
from churn.model.conditioning import Conditioner
from churn.model.recipe import SEED
from churn.model.score import ModelFamily
from churn.monitoring import reference
from churn.pipeline import findings
from churn.pipeline.reference_counts import reference_of
from churn.registry.manifest import GoldenRow, Manifest, TrainedOn
from churn.registry.store import CARD, MODEL, SCORECARD, TREES, ModelStore
from churn.training import features, holdout
from churn.training.disclosure import invented_customers
from churn.training.fitted import Trained
from churn.training.report import card, plots
from churn.warehouse.customers import Snapshot

_DECIMALS = 10
_TREE_DIGITS = 6
_GOLDEN_ROWS = 12


@dataclass(frozen=True)
class Package:
    """A version as it will be written."""

    manifest: Manifest
    files: Mapping[str, bytes]


def _version_name(trained: Trained, now: datetime) -> str:
    """Return the name of a new version, by time (to the second) and content."""
    return f"{now:%Y%m%dT%H%M%S}Z-{fingerprint(trained)[:8]}"


def free_moment(store: ModelStore, trained: Trained, now: datetime) -> datetime:
    """Return ``now``, or the first second after it by which no other run named its version."""
    while store.has(_version_name(trained, now)):
        now += timedelta(seconds=1)
    return now


def pack(trained: Trained, *, data: Snapshot, now: datetime) -> Package:
    """Return the manifest and the files of a new version."""
    version = _version_name(trained, now)
    files = _files(version, now, trained)
    manifest = Manifest(
        version=version,
        created_at=now,
        fingerprint=fingerprint(trained),
        recipe=recipe(trained),
        settings=trained.options.values,
        trained_on=TrainedOn(
            load_id=data.load_id,
            customers=trained.customers,
            churned=trained.churned,
            fitted=trained.fitted,
            held_out=trained.customers - trained.fitted,
        ),
        data_fingerprint=data.fingerprint,
        data_customers=data.customers,
        family=trained.family.name,
        policy=trained.policy,
        largest_difference=trained.largest_difference,
        golden_rows=_golden_rows(trained),
        libraries=libraries(),
        files={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        **findings.of(trained.report),
    )
    return Package(manifest, files)


def _files(version: str, now: datetime, trained: Trained) -> dict[str, bytes]:
    return {
        SCORECARD: trained.scorecard.model_dump_json(indent=1).encode(),
        **({TREES: trained.trees} if trained.trees else {}),
        MODEL: _joblib(trained),
        CARD: card.render(version, now, trained).encode(),
        reference.FILE: reference_of(trained).model_dump_json().encode(),
        **plots.draw(trained),
    }


def _joblib(trained: Trained) -> bytes:
    file = io.BytesIO()
    joblib.dump(trained.model, file)
    return file.getvalue()


def fingerprint(trained: Trained) -> str:
    """Hash rounded numbers: their last bits differ from one type of processor to the next."""
    scorecard = trained.scorecard
    numbers: list[object] = [round(scorecard.intercept, _DECIMALS)]
    numbers += [round(column.weight, _DECIMALS) for column in scorecard.columns]
    if trained.trees:
        numbers.append(_rounded(json.loads(trained.trees)))
    return hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()


def _rounded(content: object) -> object:
    """Return JSON content with its numbers rounded; the trees' are of single precision."""
    if isinstance(content, float):
        return float(f"{content:.{_TREE_DIGITS}g}")
    if isinstance(content, dict):
        return {key: _rounded(value) for key, value in content.items()}
    if isinstance(content, list):
        return list(map(_rounded, content))
    return content


def recipe(trained: Trained) -> dict[str, str | int | float]:
    """Return what the figures and the model depend on besides data, settings and libraries."""
    return {
        "model": f"{trained.family.title} and the additive scorecard"
        if trained.trees
        else "logistic regression, additive scorecard",
        "C": features.REGULARISATION_C,
        **trained.report.rows.recipe.values,
        "seed": SEED,
        "held_out_share": holdout.HELD_OUT_SHARE,
        "split_by": "look-alikes",
    }


def libraries() -> dict[str, str]:
    """Return the versions of what computed the model."""
    names = ("scikit-learn", "xgboost-cpu", "numpy", "pandas")
    return {"python": platform.python_version(), **{name: installed(name) for name in names}}


def _boosted(trained: Trained) -> BoostedModel | None:
    if trained.trees is None:
        return None
    return BoostedModel.from_json(trained.trees, ModelFamily(trained.family.name))


def _golden_rows(trained: Trained) -> tuple[GoldenRow, ...]:
    """Return invented customers, every other one with half of its fields unknown."""
    conditioner, trees = Conditioner(trained.scorecard), _boosted(trained)
    invented = invented_customers(trained.scorecard, _GOLDEN_ROWS, SEED)
    rows = [dict(list(row.items())[:: 1 + i % 2]) for i, row in enumerate(invented)]
    customers = list(map(parse_customer, rows))
    scorers = [trees if trees and trees.knows_enough(one) else conditioner for one in customers]
    scores = [scorer.score(one) for scorer, one in zip(scorers, customers, strict=True)]
    return tuple(
        GoldenRow(known=row, probability=score.probability)
        for row, score in zip(rows, scores, strict=True)
    )
