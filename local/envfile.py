"""Private files of KEY=VALUE lines."""

from collections.abc import Mapping
from pathlib import Path

from churn.core import whole_files
from local.errors import StackError


def read(path: Path) -> dict[str, str]:
    """Return what the file says, or refuse it with the number of the line that is wrong."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise StackError(
            f"{path} cannot be read ({reason}): make it yours with mode 600, or put it back."
        ) from error
    return dict(
        _pair(path, number, line)
        for number, line in enumerate(lines, start=1)
        if _says_something(line)
    )


def write(path: Path, values: Mapping[str, str], *, comment: str) -> None:
    """Replace the file in one step; only its owner can read it."""
    replace(path, f"# {comment}\n" + "".join(f"{key}={value}\n" for key, value in values.items()))


def replace(path: Path, text: str) -> None:
    """Replace a private file in one step: readers see the old text or the new one."""
    whole_files.replace(path, text.encode(), mode=0o600)


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def _pair(path: Path, number: int, line: str) -> tuple[str, str]:
    key, equals, value = line.partition("=")
    if not equals or not key.isidentifier():
        raise StackError(
            f"{path}, line {number}: expected KEY=VALUE. Mend the line or put the file back."
        )
    return key, value
