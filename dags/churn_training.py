"""### Churn training

Loads the customer file, cleans it, trains the churn model and publishes it to the model store,
where the service finds it within a second. Runs at 02:00 UTC and from *Trigger*, whose form has:

- **file**: a file in the data folder (or a full path);
- **replace_customers**: the file is the whole customer base, so who is not in it is removed;
- **mode**: `publish`, or `dry run` to train and look at the card while the served model stays.

Every task is one transaction and can run twice. Until `clean` has succeeded, yesterday's customers
stand as they were; until `publish` has, so does the model in use. A dry run changes customers, too.

| task | makes | when it fails, look first at |
|---|---|---|
| `create_tables` | the tables and log partitions that are missing | is PostgreSQL up, is the connection `churn_warehouse` right |
| `load_csv` | a staging table with the file's text, a row in `loads` | the message: it names the file and what was expected |
| `clean` | `customers`, and `rejected_rows` with the reasons | the message: it names the first bad lines and why (nothing is kept of a refused file) |
| `train` | a candidate version, its card in the task's log | the message: too few rows, or a scorecard that differs |
| `publish` | the version in use, a row in `model_versions` | is the model store writable, is its disk full |

Bad data fails at once; bad luck (PostgreSQL away, a full disk) is tried again twice.
To run one task again, press *Clear* on it; to start over, *Trigger* a new run.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, Param, chain, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from orchestration.assets import CHURN_MODEL
from orchestration.edges import customer_file, model_store, warehouse
from orchestration.policies import DEFAULT_ARGS

PUBLISH = "publish"
PARAMS = {
    "file": Param(
        "churn.csv",
        type="string",
        minLength=1,
        title="Customer file",
        description="A CSV file in the data folder, or a full path.",
    ),
    "replace_customers": Param(
        False,
        type="boolean",
        title="Replace all customers",
        description="The file is the whole customer base: customers who are not in it are removed.",
    ),
    "mode": Param(
        PUBLISH,
        type="string",
        enum=[PUBLISH, "dry run"],
        title="Publish or dry run",
        description="A dry run trains and shows the card; the served model stays.",
    ),
}


@dag(
    dag_id="churn_training",
    doc_md=__doc__,
    # No start_date: with one in the past, the first start of a stack would run last night's schedule.
    schedule=CronTriggerTimetable("0 2 * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=3),
    default_args=DEFAULT_ARGS,
    params=PARAMS,
    tags=["churn"],
)
def churn_training() -> None:
    """Wire the steps; what each does is in ``churn.steps``."""

    @task(execution_timeout=timedelta(minutes=5))
    def create_tables() -> None:
        from churn import steps

        with warehouse() as connection:
            steps.create_tables(connection)

    @task
    def load_csv() -> int:
        from churn import steps

        with warehouse() as connection:
            return steps.load_csv(connection, customer_file(_param("file")))

    @task
    def clean(load_id: int) -> int:
        from churn import steps

        with warehouse() as connection:
            return steps.clean(connection, load_id, replace=_param("replace_customers")).accepted

    @task(execution_timeout=timedelta(hours=1))
    def train() -> str:
        from churn import steps

        with warehouse() as connection:
            return steps.train(connection, model_store())

    @task(execution_timeout=timedelta(minutes=5), outlets=[CHURN_MODEL])
    def publish(version: str) -> str:
        from churn import steps

        _skip_on_dry_run()
        with warehouse() as connection:
            return steps.publish(connection, model_store(), version)

    loaded, trained = load_csv(), train()
    cleaned = clean(loaded)  # type: ignore[arg-type] # a task's value is an XComArg until it runs
    published = publish(trained)  # type: ignore[arg-type]
    chain(create_tables(), loaded, cleaned, trained, published)


def _param(name: str) -> Any:
    return get_current_context()["params"][name]


def _skip_on_dry_run() -> None:
    if _param("mode") != PUBLISH:
        raise AirflowSkipException("dry run: the candidate is not published")


churn_training()
