"""Compares a candidate with what serves, on the customers that no model has learned from."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from numpy.typing import NDArray

from churn import scoring
from churn.errors import ModelRefusedError, NoModelError
from churn.model.holdout import HELD_OUT_SHARE
from churn.registry import promotion
from churn.registry.bootstrap import Comparison
from churn.registry.promotion import Decision, PromotionRule
from churn.registry.store import ModelStore
from churn.scoring import LoadedModel
from churn.warehouse import customers
from churn.warehouse.connect import Connection, placeholders, statement

if TYPE_CHECKING:
    import pandas as pd

_MOST_HELD_OUT: Final = 100_000
_SERVED: Final = {"fingerprint", "threshold", "family", "policy"}


def decide(
    connection: Connection, store: ModelStore, version: str, rule: PromotionRule
) -> Decision:
    """Decide whether a candidate takes over from the version in use.

    Raises:
        ModelRefusedError: the candidate fails a check.
    """
    candidate = scoring.load_model(store.folder(version))
    try:
        champion = scoring.load_published(store, store.current())
    except NoModelError:
        return promotion.first(version)
    except ModelRefusedError as error:
        return Decision(True, f"promote: the version in use is refused ({error})")
    return _without_comparing(connection, candidate, champion) or promotion.judge(
        compare(connection, candidate, champion), rule
    )


def compare(connection: Connection, candidate: LoadedModel, champion: LoadedModel) -> Comparison:
    """Score both on the current customers of the hold-out, at most about 100,000 of them."""
    from churn.model.compiling import known_rows
    from churn.model.features import target

    held_out = HELD_OUT_SHARE * customers.count(connection).customers
    share = HELD_OUT_SHARE * min(1.0, _MOST_HELD_OUT / max(1.0, held_out))
    frame = customers.read_held_out(connection, share=share)
    rows = known_rows(frame)
    return Comparison(
        target(frame), champion.probabilities(rows), candidate.probabilities(rows), slices(frame)
    )


def slices(frame: "pd.DataFrame") -> Mapping[str, NDArray[np.bool_]]:
    """Return who belongs to each slice, by its name, such as ``contract=One year``."""
    from churn.model.slices import masks

    return {f"{field}={value}": mask for field, value, mask in masks(frame)}


def _without_comparing(
    connection: Connection, candidate: LoadedModel, champion: LoadedModel
) -> Decision | None:
    """Decide where there is nothing to compare, or a person has decided before."""
    new, old = (_served(model) for model in (candidate, champion))
    if new == old:
        return promotion.unchanged(champion.version)
    if new["fingerprint"] == old["fingerprint"]:
        changed = ", ".join(
            f"{name} {old[name]} -> {new[name]}" for name in new if new[name] != old[name]
        )
        return Decision(True, f"promote: the same model with another setting ({changed})")
    return _rolled_back(connection, candidate)


def _rolled_back(connection: Connection, candidate: LoadedModel) -> Decision | None:
    values = {"fingerprint": candidate.manifest.fingerprint}
    query = statement("find_rolled_back", **placeholders(values))
    row = connection.execute(query, values).fetchone()
    if row is None:
        return None
    version, happened_at, actor, reason = row
    when = f"{cast(datetime, happened_at).astimezone(UTC):%Y-%m-%d %H:%M}"
    return Decision(
        False,
        f"keep: it is {version} again, from which {actor} went back at {when} ({reason}); "
        "promote it by hand if it is to serve after all",
    )


def _served(model: LoadedModel) -> dict[str, object]:
    return model.manifest.model_dump(mode="json", include=_SERVED)
