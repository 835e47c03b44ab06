"""The report of a load, for the terminal and the task's log."""

from dataclasses import dataclass

from churn.core.errors import DataQualityError, WarehouseError, plain, plain_list
from churn.warehouse.cleaning.gate import Judgement, Verdict
from churn.warehouse.connect import Connection, run
from churn.warehouse.loading.dialect import DECIMALS, SEPARATORS, THOUSANDS, name_of
from churn.warehouse.loading.load import DATED_BY_COLUMN
from churn.warehouse.loading.source import Compression


@dataclass(frozen=True, kw_only=True)
class RowCounts:
    """The results of a load's rows; accepted + rejected = rows in the file."""

    accepted: int = 0
    rejected: int = 0
    inserted: int = 0
    updated: int = 0
    older: int = 0
    removed: int = 0
    churned: int = 0


@dataclass(frozen=True)
class Example:
    """A rejected row: its line in the file and the reasons."""

    line: int
    reasons: tuple[str, ...]

    def text(self, *, values: bool) -> str:
        """Return the reasons; the values in them may be personal data and are optional."""
        reasons = self.reasons if values else (one.partition(", got ")[0] for one in self.reasons)
        return f"  line {self.line:<6}{plain('; '.join(reasons))}"


@dataclass(frozen=True)
class LoadReport:
    """A load and its results; ``judgement`` is None until it is cleaned."""

    load_id: int
    file: str
    rows: int
    written: str
    extra_columns: tuple[str, ...]
    snapshot: str
    counts: RowCounts
    judgement: Judgement | None
    examples: tuple[Example, ...]
    done_before: bool = False

    def require_passed(self) -> None:
        """Raise if the quality gate stopped the load.

        Raises:
            DataQualityError: with the whole report.
        """
        if self.judgement and self.judgement.verdict is Verdict.STOP:
            raise DataQualityError(f"no customer was changed\n{self}")

    def __str__(self) -> str:
        return self.text()

    def text(self, *, values: bool = False) -> str:
        """Return the report; only a terminal gets the values of rejected rows."""
        counts = self.counts
        verdict = self.judgement.verdict.value.upper() if self.judgement else "NOT CLEANED YET"
        before = "  (done before, nothing to do)" if self.done_before else ""
        lines = [
            f"load {self.load_id}: {verdict}  {plain(self.file, 4_096)}{before}",
            f"  read as    {self.written}; snapshot of {self.snapshot}",
            f"  rows       {self.rows:,} = {counts.accepted:,} accepted"
            f" + {counts.rejected:,} rejected",
            f"  customers  {self._customers()}",
        ]
        if self.extra_columns:
            lines.append(f"  left out   {plain_list(self.extra_columns)}")
        lines += [f"  because    {plain(reason)}" for reason in (self.judgement or _NONE).reasons]
        lines += [example.text(values=values) for example in self.examples]
        if counts.rejected > len(self.examples) > 0:
            lines.append(f"  and {counts.rejected - len(self.examples):,} more in rejected_rows")
        return "\n".join(lines)

    def _customers(self) -> str:
        counts = self.counts
        if self.judgement and self.judgement.verdict is Verdict.STOP:
            return "none was changed"
        unchanged = counts.accepted - counts.inserted - counts.updated - counts.older
        return (
            f"{counts.inserted:,} new, {counts.updated:,} changed, {unchanged:,} unchanged, "
            f"{counts.older:,} older than what is known, {counts.removed:,} removed"
        )


_NONE = Judgement(Verdict.PASS, ())


def read_report(connection: Connection, load_id: int) -> LoadReport:
    """Return the report of a load.

    Raises:
        WarehouseError: there is no such load.
    """
    values = {"load_id": load_id}
    row = run(connection, "read_load", values).fetchone()
    if row is None:
        raise WarehouseError(f"there is no load {load_id}; load the file first")
    file, rows, extra, verdict, reasons, *numbers = row[:12]
    day, dated_by, *written = row[12:]
    names = ("accepted", "rejected", "inserted", "updated", "older", "removed", "churned")
    counts = RowCounts(**{n: int(str(v or 0)) for n, v in zip(names, numbers, strict=True)})
    judgement = Judgement(Verdict(str(verdict)), _texts(reasons)) if verdict else None
    found = run(connection, "read_rejected_examples", values).fetchall()
    examples = tuple(Example(int(str(line)), _texts(why)) for line, why in found)
    return LoadReport(
        load_id,
        str(file),
        int(str(rows or 0)),
        _written(*written),
        _texts(extra),
        DATED_BY_COLUMN if dated_by == DATED_BY_COLUMN else f"{day} ({dated_by})",
        counts,
        judgement,
        examples,
    )


def _written(  # noqa: PLR0913, PLR0917 - the columns of the record
    encoding: object,
    delimiter: object,
    decimal: object,
    thousands: object,
    compression: object,
    careful: object,
) -> str:
    """Return how the file was read, in words."""
    parts = [str(encoding), f"separator {name_of(str(delimiter), SEPARATORS)}"]
    parts += [f"decimal {name_of(str(decimal), DECIMALS)}"] if decimal else []
    parts += [f"thousands {name_of(str(thousands), THOUSANDS)}"] if thousands is not None else []
    parts += [str(compression)] if compression != Compression.NONE.value else []
    return ", ".join([*parts, "line by line"] if careful else parts)


def _texts(values: object) -> tuple[str, ...]:
    return tuple(map(str, values)) if isinstance(values, list) else ()
