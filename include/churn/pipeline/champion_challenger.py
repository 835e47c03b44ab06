"""Compares a candidate with the champion, each on customers that it has not learned from."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from numpy.typing import NDArray

from churn.core.errors import ModelRefusedError, NoModelError
from churn.core.training_options import TrainingOptions
from churn.customer.look_alikes import leaders
from churn.model.ranking import Floats
from churn.model.recipe import Recipe
from churn.registry import loaded_model
from churn.registry.loaded_model import LoadedModel
from churn.registry.store import ModelStore
from churn.training import promotion
from churn.training.comparison import Comparison
from churn.training.holdout import HELD_OUT_SHARE, is_held_out
from churn.training.promotion import Decision, PromotionRule
from churn.warehouse import customers
from churn.warehouse.connect import Connection, placeholders, statement
from churn.warehouse.encoded import EncodedRows, read_encoded

if TYPE_CHECKING:
    import pandas as pd

_MOST_HELD_OUT: Final = 100_000
_LEAST_KEPT: Final = 0.9
_SERVED: Final = {"fingerprint", "threshold", "family", "policy"}


def decide(
    connection: Connection, store: ModelStore, version: str, rule: PromotionRule
) -> Decision:
    """Decide whether a candidate takes over from the live version.

    Raises:
        ModelRefusedError: the candidate fails a check.
    """
    candidate = loaded_model.load_model(store.folder(version))
    try:
        champion = loaded_model.load_published(store, store.current())
    except NoModelError:
        return promotion.first(version)
    except ModelRefusedError as error:
        return Decision(True, f"promote: the live version is refused ({error})")
    return _without_comparing(connection, candidate, champion) or promotion.judge(
        compare(connection, candidate, champion, rule), rule
    )


def compare(
    connection: Connection, candidate: LoadedModel, champion: LoadedModel, rule: PromotionRule
) -> Comparison:
    """Compare on the hold-out or, where that has too few churned customers, on all by refits."""
    encoded = read_encoded(connection)
    held_out = _on_hold_out(connection, candidate, champion, encoded)
    if promotion.needs_refits(held_out, len(encoded.codes), rule):
        return _out_of_fold(connection, candidate, champion)
    return held_out


def _on_hold_out(
    connection: Connection, candidate: LoadedModel, champion: LoadedModel, encoded: EncodedRows
) -> Comparison:
    """Score the current customers of the hold-out, at most about 100,000 of them."""
    from churn.training.compiling import block_of_frame
    from churn.training.encoded_customers import leaders_of
    from churn.training.features import target

    share = min(HELD_OUT_SHARE, _MOST_HELD_OUT / max(1, len(encoded.codes)))
    chosen = is_held_out(leaders(encoded.codes, encoded.hashes), share)
    frame = customers.read_some(connection, encoded.hashes[chosen].tolist())
    block = block_of_frame(frame)
    return Comparison(
        target(frame),
        champion.score_block(block).probability,
        candidate.score_block(block).probability,
        slices(frame),
        groups=leaders_of(frame),
    )


def _out_of_fold(
    connection: Connection, candidate: LoadedModel, champion: LoadedModel
) -> Comparison:
    """Score every customer by refits that left it out.

    The candidate's recipe learns from the customers as they are, the champion's from the customers
    as they were at its load.
    """
    from churn.training.features import target

    recipe = Recipe.recorded(candidate.manifest.recipe)
    now = customers.read_customers(connection)
    then = _training_customers(connection, champion, candidate)
    return Comparison(
        target(now),
        _as_it_serves(champion, now, recipe)
        if then is None
        else _refitted(champion, then, now, recipe),
        _refitted(candidate, now, now, recipe),
        slices(now),
        folds=recipe.folds,
    )


def _training_customers(
    connection: Connection, champion: LoadedModel, candidate: LoadedModel
) -> "pd.DataFrame | None":
    """Return the customers as they were at the champion's load; None where it cannot be refitted.

    Then its recipe is not this code's, or more than a tenth of those customers are gone.
    """
    if _recipe(champion) != _recipe(candidate):
        return None
    trained_on = champion.manifest.trained_on
    then = customers.read_customers(connection, customers.as_of(trained_on.load_id))
    is_whole = _LEAST_KEPT * trained_on.customers <= len(then) <= trained_on.customers
    return then if is_whole else None


def _recipe(model: LoadedModel) -> dict[str, str | int | float]:
    return {name: part for name, part in model.manifest.recipe.items() if name != "model"}


def _refitted(
    model: LoadedModel, training: "pd.DataFrame", test: "pd.DataFrame", recipe: Recipe
) -> Floats:
    from churn.training import refits
    from churn.training.families import families, matrix
    from churn.training.features import target

    protected = TrainingOptions.from_values(model.manifest.settings).protected_attributes
    family = next(one for one in families(protected) if one.name == model.manifest.family)
    training_places, test_places = refits.folds_of(training, test, recipe)
    design = matrix(training, family.columns)
    fit = partial(family.fit, weights=None)
    fitted = refits.refit(fit, design, target(training), training_places, recipe.folds)
    return refits.score_unseen(fitted, matrix(test, family.columns), test_places)


def _as_it_serves(champion: LoadedModel, frame: "pd.DataFrame", recipe: Recipe) -> Floats:
    """Score by the champion itself. That it learned from some of the customers favours it."""
    from churn.training.compiling import block_of_frame

    return np.tile(champion.score_block(block_of_frame(frame)).probability, (recipe.repeats, 1))


def slices(frame: "pd.DataFrame") -> Mapping[str, NDArray[np.bool_]]:
    """Return who belongs to each slice, by its name, such as ``contract=One year``."""
    from churn.training.slices import masks

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
        f"keep: it is {version} again, which {actor} rolled back at {when} ({reason}); "
        "promote it by hand if it is to serve after all",
    )


def _served(model: LoadedModel) -> dict[str, object]:
    return model.manifest.model_dump(mode="json", include=_SERVED)
