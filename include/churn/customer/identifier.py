"""The canonical form of a customer's identifier: identifiers that look alike are one customer.

The character classes are written so that Python and PostgreSQL read them alike.
"""

import re
import unicodedata
from typing import Final

LONGEST_IDENTIFIER: Final = 200
"""In characters."""

INVISIBLE: Final = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unicode's Default_Ignorable_Code_Point, and annotation marks: they are removed."""
BLANKS: Final = r"\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000"
"""Characters that look like a blank are replaced by one."""
CONTROLS: Final = r"\u0001-\u001f\u007f-\u009f\u2028\u2029"
"""Not allowed in an identifier, as are NUL and lone surrogates, which PostgreSQL cannot store."""
TRIMMED: Final = " \t"

_INVISIBLE: Final = re.compile(f"[{INVISIBLE}]")
_BLANKS: Final = re.compile(f"[{BLANKS}]")
_FORBIDDEN: Final = re.compile(rf"[\u0000{CONTROLS}\ud800-\udfff]")


def normalised_identifier(text: str) -> str:
    """Return the form in which an identifier is compared and stored (NFC, nothing invisible)."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
        text = _BLANKS.sub(" ", text)
    return text.strip(TRIMMED)


def is_identifier(text: str) -> bool:
    """Whether a normalised text can identify a customer."""
    return 0 < len(text) <= LONGEST_IDENTIFIER and not _FORBIDDEN.search(text)
