"""Checks an installation and reports what is wrong and what to do."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from churn.core.errors import ChurnError, plain_list
from churn.core.settings import Settings
from churn.monitoring import alerts
from churn.registry.loaded_model import load_published
from churn.registry.store import ModelStore
from churn.warehouse import customers
from churn.warehouse.connect import connect
from churn.warehouse.loading.source import shown_path
from churn.warehouse.schema import require_current


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    ok: bool
    detail: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at the data folder, the warehouse and the model store, each for itself."""
    for subject, look in _LOOKS.items():
        try:
            yield Finding(subject, True, look(settings))
        except (ChurnError, OSError) as error:
            yield Finding(subject, False, str(error))


def _data(settings: Settings) -> str:
    files = sorted(shown_path(Path(path.name)) for path in settings.data.glob("*.csv"))
    if not files:
        raise ChurnError(f"{settings.data} has no CSV file; put the customer file there")
    return f"{settings.data}: {plain_list(files)}"


def _warehouse(settings: Settings) -> str:
    with connect(settings.database_url) as connection:
        require_current(connection)
        found = customers.count(connection)
    return f"{found.customers} customers, {found.churned} churned"


def _model(settings: Settings) -> str:
    store = ModelStore(settings.model_store)
    model = load_published(store, store.current())
    if damage := store.damage():
        raise ChurnError(damage)
    return f"{model.version}, verified, one of {len(store.versions())} in {store.path}"


def _alerts(settings: Settings) -> str:
    """Report the services that messages go to, by name: their addresses are secrets."""
    named = [one.name for one in alerts.services(settings.alerts)]
    named += [one.name for one in alerts.escalation_services(settings.alerts)]
    if not named:
        return "no messages are sent, as CHURN_ALERT_URLS is empty"
    return f"{plain_list(list(dict.fromkeys(named)))}; `churn alarms test` sends to each"


_LOOKS = {"data": _data, "warehouse": _warehouse, "model": _model, "alerts": _alerts}
