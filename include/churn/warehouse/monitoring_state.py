"""Reads in one statement what an operator pages on."""

from dataclasses import dataclass
from typing import Final, cast

from churn.warehouse.connect import Connection, statement

_TIMEOUT: Final = "SELECT set_config('statement_timeout', '5s', true)"


@dataclass(frozen=True)
class StateFigure:
    """A figure of the state of monitoring, by name, and by a label such as the kind of an alarm."""

    name: str
    label: str
    figure: float


def read_state(connection: Connection) -> tuple[StateFigure, ...]:
    """Return every figure that there is; what has never happened has none."""
    connection.execute(_TIMEOUT)
    rows = connection.execute(statement("read_monitoring_state")).fetchall()
    return tuple(
        StateFigure(str(name), str(label), cast(float, figure))
        for name, label, figure in rows
        if figure is not None
    )
