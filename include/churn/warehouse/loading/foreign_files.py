"""Files that are no customer files, by their first bytes, and what to do instead."""

from typing import Final

_EXPORT: Final = "open it and save the sheet as CSV (UTF-8)"
_UNPACK: Final = "unpack it, or pack the CSV file as .gz, .zst or .zip"
_SKIP: Final = "leave it out"
_CONVERT: Final = "export the table as CSV"
_TAR: Final = 257

_BY_START: Final = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an old or encrypted Office file (.xls)", _EXPORT),
    b"\xfd7zXZ\x00": ("packed with xz", _UNPACK),
    b"BZh": ("packed with bzip2", _UNPACK),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", _UNPACK),
    b"Rar!": ("a RAR archive", _UNPACK),
    b"\x04\x22\x4d\x18": ("packed with lz4", _UNPACK),
    b"\x1f\x9d": ("packed with compress (.Z)", _UNPACK),
    b"PK\x05\x06": ("an empty zip archive", _UNPACK),
    b"PAR1": ("a Parquet file", _CONVERT),
    b"ORC": ("an ORC file", _CONVERT),
    b"ARROW1": ("an Arrow file", _CONVERT),
    b"Obj\x01": ("an Avro file", _CONVERT),
    b"SQLite format 3": ("an SQLite database", _CONVERT),
    b"%PDF": ("a PDF document", _CONVERT),
    b"\x00\x00\x00\x01Bud1": ("a .DS_Store of macOS", _SKIP),
    b"\x00\x05\x16\x07": ("an AppleDouble file (._*) of macOS", _SKIP),
    b"\x89PNG": ("an image", _SKIP),
    b"\xff\xd8\xff": ("an image", _SKIP),
    b"GIF8": ("an image", _SKIP),
    b"\x7fELF": ("a program", _SKIP),
    b"\x80\x04": ("a Python pickle", _CONVERT),
    b"{\\rtf": ("a text document (RTF)", _EXPORT),
    b"<": ("an HTML or XML file", _CONVERT),
    b"{": ("a JSON file", _CONVERT),
    b"[": ("a JSON file", _CONVERT),
}
_COPY_OF: Final = "a spreadsheet or an Office document (a zip archive of XML)"


def advice_on(start: bytes) -> str | None:
    """Return what a file is by its first bytes, and what to do; None where it may be text."""
    if start[_TAR : _TAR + 5] == b"ustar":
        return _sentence("a tar archive", _UNPACK)
    plain = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    found = (_BY_START[one] for one in _BY_START if start.startswith(one) or plain.startswith(one))
    known = next(found, None)
    return _sentence(*known) if known else None


def advice_on_archive(names: list[str]) -> str | None:
    """Return what a zip archive is by the names in it, and what to do."""
    is_document = "[Content_Types].xml" in names or "mimetype" in names
    is_document |= any(name.endswith(".iwa") for name in names)
    return _sentence(_COPY_OF, _EXPORT) if is_document else None


def _sentence(what: str, instead: str) -> str:
    return f"is {what}; {instead}"
