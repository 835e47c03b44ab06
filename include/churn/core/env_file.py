"""Reads files of KEY=VALUE lines."""


def parse(text: str) -> dict[str, str]:
    """Return the pairs; empty lines and comments are left out.

    Raises:
        ValueError: naming the first line that is neither.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.isidentifier():
            raise ValueError(f"line {number}: expected KEY=VALUE")
        found[key] = value
    return found
