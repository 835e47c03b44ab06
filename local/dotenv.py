"""``make env``: the secrets of the containers, written into ``.env`` once.

Standard library only, so that nothing has to be installed for it.
"""

import base64
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from churn.core.api_keys import Keys, Made, Scope, add, entry
from churn.core.streams import print_any_text
from local import envfile
from local.errors import StackError

PROJECT = Path(__file__).resolve().parents[1]
EXAMPLE = ".env.example"
FILE = ".env"
FERNET_KEY = "AIRFLOW_FERNET_KEY"
API_KEYS = "CHURN_API_KEYS"
KEY_NAME = "first"


@dataclass(frozen=True)
class Setting:
    """A line ``NAME=`` of the example, with the comment above it."""

    name: str
    comment: str


def settings(example: str) -> Iterator[Setting]:
    """Yield what the example leaves to be filled in."""
    comment = ""
    for line in example.splitlines():
        name, equals, value = line.partition("=")
        if name.isidentifier() and equals and not value:
            yield Setting(name, comment)
        comment = f"{comment}{line}\n" if line.startswith("#") else ""


def missing(values: Mapping[str, str], example: str) -> tuple[Setting, ...]:
    """Return the settings of the example that have no value yet."""
    return tuple(one for one in settings(example) if not values.get(one.name, "").strip("\"' "))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with these values where it has empty lines for them; the rest stays."""
    return "".join(_filled(line, values) for line in text.splitlines(keepends=True))


def extend(text: str, lacking: tuple[Setting, ...]) -> str:
    """Return the text with an empty line, and its comment, for each name that it has none for."""
    names = {line.partition("=")[0].strip() for line in text.splitlines()}
    added = [f"\n{one.comment}{one.name}=\n" for one in lacking if one.name not in names]
    return "".join((text, "" if text.endswith("\n") or not text else "\n", *added))


def values_for(lacking: tuple[Setting, ...], key: Made) -> dict[str, str]:
    """Return a fresh secret for each setting; none needs quoting in an address or a shell."""
    special: Mapping[str, Callable[[], str]] = {
        FERNET_KEY: lambda: base64.urlsafe_b64encode(os.urandom(32)).decode(),
        API_KEYS: lambda: entry(key.keys.keys[-1]),
    }
    return {one.name: special.get(one.name, lambda: secrets.token_hex(32))() for one in lacking}


def write(project: Path) -> Iterator[str]:
    """Write or complete ``.env`` and yield what to tell; what has a value keeps it.

    Raises:
        StackError: a line of the file is none.
    """
    file, example = project / FILE, (project / EXAMPLE).read_text(encoding="utf-8")
    there = file.exists()
    lacking = missing(envfile.read(file) if there else {}, example)
    if there:
        file.chmod(0o600)
    if not lacking:
        yield f"{file} is there and complete; nothing was changed."
        return
    key = add(Keys(), KEY_NAME, (Scope.PREDICT,), datetime.now(UTC))
    text = extend(file.read_text(encoding="utf-8"), lacking) if there else example
    envfile.replace(file, fill(text, values_for(lacking, key)))
    yield _told(file, lacking, there=there)
    if API_KEYS in {one.name for one in lacking}:
        yield f"The API key {KEY_NAME!r}, shown this once (the file has its hash): {key.secret}"


def main() -> int:
    """Write the file; what cannot be done is reported in one line."""
    print_any_text()
    try:
        for line in write(PROJECT):
            sys.stdout.write(f"{line}\n")
    except (StackError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _filled(line: str, values: Mapping[str, str]) -> str:
    name, equals, value = line.partition("=")
    if equals and not value.strip("\"' \r\n") and name in values:
        return f"{name}={values[name]}\n"
    return line


def _told(file: Path, lacking: tuple[Setting, ...], *, there: bool) -> str:
    if not there:
        return f"{file} was written (mode 600) with fresh secrets. Keep it: the volumes know them."
    names = ", ".join(one.name for one in lacking)
    return f"{file} was there: {names} added, the rest left as it was."


if __name__ == "__main__":
    sys.exit(main())
