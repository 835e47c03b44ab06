"""### Churn monitoring

Compares the customers that the live model predicts for with those it was trained on, and what it predicted with what
happened; opens and closes alarms; sends messages; requests a training. Runs at 05:00 UTC, after the
training, and from *Trigger*, whose form has:

- **as_of**: monitor as of the beginning of an earlier day, with what was known then;
- **window**: the days before that moment whose predictions are compared with training.

`churn monitor` does by hand what the task `monitor` does; the next run sends the messages. What an alarm
means and what to do about it is in `docs/alarms.md` and `docs/monitoring.md`; `churn alarms list` shows those
that are open.

| task | makes | when it fails, look first at |
|---|---|---|
| `monitor` | rows of `drift_reports`, `performance_reports` and `alarms`, in one transaction; a rollback, if `CHURN_AUTO_ROLLBACK` is on | is PostgreSQL up; the message: a version that cannot be read |
| `alert` | one message per alarm that opened, closed or was not acknowledged in time | the message: which address of `CHURN_ALERT_URLS` cannot be read |
| `request_retrain` | an event of the asset `churn_retrain`, which starts `churn_training` | is PostgreSQL up |

A service that does not take a message does not fail `alert`: its log names the service, and the next
run sends it again. `churn alarms test` sends a message to each service.

`request_retrain` is skipped where no open alarm requests a training, where one was granted for the
same alarm before, and where alarms started one within `CHURN_RETRAIN_COOLDOWN_DAYS` or
`CHURN_RETRAIN_PER_WEEK` times in seven days; its log has the reason, as has `retrain_requests`.

Before the first model is published, the run is skipped. Every task can run twice. A run as of an earlier moment than the last one changes no alarm.
A failed run is reported to the services of `CHURN_ALERT_URLS`, once.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, chain, dag, task

from churn.core.names import MONITORING_DAG
from orchestration.assets import RETRAIN
from orchestration.edges import warehouse
from orchestration.monitoring import send_messages, watch
from orchestration.notifier import ReportFailedRun
from orchestration.params import MONITORING_PARAMS
from orchestration.policies import DEFAULT_ARGS
from orchestration.promotion import open_registry
from orchestration.retraining import request_training


@task(execution_timeout=timedelta(hours=1))
def monitor() -> int:
    with open_registry() as registry:
        return watch(registry)


@task(execution_timeout=timedelta(minutes=30))
def alert() -> int:
    with warehouse() as connection:
        return send_messages(connection)


@task(execution_timeout=timedelta(minutes=5), outlets=[RETRAIN])
def request_retrain() -> None:
    with warehouse() as connection:
        request_training(connection)


@dag(
    dag_id=MONITORING_DAG,
    doc_md=__doc__,
    schedule=CronTriggerTimetable("0 5 * * *", timezone="UTC", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=4),
    default_args=DEFAULT_ARGS,
    on_failure_callback=ReportFailedRun(),
    params=MONITORING_PARAMS,
    tags=["churn"],
)
def churn_monitoring() -> None:
    """Wire the steps of monitoring."""
    chain(monitor(), alert(), request_retrain())


churn_monitoring()
