"""Keeps the table ``model_versions`` in step with the model store."""

import logging

from churn.core.errors import ModelRefusedError, NoModelError
from churn.registry.manifest import Manifest, read_manifest
from churn.registry.store import ModelStore
from churn.warehouse.connect import Connection, placeholders, statement

log = logging.getLogger(__name__)


def record_versions(connection: Connection, store: ModelStore) -> None:
    """Add every published version that the table lacks.

    A publisher killed between the store and the table is made good by the next one.
    """
    rows = connection.execute("SELECT version FROM model_versions").fetchall()
    recorded = {str(row[0]) for row in rows}
    missing = [version for version in store.versions() if version not in recorded]
    for version in missing:
        try:
            manifest = store.read(version).manifest
        except ModelRefusedError as error:
            log.warning("%s is not recorded: %s", version, error)
            continue
        values = {
            "version": version,
            "created_at": manifest.created_at,
            "load_id": manifest.trained_on.load_id,
            "manifest": manifest.model_dump_json(exclude_unset=True),
        }
        connection.execute(statement("insert_model_version", **placeholders(values)), values)


def manifest_of(connection: Connection, version: str) -> Manifest:
    """Return the manifest of a version that was published once, retired or not.

    Raises:
        NoModelError: it was never published.
    """
    values = {"version": version}
    query = statement("read_model_manifest", **placeholders(values))
    row = connection.execute(query, values).fetchone()
    if row is None:
        raise NoModelError(f"{version} was never published")
    return read_manifest(str(row[0]).encode())


def gone(connection: Connection, store: ModelStore) -> frozenset[str]:
    """Return the recorded versions whose files are gone without an event of their retirement."""
    rows = connection.execute(statement("read_unretired_versions")).fetchall()
    return frozenset(str(row[0]) for row in rows) - set(store.versions())
