"""Private files of KEY=VALUE lines."""

from collections.abc import Mapping
from pathlib import Path

from churn.core import env_file, whole_files
from local.errors import StackError


def read(path: Path) -> dict[str, str]:
    """Return what the file states, or refuse it with the number of the line that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise StackError(
            f"{path} cannot be read ({reason}): make it yours with mode 600, or put it back."
        ) from error
    try:
        return env_file.parse(text)
    except ValueError as error:
        raise StackError(f"{path}, {error}. Fix the line or put the file back.") from error


def write(path: Path, values: Mapping[str, str], *, comment: str) -> None:
    """Replace the file in one step; only its owner can read it."""
    replace(path, f"# {comment}\n" + "".join(f"{key}={value}\n" for key, value in values.items()))


def replace(path: Path, text: str) -> None:
    """Replace a private file in one step: readers see the old text or the new one."""
    whole_files.replace(path, text.encode(), mode=0o600)
