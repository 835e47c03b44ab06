"""The environment of the supervised programs: addresses, paths and secrets.

How they are tuned, the containers' programs included, is in docker/common.env and airflow.env.
"""

import json
import os

from local import envfile
from local.databases import AIRFLOW, PIPELINE, SERVING
from local.layout import HOME_VARIABLE, Layout
from local.network import HOST
from local.stack import Stack

STACK_VARIABLE = "CHURN_STACK_ID"
ADMIN = "admin"
PASSWORDS_FILE = "admin.json"


def shared(layout: Layout, name: str) -> dict[str, str]:
    """Return settings that the containers read from the same file."""
    return envfile.read(layout.project / "docker" / f"{name}.env")


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
        # Without it a process that sets its title overwrites the environment that marks it as ours.
        "SPT_NOENV": "1",
        **shared(layout, "common"),
    }


def api_environment(stack: Stack) -> dict[str, str]:
    """Return what the service also gets: a role that may not touch the pipeline's tables."""
    return {
        "CHURN_DATABASE_URL": stack.database_url(SERVING),
        "CHURN_SPOOL": str(stack.layout.spool),
    }


def airflow_environment(stack: Stack) -> dict[str, str]:
    """Return what Airflow's four parts also get."""
    connection = stack.database_url(PIPELINE).replace("postgresql://", "postgres://", 1)
    settings = {f"AIRFLOW__{key}": value for key, value in _settings(stack).items()}
    return {
        "AIRFLOW_HOME": str(stack.layout.airflow),
        "AIRFLOW_CONN_CHURN_WAREHOUSE": connection,
        "CHURN_DATABASE_URL": stack.database_url(PIPELINE),
        **shared(stack.layout, "airflow"),
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
        "CORE__FERNET_KEY": stack.credentials.airflow_fernet_key,
        "CORE__EXECUTION_API_SERVER_URL": f"http://{HOST}:{stack.ports.airflow}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(stack.layout.airflow / PASSWORDS_FILE),
        "DATABASE__SQL_ALCHEMY_CONN": database.replace(
            "postgresql://", "postgresql+psycopg2://", 1
        ),
        "API__HOST": HOST,
        "API__PORT": str(stack.ports.airflow),
        "API__SECRET_KEY": stack.credentials.airflow_api_secret_key,
        "API_AUTH__JWT_SECRET": stack.credentials.airflow_jwt_secret,
    }
