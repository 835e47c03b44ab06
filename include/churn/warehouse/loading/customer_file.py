"""A customer file, and how it is written."""

from collections.abc import Iterator
from dataclasses import dataclass

from churn.core.errors import DataQualityError, shown
from churn.warehouse.loading.content import NATIVE, Ending, transcoded, without_mark
from churn.warehouse.loading.dialect import Dialect, FormatOptions, detect
from churn.warehouse.loading.encoding import EncodingError, proved_western
from churn.warehouse.loading.foreign_files import advice_on
from churn.warehouse.loading.header import Header, match_header
from churn.warehouse.loading.source import CHUNK, Source


@dataclass(frozen=True)
class CustomerFile:
    """A file and its detected format."""

    source: Source
    dialect: Dialect
    header: Header

    @property
    def encoding(self) -> str:
        """The encoding of the chunks, which is UTF-8 unless COPY reads the file's own."""
        return self.dialect.encoding if self.dialect.encoding in NATIVE else "utf-8"

    def chunks(self, ending: Ending, *, broken: bool = False) -> Iterator[bytes]:
        """Yield the content, without a byte-order mark."""
        with self.source.opened() as file:
            raw = iter(lambda: file.read(CHUNK), b"")
            text = transcoded(raw, self.dialect.encoding, broken=broken)
            chunks = ending.watched(without_mark(text))
            yield from proved_western(chunks) if self.dialect.is_western_guess else chunks

    def unended(self, line: int, ending: Ending) -> str:
        """Return where the last line is if no line end follows it, as in a truncated file.

        No cell is shown, as it may be a customer's id.
        """
        text = ending.rest.decode(self.encoding, errors="replace")
        if not text.strip():
            return ""
        column, headers = text.count(self.dialect.delimiter), self.dialect.headers
        if '"' in text or column >= len(headers):
            return f"line {line:,}"
        return f"line {line:,}, in its column {shown(headers[column])}"


def open_file(source: Source, options: FormatOptions) -> CustomerFile:
    """Detect the format of a file.

    Raises:
        DataQualityError: its start is not that of a customer file.
    """
    with source.opened() as file:
        sample = file.read(CHUNK)
    if advice := advice_on(sample):
        raise DataQualityError(f"{source.name}: {advice}")
    try:
        dialect = detect(sample, options)
        return CustomerFile(source, dialect, match_header(dialect.headers))
    except EncodingError as error:
        raise DataQualityError(f"{source.name}: {error}") from None
    except DataQualityError as error:
        expected = "a CSV file with the columns of data/data_dictionary.md in its first line"
        raise DataQualityError(f"{source.name}: {error}; expected {expected}") from None
