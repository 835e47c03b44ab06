"""Whether a version is still the one that the warehouse recorded."""

from churn.core.errors import NoModelError
from churn.registry.events import read_events
from churn.registry.ledger import manifest_of
from churn.registry.manifest import Manifest
from churn.registry.store import MANIFEST, Version
from churn.warehouse.connect import Connection


def difference(connection: Connection, version: Version) -> str:
    """Return how a version differs from its record; empty where it does not, or has none yet.

    The chained event knows every byte of the manifest, and the manifest every file's; the table
    shows what was changed, and has versions that no event of ours promoted.
    """
    name = version.manifest.version
    if fields := _differing(connection, version.manifest):
        return f"{name}/{MANIFEST} is not the one that was recorded: {', '.join(fields)} differ"
    number, recorded = _last_recorded(connection, name)
    if recorded not in (None, version.manifest_sha256):
        return f"{name}/{MANIFEST} is not the one that event {number} promoted"
    return ""


def _differing(connection: Connection, manifest: Manifest) -> list[str]:
    try:
        recorded = manifest_of(connection, manifest.version)
    except NoModelError:
        return []
    names = Manifest.model_fields
    return [name for name in names if getattr(manifest, name) != getattr(recorded, name)]


def _last_recorded(connection: Connection, name: str) -> tuple[int, object]:
    found: tuple[int, object] = (0, None)
    for event in read_events(connection):
        if event.version == name and "manifest_sha256" in event.details:
            found = event.event_id, event.details["manifest_sha256"]
    return found
