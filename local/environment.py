"""The environment of the supervised programs; every setting of Airflow is here."""

import json
import os

from local import envfile
from local.databases import AIRFLOW, PIPELINE, SERVING
from local.layout import HOME_VARIABLE
from local.network import HOST
from local.stack import Stack

STACK_VARIABLE = "CHURN_STACK_ID"
PROGRAM_VARIABLE = "CHURN_PROGRAM"
ADMIN = "admin"
PASSWORDS_FILE = "admin.json"


def common_environment(stack: Stack) -> dict[str, str]:
    """Return what every supervised program gets."""
    layout = stack.layout
    return {
        HOME_VARIABLE: str(layout.home),
        STACK_VARIABLE: stack.credentials.stack_id,
        "CHURN_MODEL_STORE": str(layout.models),
        "CHURN_DATA": str(layout.project / "data"),
        "CHURN_API_URL": stack.api_url,
        "AIRFLOW_URL": stack.airflow_url,
        "PYTHONPATH": os.pathsep.join((str(layout.project / "include"), str(layout.project))),
        "PYTHONUNBUFFERED": "1",
        # Without it a process that renames itself wipes the environment we know our processes by.
        "SPT_NOENV": "1",
        # Model fitting on two cores is fastest when processes do not fight over threads.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TZ": "UTC",
    }


def api_environment(stack: Stack) -> dict[str, str]:
    """Return what the service gets besides: a role that may not touch the pipeline's tables."""
    return {
        "CHURN_DATABASE_URL": stack.database_url(SERVING),
        "CHURN_SPOOL": str(stack.layout.spool),
    }


def airflow_environment(stack: Stack) -> dict[str, str]:
    """Return what Airflow's four parts get besides."""
    connection = stack.database_url(PIPELINE).replace("postgresql://", "postgres://", 1)
    settings = {f"AIRFLOW__{key}": value for key, value in {**_settings(stack), **_pace()}.items()}
    return {
        "AIRFLOW_HOME": str(stack.layout.airflow),
        "AIRFLOW_CONN_CHURN_WAREHOUSE": connection,
        "CHURN_DATABASE_URL": stack.database_url(PIPELINE),
        **settings,
    }


def write_airflow_password(stack: Stack) -> None:
    """Give Airflow's admin our password; left alone, Airflow would print one into its log."""
    text = json.dumps({ADMIN: stack.credentials.airflow_admin_password})
    envfile.replace(stack.layout.airflow / PASSWORDS_FILE, f"{text}\n")


def _settings(stack: Stack) -> dict[str, str]:
    database = stack.database_url(AIRFLOW, AIRFLOW)
    return {
        "CORE__DAGS_FOLDER": str(stack.layout.project / "dags"),
        "CORE__PLUGINS_FOLDER": str(stack.layout.project / "plugins"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__DEFAULT_TIMEZONE": "utc",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__FERNET_KEY": stack.credentials.airflow_fernet_key,
        "CORE__EXECUTION_API_SERVER_URL": f"http://{HOST}:{stack.ports.airflow}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(stack.layout.airflow / PASSWORDS_FILE),
        # The default looks the name up and can wait for a name server that is not there.
        "CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "DATABASE__SQL_ALCHEMY_CONN": database.replace(
            "postgresql://", "postgresql+psycopg2://", 1
        ),
        "API__HOST": HOST,
        "API__PORT": str(stack.ports.airflow),
        "API__WORKERS": "1",
        "API__SECRET_KEY": stack.credentials.airflow_api_secret_key,
        "API_AUTH__JWT_SECRET": stack.credentials.airflow_jwt_secret,
        "LOGGING__COLORED_CONSOLE_LOG": "False",
        "LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
        "LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
    }


def _pace() -> dict[str, str]:
    """Return what makes a run on two cores, or a restart after a kill, cost seconds."""
    return {
        "CORE__PARALLELISM": "4",
        "CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "5",
        "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "WORKERS__MAX_FAILED_HEARTBEATS": "60",
        "WORKERS__EXECUTION_API_RETRIES": "10",
        "WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "5",
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.25",
        "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        "TRIGGERER__JOB_HEARTBEAT_SEC": "2",
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
        "DAG_PROCESSOR__PRINT_STATS_INTERVAL": "600",
    }
