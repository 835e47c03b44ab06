"""Keeps the table ``model_versions`` in step with the model store."""

import logging

from churn.errors import ModelRefusedError
from churn.registry.store import ModelStore, read_version
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
            manifest = read_version(store.published(version)).manifest
        except ModelRefusedError as error:
            log.warning("%s is not recorded: %s", version, error)
            continue
        values = {
            "version": version,
            "created_at": manifest.created_at,
            "load_id": manifest.trained_on.load_id,
            "manifest": manifest.model_dump_json(),
        }
        connection.execute(statement("insert_model_version", **placeholders(values)), values)
