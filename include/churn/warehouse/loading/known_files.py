"""What is known of a file beyond its bytes: ``files.toml`` in the data folder lists it."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from churn.core.errors import DataQualityError
from churn.core.settings import PROJECT
from churn.warehouse.loading.source import Source, shown_path

LISTED_IN: Final = "files.toml"


@dataclass(frozen=True)
class KnownFile:
    """A file's day, and whether it is the shipped sample."""

    snapshot_date: date | None = None
    is_sample: bool = False


def find_known(source: Source) -> KnownFile:
    """Return the entry of these bytes, next to the file or in the project's data folder.

    Raises:
        DataQualityError: the list cannot be read.
    """
    for folder in (source.path.parent, PROJECT / "data"):
        for listed in _listed(folder / LISTED_IN):
            if listed.get("sha256") == source.sha256:
                day = listed.get("snapshot_date")
                is_sample = listed.get("is_sample") is True
                return KnownFile(day if type(day) is date else None, is_sample)
    return KnownFile()


def _listed(path: Path) -> Iterator[dict[str, Any]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataQualityError(f"{shown_path(path)}: cannot be read ({error})") from None
    files = content.get("file")
    yield from (one for one in files if isinstance(one, dict)) if isinstance(files, list) else ()
