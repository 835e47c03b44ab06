"""One stack: its folders, ports and secrets, read once from the environment."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from local import credentials, envfile, postgres
from local.credentials import Credentials
from local.databases import AIRFLOW, CHURN_DATABASE, PIPELINE, SERVING
from local.errors import StackError
from local.layout import HOME_VARIABLE, Layout, create_home, find_layout
from local.network import HOST, free_port, is_free
from local.postgres import Server

API_PORT = "API_PORT"
AIRFLOW_PORT = "AIRFLOW_PORT"
POSTGRES_PORT = "POSTGRES_PORT"
DEFAULT_PORTS = {API_PORT: 8000, AIRFLOW_PORT: 8080}
HIGHEST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Who listens where on the loopback interface."""

    api: int
    airflow: int
    postgres: int


@dataclass(frozen=True, kw_only=True)
class Stack:
    """All that the parts of one stack need to know."""

    layout: Layout
    ports: Ports
    credentials: Credentials

    @property
    def server(self) -> Server:
        """The stack's PostgreSQL server."""
        return postgres.server(
            data=self.layout.database,
            port=self.ports.postgres,
            password=self.credentials.postgres_password,
        )

    @property
    def api_url(self) -> str:
        """The service."""
        return f"http://localhost:{self.ports.api}"

    @property
    def airflow_url(self) -> str:
        """Airflow's pages and REST API."""
        return f"http://localhost:{self.ports.airflow}"

    @property
    def passwords(self) -> dict[str, str]:
        """The password of each database role."""
        return {
            AIRFLOW: self.credentials.airflow_database_password,
            PIPELINE: self.credentials.churn_pipeline_password,
            SERVING: self.credentials.churn_serving_password,
        }

    def database_url(self, role: str, database: str = CHURN_DATABASE) -> str:
        """Return the address of a database for one role."""
        return f"postgresql://{role}:{self.passwords[role]}@{HOST}:{self.ports.postgres}/{database}"


def open_stack(environment: Mapping[str, str]) -> Stack:
    """Return the stack that was last started in this state folder."""
    layout = find_layout(environment)
    if not layout.addresses.exists():
        raise StackError(
            f"There is no stack in {layout.home}: start one with `make up`, or set {HOME_VARIABLE}."
        )
    known = envfile.read(layout.addresses)
    ports = Ports(
        api=port_in(known, API_PORT),
        airflow=port_in(known, AIRFLOW_PORT),
        postgres=port_in(known, POSTGRES_PORT),
    )
    return Stack(layout=layout, ports=ports, credentials=credentials.load(layout.secrets))


def create_stack(environment: Mapping[str, str]) -> Stack:
    """Make the state folder with its secrets and addresses, or renew it; nothing is started."""
    layout = find_layout(environment)
    create_home(layout)
    secrets = credentials.load_or_create(layout.secrets, database=layout.database)
    stack = Stack(layout=layout, ports=choose_ports(layout, environment), credentials=secrets)
    write_addresses(stack)
    return stack


def choose_ports(layout: Layout, environment: Mapping[str, str]) -> Ports:
    """Return ports that are free; the service and Airflow get exactly the ones asked for."""
    wanted = {name: port_in(environment, name) for name in DEFAULT_PORTS}
    if POSTGRES_PORT in environment:
        wanted[POSTGRES_PORT] = port_in(environment, POSTGRES_PORT)
    for name, port in wanted.items():
        if not is_free(port):
            raise StackError(
                f"Port {port} is in use by another program: choose another with {name}=<port>."
            )
    if len(set(wanted.values())) < len(wanted):
        raise StackError(f"Every part needs a port of its own: {wanted}.")
    database = wanted.get(POSTGRES_PORT) or _remembered_port(layout)
    return Ports(api=wanted[API_PORT], airflow=wanted[AIRFLOW_PORT], postgres=database)


def port_in(values: Mapping[str, str], name: str) -> int:
    """Return the port a variable names, or its default."""
    text = values.get(name) or str(DEFAULT_PORTS.get(name, ""))
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= HIGHEST_PORT:
        raise StackError(f"{name}={text}: expected a port number between 1 and {HIGHEST_PORT}.")
    return int(text)


def write_addresses(stack: Stack) -> None:
    """Tell the churn command where the stack's parts are."""
    values = {
        HOME_VARIABLE: str(stack.layout.home),
        "CHURN_DATABASE_URL": stack.database_url(PIPELINE),
        "CHURN_MODEL_STORE": str(stack.layout.models),
        "CHURN_API_URL": stack.api_url,
        "AIRFLOW_URL": stack.airflow_url,
        API_PORT: str(stack.ports.api),
        AIRFLOW_PORT: str(stack.ports.airflow),
        POSTGRES_PORT: str(stack.ports.postgres),
    }
    envfile.write(
        stack.layout.addresses, values, comment="Written by every start; read by the churn command."
    )


def _remembered_port(layout: Layout) -> int:
    with suppress(StackError):  # a damaged file is about to be written anew
        port = port_in(envfile.read(layout.addresses), POSTGRES_PORT)
        if is_free(port):
            return port
    return free_port()


def inherited(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the caller's environment without what would change how the stack's programs behave."""
    unwanted = (
        "AIRFLOW__",
        "AIRFLOW_HOME",
        "PG",
        "PYTHON",
        "MAKE",
        "MFLAGS",
        "CHURN_PROGRAM",
        "UVICORN_",
    )
    kept = {key: value for key, value in environment.items() if not key.startswith(unwanted)}
    local_names = f"localhost,{HOST}"
    return {**kept, "NO_PROXY": local_names, "no_proxy": local_names}
