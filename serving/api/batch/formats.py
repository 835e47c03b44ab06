"""The media types of a batch: that of the rows, and that of the answers."""

from enum import StrEnum
from http import HTTPStatus
from typing import Final

from serving.api.problems import ProblemError


class Format(StrEnum):
    """A media type that batches are read and written in."""

    JSON = "application/json"
    NDJSON = "application/x-ndjson"
    CSV = "text/csv"


_ALIASES: Final = {
    **{one.value: one for one in Format},
    "application/ndjson": Format.NDJSON,
    "application/jsonl": Format.NDJSON,
    "application/csv": Format.CSV,
}


def source_format(content_type: str) -> Format:
    """Return the format of the rows.

    Raises:
        ProblemError: it is not supported.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in _ALIASES:
        detail = f"Content-Type {kind!r}: expected {', '.join(Format)}"
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    return _ALIASES[kind]


def target_format(accept: str, source: Format) -> Format:
    """Return the preferred accepted format; by default that of the rows.

    Raises:
        ProblemError: none of ours is accepted.
    """
    weighed = [_weighed(part) for part in accept.lower().split(",") if part.strip()]
    for kind, weight in sorted(weighed, key=lambda one: -one[1]):
        if weight > 0 and kind in _ALIASES:
            return _ALIASES[kind]
        if weight > 0 and kind in {"*/*", f"{source.value.partition('/')[0]}/*"}:
            return source
    if not weighed:
        return source
    raise ProblemError(HTTPStatus.NOT_ACCEPTABLE, f"Accept: expected {', '.join(Format)}")


def _weighed(part: str) -> tuple[str, float]:
    kind, *parameters = (one.strip() for one in part.split(";"))
    weights = [one.removeprefix("q=") for one in parameters if one.startswith("q=")]
    try:
        return kind, float(weights[0]) if weights else 1.0
    except ValueError:
        return kind, 0.0
