"""Chooses the language of an answer's texts by ``Accept-Language``."""

from functools import lru_cache

from churn.model.phrases import Language

_LONGEST = 200


@lru_cache(maxsize=256)
def preferred(header: bytes) -> Language:
    """Return the preferred language of the supported ones, English by default.

    RFC 9110, 12.5.4: ranges with a weight; ``pt-BR`` is served by ``pt``, ``*`` by English.
    """
    best, weight = Language.ENGLISH, 0.0
    for part in header[:_LONGEST].decode("latin-1").split(","):
        tag, _, parameter = part.partition(";")
        wanted = _weight(parameter)
        language = _language(tag.strip().lower())
        if language and wanted > weight:
            best, weight = language, wanted
    return best


def _language(tag: str) -> Language | None:
    if tag == "*":
        return Language.ENGLISH
    return next((one for one in Language if tag.partition("-")[0] == one), None)


def _weight(parameter: str) -> float:
    name, equals, value = parameter.strip().partition("=")
    if not equals:
        return 1.0
    try:
        found = float(value) if name.strip().lower() == "q" else 0.0
    except ValueError:
        return 0.0
    return found if 0 <= found <= 1 else 0.0
