"""### Churn training

Loads the customer file, cleans it, trains the churn model and publishes it to the model store,
where the service finds it within a second. Runs at 02:00 UTC and from *Trigger*, whose form has:

- **file**: a file in the data folder, a folder, a glob, or a full path; plain, `.gz`, `.zst` or `.zip`;
- **mode**: `publish`, or `dry run` to train and look at the card while the served model stays;
- **replace_customers**: the file is the whole customer base, so who is not in it is removed;
- **load_again**: load the file though the same bytes were loaded before;
- **limit_rejected**: the share of invalid rows over which the load is refused;
- how the file is written (encoding, separator, decimal mark, day), where it is not to be detected.

Every task is one transaction and can run twice. Until `clean` has succeeded, yesterday's customers
stand as they were; until `publish` has, so does the model in use. A dry run changes customers, too.

| task | makes | when it fails, look first at |
|---|---|---|
| `create_tables` | the tables and log partitions that are missing | is PostgreSQL up, is the connection `churn_warehouse` right |
| `load_csv` | a staging table with the file's text, a row in `loads` | the message: it names the file and what was expected |
| `clean` | `customers`, `customer_history`, `rejected_rows`, the gate's verdict in `loads` | the report in its log: line numbers and reasons |
| `train` | a candidate version, its card in the task's log | the message: it names the column that tells the answer, or too few rows |
| `publish` | the version in use, a row in `model_versions` | is the model store writable, is its disk full |

Bad data fails at once; bad luck (PostgreSQL away, a full disk) is tried again twice.
To run one task again, press *Clear* on it; to start over, *Trigger* a new run.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, chain, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from orchestration.assets import CHURN_MODEL
from orchestration.edges import customer_file, model_store, training_options, warehouse
from orchestration.params import PUBLISH, TRAINING_PARAMS, cleaning, param, reading
from orchestration.policies import DEFAULT_ARGS


@dag(
    dag_id="churn_training",
    doc_md=__doc__,
    # No start_date: with one in the past, the first start of a stack would run last night's schedule.
    schedule=CronTriggerTimetable("0 2 * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=3),
    default_args=DEFAULT_ARGS,
    params=TRAINING_PARAMS,
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
    def load_csv() -> list[int]:
        from churn import steps

        with warehouse() as connection:
            return steps.load_csv(connection, customer_file(param("file")), reading())

    @task
    def clean(load_ids: list[int]) -> list[int]:
        from churn import steps

        with warehouse() as connection:
            steps.clean(connection, load_ids, **cleaning())
            return load_ids

    @task(execution_timeout=timedelta(hours=1))
    def train() -> str:
        from churn import steps

        with warehouse() as connection:
            return steps.train(connection, model_store(), training_options())

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


def _skip_on_dry_run() -> None:
    if param("mode") != PUBLISH:
        raise AirflowSkipException("dry run: the candidate is not published")


churn_training()
