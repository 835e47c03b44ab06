"""The pipeline's steps on data. Each is a transaction and can run twice, or be killed anywhere."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from churn.core.errors import DataQualityError, plain, plain_list
from churn.core.log_options import LogOptions
from churn.pipeline.arrivals import find_new
from churn.warehouse import schema
from churn.warehouse.cleaning.clean import clean as clean_load
from churn.warehouse.cleaning.gate import Terms
from churn.warehouse.cleaning.load_report import LoadReport, read_report
from churn.warehouse.connect import Connection
from churn.warehouse.loading.folders import find_files, has_files, is_glob, left_out
from churn.warehouse.loading.load import Reading
from churn.warehouse.loading.load import load_csv as load
from churn.warehouse.loading.source import shown_path
from churn.warehouse.predictions.retention import drop_old_predictions

log = logging.getLogger(__name__)


def locate(file: str, data: Path, *, here: Path | None = None) -> Path:
    """Return the path of a file, folder or glob, named in full or relative to a folder.

    That folder is ``here``, where it is given, else the data folder; ``data/`` may stand in front.

    Raises:
        DataQualityError: naming the file and what the data folder has instead.
    """
    folders = [data, *([data.parent] if Path(file).parts[:1] == (data.name,) else [])]
    for candidate in (folder / file for folder in ([here] if here else []) + folders):
        if candidate.exists() or (is_glob(candidate) and has_files(candidate)):
            return candidate
    found = (
        plain_list(sorted(shown_path(Path(p.name)) for p in data.glob("*.csv*"))) or "no CSV file"
    )
    places = f"in the current directory or in {data}" if here else f"in {data}"
    raise DataQualityError(f"{plain(file)}: there is no such file {places}, which has {found}")


def create_tables(connection: Connection, options: LogOptions | None = None) -> None:
    """Bring the tables to this release; drop the months of the log that are not kept."""
    for name in schema.create_tables(connection):
        log.info("applied %s", name)
    log.info("tables are ready")
    if options and options.retention_months:
        for partition in drop_old_predictions(connection, options.retention_months):
            log.info("dropped %s", partition)


def load_csv(connection: Connection, path: Path, reading: Reading | None = None) -> list[int]:
    """Copy a customer file, or each of a folder or glob, into staging; return the loads."""
    files = find_files(path)
    if others := left_out(path):
        names = plain_list([shown_path(Path(other.name)) for other in others])
        log.info("not customer files by their names, and not loaded: %s", names)
    try:
        loads = [load(connection, file, reading) for file in files]
    except DataQualityError as error:
        if len(files) == 1:
            raise
        raise DataQualityError(f"{error}\nnone of the {len(files):,} files was loaded") from None
    for one in loads:
        if not one.repeats:
            log.info("load %s: %s rows in the staging table", one.load_id, f"{one.rows:,}")
    return [one.load_id for one in loads]


def load_new(
    connection: Connection, where: Path, reading: Reading | None = None, *, stopped: bool = False
) -> list[int]:
    """Load the files of a folder or glob that were not loaded yet, in the order of their days.

    A file that cannot be read does not keep the others from being loaded. Where there is no new
    file, that is logged. ``stopped`` also loads the files that the gate stopped before.

    Raises:
        DataQualityError: no new file can be read.
    """
    found = find_new(connection, where, again=bool(reading and reading.again), stopped=stopped)
    loads: list[int] = []
    refusals = [*found.refusals]
    for path in found.paths:
        try:
            with connection.transaction():
                loads += load_csv(connection, path, reading)
        except DataQualityError as error:
            refusals.append(str(error))
    if refusals and not loads:
        raise DataQualityError("\n".join(refusals))
    for refusal in refusals:
        log.warning("%s", refusal)
    if not loads:
        log.info("there is no new customer file in %s", where)
    return loads


def clean(
    connection: Connection,
    load_ids: Sequence[int],
    terms: Terms | None = None,
    *,
    show: Callable[[str], None] | None = None,
) -> list[LoadReport]:
    """Bring each load's valid rows into ``customers``, the others into ``rejected_rows``.

    Each load is a transaction of its own, so that a verdict is kept where the gate stops one.

    Raises:
        DataQualityError: the gate stopped a load; those before it stand.
    """
    if terms and terms.replace and len(load_ids) > 1:
        raise DataQualityError(
            "several files cannot each be the whole customer base; name the one that is"
        )
    reports: list[LoadReport] = []
    for load_id in load_ids:
        report = clean_load(connection, load_id, terms)
        connection.commit()
        (show or log.info)(report.text(values=show is not None))
        _require_passed(connection, report, load_ids[len(reports) + 1 :])
        reports.append(report)
    return reports


def _require_passed(connection: Connection, report: LoadReport, waiting: Sequence[int]) -> None:
    """Raise if the gate stopped a load, and name the loads that wait behind it.

    Raises:
        DataQualityError: with the whole report.
    """
    try:
        report.require_passed()
    except DataQualityError as error:
        if not waiting:
            raise
        names = plain_list([Path(read_report(connection, one).file).name for one in waiting])
        message = f"{error}\nnot checked after that: {names}; load them again"
        raise DataQualityError(message) from None
