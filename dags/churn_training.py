"""### Churn training

Loads the new customer files, cleans them, trains the churn model, compares it with the live one on
customers that neither has learned from, and publishes it to the model store if it is better beyond
noise. The service finds it there within a second. Runs at 02:00 UTC, when an alarm of `churn_monitoring`
requests it (then also without a new file; the model event has the reason), and from *Trigger*, whose form has:

- **file**: `newest` for every file of the data folder that was not loaded yet, by its day; or a file
  in the data folder, a folder, a glob, or a full path; plain, `.gz`, `.zst` or `.zip`;
- **retrain**: train even if there is no new file; without it, or a dry run, such a run is skipped;
- **mode**: `publish`, or `dry run` to train and look at the card while the served model stays;
- **promotion**: `manual` lets a person approve (*Required Actions* in the UI, within 20 hours);
- **replace_customers**: the file is the whole customer base, so who is not in it is removed;
- **allow_change**: load the file though it removes or changes more customers than is usual;
- **load_again**: load the file though the same bytes were loaded before;
- **limit_rejected**: the share of invalid rows over which the load is refused;
- how the file is written (encoding, separator, decimal and thousands mark, day), where it is not to be detected.

Every task is one transaction and can run twice. Until `clean` has succeeded, yesterday's customers
stand as they were; until `publish` has, so does the live model. A dry run changes customers, too.

| task | makes | when it fails, look first at |
|---|---|---|
| `create_tables` | migrates the tables, adds log partitions; drops the months that are not kept | is PostgreSQL up, is the connection `churn_warehouse` right |
| `load_csv` | a staging table with each file's text, a row in `loads` | the message: it names the file and what was expected |
| `clean` | `customers`, `customer_history`, `rejected_rows`, the gate's verdict in `loads` | the report in its log: line numbers and reasons |
| `train` | a candidate version, its card in the task's log | the message: the column that leaks the answer, or too few rows |
| `decide` | a row in `model_events`: promote or keep, in words with the numbers | the message: a candidate that fails a check |
| `approve` | nothing, or a person's answer when promotion is manual | who may approve; without an answer the candidate is declined |
| `publish` | the live version, rows in `model_versions` and `model_events` | is the model store writable, is its disk full |

Without a new file `load_csv` is skipped, and all that follows. A file that the gate stopped is not tried
again by itself: repair it, name it in **file**, or choose **allow_change**. Where the live model stays, `approve` and `publish` are skipped and the log of `decide` states why:
unchanged data and code give no new version. By hand: `churn models promote`, `rollback`.

A failed run is reported to the services of `CHURN_ALERT_URLS`, once.
Bad data fails at once; bad luck (PostgreSQL away, a full disk) is tried again twice.
To run one task again, press *Clear* on it; to start over, *Trigger* a new run.
"""

from datetime import timedelta

from airflow.sdk import (
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    TriggerRule,
    chain,
    dag,
    task,
)

from churn.core.names import TRAINING_DAG
from orchestration.assets import CHURN_MODEL, RETRAIN
from orchestration.edges import log_options, model_store, training_options, warehouse
from orchestration.files import load_files
from orchestration.notifier import ReportFailedRun
from orchestration.params import TRAINING_PARAMS, terms
from orchestration.policies import DEFAULT_ARGS
from orchestration.promotion import (
    RequestApproval,
    approver,
    decide_candidate,
    is_dry,
    open_registry,
    rules,
    skip_unless_promoted,
)


@task(execution_timeout=timedelta(minutes=5))
def create_tables() -> None:
    from churn.pipeline import steps

    with warehouse() as connection:
        steps.create_tables(connection, log_options())


@task
def load_csv() -> list[int]:
    with warehouse() as connection:
        return load_files(connection)


@task
def clean(load_ids: list[int]) -> list[int]:
    from churn.pipeline import steps

    with warehouse() as connection:
        steps.clean(connection, load_ids, terms())
        return load_ids


@task(execution_timeout=timedelta(hours=1))
def train() -> str:
    from churn.pipeline import model_steps

    with warehouse() as connection:
        return model_steps.train(connection, model_store(), training_options())


@task(execution_timeout=timedelta(minutes=10))
def decide(version: str) -> str:
    with open_registry() as registry:
        decision = decide_candidate(registry, version)
        return version if decision.promote and not is_dry() else ""


@task(
    execution_timeout=timedelta(minutes=5),
    outlets=[CHURN_MODEL],
    trigger_rule=TriggerRule.NONE_FAILED,  # `approve` is skipped when promotion is automatic
)
def publish(version: str) -> str:
    from churn.pipeline import model_steps

    skip_unless_promoted(version)
    with open_registry(approved_by=approver()) as registry:
        return model_steps.publish(registry, version, retention_rule=rules().retention)


@dag(
    dag_id=TRAINING_DAG,
    doc_md=__doc__,
    # A new stack waits for its first night. With a start_date in the past, or without the timedelta
    # if it is within a tenth of a day after the schedule, it would run last night's at once.
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("0 2 * * *", timezone="UTC", run_immediately=timedelta(0)),
        assets=[RETRAIN],
    ),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=23),  # a person may take 20 hours to approve
    default_args=DEFAULT_ARGS,
    on_failure_callback=ReportFailedRun(),
    params=TRAINING_PARAMS,
    tags=["churn"],
)
def churn_training() -> None:
    """Wire the steps of ``churn.pipeline.steps`` and ``churn.pipeline.model_steps``."""
    loaded, trained = load_csv(), train()
    cleaned = clean(loaded)  # type: ignore[arg-type] # a task's value is an XComArg until it runs
    decided = decide(trained)  # type: ignore[arg-type]
    approved = RequestApproval(
        task_id="approve", version=decided, execution_timeout=timedelta(minutes=5)
    )
    published = publish(decided)  # type: ignore[arg-type]
    chain(create_tables(), loaded, cleaned, trained, decided, approved, published)


churn_training()
