"""One stack: its folders, ports and secrets, read once from the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from local import credentials, envfile, postgres
from local.credentials import Credentials
from local.databases import AIRFLOW, CHURN_DATABASE, PIPELINE, SERVING
from local.errors import StackError
from local.layout import HOME_VARIABLE, Layout, create_home, find_layout
from local.network import HOST, UNRESERVED, why_unusable
from local.postgres import Server

API_PORT = "API_PORT"
AIRFLOW_PORT = "AIRFLOW_PORT"
POSTGRES_PORT = "POSTGRES_PORT"
# Not 5432, which a PostgreSQL of the machine's own may have.
DEFAULT_PORTS = {API_PORT: 8000, AIRFLOW_PORT: 8080, POSTGRES_PORT: 15432}
HIGHEST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The ports of the parts on the loopback interface."""

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
    stack = Stack(layout=layout, ports=choose_ports(environment), credentials=secrets)
    write_addresses(stack)
    return stack


def choose_ports(environment: Mapping[str, str]) -> Ports:
    """Return the ports that the environment asks for, or the defaults; each has to be usable."""
    wanted = {name: port_in(environment, name) for name in DEFAULT_PORTS}
    for one, other in combinations(wanted, 2):
        if wanted[one] == wanted[other]:
            raise StackError(
                f"{one} and {other} are both {wanted[one]}: each part needs a port of its own."
            )
    if problems := {name: why for name, port in wanted.items() if (why := why_unusable(port))}:
        found = "; ".join(f"port {wanted[name]} {why}" for name, why in problems.items())
        others = " ".join(f"{name}={next_usable(wanted, name)}" for name in problems)
        raise StackError(f"{found.capitalize()}. Choose others, such as {others}.")
    return Ports(api=wanted[API_PORT], airflow=wanted[AIRFLOW_PORT], postgres=wanted[POSTGRES_PORT])


def next_usable(wanted: Mapping[str, int], name: str) -> int:
    """Return the first port after the one that a part wants that it could have."""
    first = max(wanted[name] + 1, UNRESERVED)
    found = (one for one in range(first, HIGHEST_PORT) if one not in wanted.values())
    return next((one for one in found if not why_unusable(one)), DEFAULT_PORTS[name])


def port_in(values: Mapping[str, str], name: str) -> int:
    """Return the port a variable names, or its default."""
    text = values.get(name) or str(DEFAULT_PORTS[name])
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) <= HIGHEST_PORT:
        raise StackError(
            f"{name}={text[:20]}: expected a port number between 1 and {HIGHEST_PORT}."
        )
    return int(text)


def write_addresses(stack: Stack) -> None:
    """Write down where the stack's parts are, for the command ``churn``."""
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


def inherited(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the caller's environment without what would change how the stack's programs behave."""
    unwanted = (
        "AIRFLOW__",
        "AIRFLOW_HOME",
        "PG",
        "PYTHON",
        "MAKE",
        "MFLAGS",
        "UVICORN_",
    )
    kept = {key: value for key, value in environment.items() if not key.startswith(unwanted)}
    local_names = f"localhost,{HOST}"
    return {**kept, "NO_PROXY": local_names, "no_proxy": local_names}
