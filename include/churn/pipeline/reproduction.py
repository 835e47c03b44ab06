"""Trains a version again from what its manifest records, and compares the fingerprints."""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from churn.core.errors import ChurnError
from churn.core.training_options import TrainingOptions
from churn.registry.manifest import Manifest
from churn.warehouse import customers
from churn.warehouse.connect import Connection, scalar
from churn.warehouse.customers import Snapshot

_HAS_LOAD = sql.SQL("SELECT EXISTS (SELECT FROM loads WHERE load_id = %(load_id)s)")


class NotReproducibleError(ChurnError):
    """What a version was made from is not there any more."""


@dataclass(frozen=True)
class Reproduction:
    """What training again gave, and what the manifest records."""

    version: str
    recorded: str
    found: str
    other_libraries: Mapping[str, tuple[str, str]]

    @property
    def is_same(self) -> bool:
        """Whether it is the same model."""
        return self.recorded == self.found

    def __str__(self) -> str:
        others = ", ".join(
            f"{name} {then} then, {now or 'none'} now"
            for name, (then, now) in self.other_libraries.items()
        )
        verdict = "reproduced" if self.is_same else "NOT reproduced"
        hashes = f"fingerprint {self.found[:16]}, recorded {self.recorded[:16]}"
        message = f"{self.version}: {verdict}; {hashes}"
        return (
            f"{message}; other libraries: {others}" if others else f"{message}; the same libraries"
        )


def reproduce(connection: Connection, manifest: Manifest) -> Reproduction:
    """Rebuild the customers as they were, train on them as then, and compare.

    Raises:
        NotReproducibleError: the customers can not be rebuilt, or the recipe is another one.
    """
    from churn.model.recipe import Recipe
    from churn.pipeline import packing
    from churn.training import fitted

    source = rebuild(connection, manifest)
    options = TrainingOptions.from_values(manifest.settings)
    data = fitted.read_training_set(
        connection, options, recipe=Recipe.recorded(manifest.recipe), source=source
    )
    trained = fitted.train(data, options)
    recipe = packing.recipe(trained)
    if recipe != manifest.recipe:
        raise NotReproducibleError(
            f"{manifest.version} was trained by another recipe ({dict(manifest.recipe)}) than this "
            f"code's ({recipe}); check out the code of that day"
        )
    return Reproduction(
        manifest.version,
        manifest.fingerprint,
        packing.fingerprint(trained),
        _differing(manifest.libraries, packing.libraries()),
    )


def rebuild(connection: Connection, manifest: Manifest) -> sql.Composable:
    """Return what stands for the customers that a version was trained on, proved by their hash.

    Raises:
        NotReproducibleError: saying what is missing.
    """
    load_id = manifest.trained_on.load_id
    if manifest.data_fingerprint is None:
        raise NotReproducibleError(f"{manifest.version} does not record which data it had")
    customers.begin_snapshot(connection)
    if not scalar(connection, _HAS_LOAD, {"load_id": load_id}):
        raise NotReproducibleError(f"load {load_id} is not in this warehouse; is it the right one?")
    source = customers.as_of(load_id)
    data = customers.take_snapshot(connection, load_id, source)
    if data.fingerprint != manifest.data_fingerprint:
        raise NotReproducibleError(_what_differs(manifest, data))
    return source


def _what_differs(manifest: Manifest, data: Snapshot) -> str:
    then, now, load_id = manifest.data_customers or 0, data.customers, data.load_id
    start = f"the customers as of load {load_id} cannot be rebuilt"
    if then > now:
        return f"{start}: there were {then:,}, and {then - now:,} of them are gone (erased?)"
    if then < now:
        return f"{start}: there were {then:,}, and {now - then:,} more are found now"
    return f"{start}: the same {then:,} are there, but rows were changed other than by a load"


def _differing(then: Mapping[str, str], now: Mapping[str, str]) -> Mapping[str, tuple[str, str]]:
    return {
        name: (version, now.get(name, ""))
        for name, version in then.items()
        if now.get(name) != version
    }
