"""Which customer files a run loads, and whether it goes on without a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowSkipException

from orchestration.params import NEWEST, param, reading

if TYPE_CHECKING:
    from churn.warehouse.connect import Connection


def load_files(connection: Connection) -> list[int]:
    """Load the file that the run names, or those that are new; return the loads.

    Raises:
        AirflowSkipException: nothing is new, and no customers wait to be learned from.
    """
    from churn import steps
    from churn.settings import Settings

    settings, name = Settings.from_environment(), param("file")
    if name != NEWEST:
        return steps.load_csv(connection, steps.locate(name, settings.data), reading())
    loads = steps.load_new(connection, settings.data, settings.load.data_file, reading())
    if not (loads or param("retrain") or steps.has_undecided(connection)):
        raise AirflowSkipException(
            "no new customer file, and a decision was made on a model of those that are loaded: "
            "the run ends here. Name a file, or choose *Train again*, to train all the same"
        )
    return loads
