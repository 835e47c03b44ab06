"""Which customer files a run loads, and whether it goes on without a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowSkipException

from orchestration.edges import model_store
from orchestration.params import NEWEST, PUBLISH, param, reading
from orchestration.retraining import requested_because

if TYPE_CHECKING:
    from churn.warehouse.connect import Connection


def load_files(connection: Connection) -> list[int]:
    """Load the file that the run names, or those that are new; return the loads.

    Raises:
        AirflowSkipException: nothing is new, and no customers wait for a model.
    """
    from churn.core.settings import Settings
    from churn.pipeline import model_steps, steps

    settings, name = Settings.from_environment(), param("file")
    if name != NEWEST:
        return steps.load_csv(connection, steps.locate(name, settings.data), reading())
    where = settings.data / settings.load.data_file
    loads = steps.load_new(connection, where, reading(), stopped=param("allow_change"))
    requested = param("retrain") or param("mode") != PUBLISH or requested_because()
    if not (loads or requested or model_steps.has_undecided(connection, model_store())):
        raise AirflowSkipException(
            "no new customer file, and a model of the customers was decided on: the run ends here. "
            "Name a file, or choose *Train again*, to train all the same"
        )
    return loads
