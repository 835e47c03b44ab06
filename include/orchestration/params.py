"""The training DAG's params: what the trigger form shows, and what the steps make of it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import Param, get_current_context

if TYPE_CHECKING:
    from churn.warehouse.cleaning.gate import Terms
    from churn.warehouse.loading.load import Reading

PUBLISH: Final = "publish"
NEWEST: Final = "newest"
_READING: Final = "How the file is written"
_EMPTY: Final = "None"  # what Airflow's form looks up for a param that is null
_DETECTED: Final = "detected"
_ENCODINGS: Final = (
    "utf-8 utf-16 cp1252 latin-1 iso8859-15 cp1250 iso8859-2 cp1251 koi8-r cp1253 cp1254 cp1255 "
    "cp1256 cp1257 cp1258 mac-roman cp437 cp850 cp866 shift_jis euc-jp gb18030 big5 euc-kr"
)

TRAINING_PARAMS: Final[dict[str, Any]] = {
    "file": Param(
        NEWEST,
        type="string",
        minLength=1,
        title="Customer file",
        description="newest: each file of the data folder (or of the setting CHURN_DATA_FILE) that "
        "was not loaded yet, by its day. Or a file in the data folder, a folder, a glob such as "
        "exports/*.csv.gz, or a full path.",
    ),
    "retrain": Param(
        False,
        type="boolean",
        title="Train again",
        description="Train even if there is no new customer file. Without it, such a run is "
        "skipped after load_csv.",
    ),
    "mode": Param(
        PUBLISH,
        type="string",
        enum=[PUBLISH, "dry run"],
        title="Publish or dry run",
        description="A dry run trains and shows the card; the served model stays.",
    ),
    "promotion": Param(
        None,
        type=["null", "string"],
        enum=[None, "auto", "manual"],
        title="Promotion",
        values_display={_EMPTY: "as set by CHURN_PROMOTION"},
        description="Manual: a person approves in the UI before a better model takes over. "
        "CHURN_PROMOTION is auto unless it is set.",
    ),
    "replace_customers": Param(
        False,
        type="boolean",
        title="Replace all customers",
        description="The file is the whole customer base: customers who are not in it are removed.",
    ),
    "allow_change": Param(
        False,
        type="boolean",
        title="Allow a large change",
        description="Load the file though it removes or changes more customers than is usual, "
        "which stops a load. The report of the stopped load has the numbers.",
    ),
    "load_again": Param(
        False,
        type="boolean",
        title="Load again",
        description="Load the file even if the same bytes were loaded before; of several new ones "
        "the newest.",
    ),
    "limit_rejected": Param(
        0.05,
        type="number",
        minimum=0,
        maximum=1,
        title="Limit of invalid rows",
        description="The share of invalid rows over which the load is refused as a whole.",
    ),
    "snapshot_date": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Snapshot date",
        section=_READING,
        description="The day that the file speaks of. Empty: its snapshot_date column, its name, "
        "or today.",
    ),
    "encoding": Param(
        None,
        type=["null", "string"],
        enum=[None, *_ENCODINGS.split()],
        values_display={_EMPTY: _DETECTED},
        title="Encoding",
        section=_READING,
        description="How the file's characters are stored.",
    ),
    "separator": Param(
        None,
        type=["null", "string"],
        enum=[None, ",", ";", "\t", "|"],
        values_display={
            _EMPTY: _DETECTED,
            ",": "comma",
            ";": "semicolon",
            "\t": "tab",
            "|": "pipe",
        },
        title="Separator",
        section=_READING,
        description="What stands between two cells.",
    ),
    "decimal": Param(
        None,
        type=["null", "string"],
        enum=[None, ".", ","],
        values_display={_EMPTY: _DETECTED, ".": "dot", ",": "comma"},
        title="Decimal mark",
        section=_READING,
        description="What stands before the decimals of an amount.",
    ),
    "thousands": Param(
        None,
        type=["null", "string"],
        enum=[None, "comma", "dot", "apostrophe", "space", "none"],
        values_display={_EMPTY: _DETECTED},
        title="Thousands mark",
        section=_READING,
        description="The mark between groups of three digits, as in 1.889,50.",
    ),
}

MONITORING_PARAMS: Final[dict[str, Any]] = {
    "as_of": Param(
        None,
        type=["null", "string"],
        format="date",
        title="As of",
        description="Monitor as of the beginning of this day (UTC), with what was known then. "
        "Empty: now.",
    ),
    "window": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        maximum=366,
        title="Window",
        description="The days before that moment whose predictions are compared with training. "
        "Empty: CHURN_MONITOR_WINDOW_DAYS.",
    ),
}


def param(name: str) -> Any:
    """Return a param of the run."""
    return get_current_context()["params"][name]


def reading() -> Reading:
    """Return how the run's file is to be read."""
    from churn.warehouse.loading.dialect import THOUSANDS, FormatOptions
    from churn.warehouse.loading.load import Reading

    day = param("snapshot_date")
    return Reading(
        FormatOptions(
            param("encoding"),
            param("separator"),
            param("decimal"),
            THOUSANDS.get(param("thousands")),
        ),
        date.fromisoformat(day) if day else None,
        again=param("load_again") or param("replace_customers"),
    )


def terms() -> Terms:
    """Return what may become of the run's rows."""
    from churn.core.settings import Settings
    from churn.warehouse.cleaning.gate import Terms

    return Terms(
        replace=param("replace_customers"),
        limit_rejected=param("limit_rejected"),
        limit_lost=Settings.from_environment().load.limit_lost,
        allow_change=param("allow_change"),
    )
