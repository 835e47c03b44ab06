"""What differs from one installation to the next, read once when a process starts."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from churn.core import env_file
from churn.core.alert_options import AlertOptions, RetrainOptions
from churn.core.errors import ChurnError
from churn.core.load_options import LoadOptions
from churn.core.log_options import LogOptions
from churn.core.monitor_options import MonitorOptions
from churn.core.outcome_options import OutcomeOptions
from churn.core.training_options import TrainingOptions

PROJECT = Path(__file__).resolve().parents[3]
_REGISTRY = ("CHURN_PROMOTION", "CHURN_KEEP_")


@dataclass(frozen=True)
class Settings:
    """Where the data, the warehouse and the models are, and how models are trained."""

    database_url: str
    model_store: Path
    data: Path
    spool: Path
    registry: Mapping[str, str] = field(default_factory=dict)
    """``CHURN_PROMOTION…`` and ``CHURN_KEEP_…``, for ``churn.pipeline.registry_rules``."""
    training: TrainingOptions = field(default_factory=TrainingOptions)
    api_keys_file: Path = PROJECT / ".local" / "api_keys.json"
    api_keys: str = ""
    """``CHURN_API_KEYS``: hashed keys in addition to those of the file, for containers."""
    service: Mapping[str, str] = field(default_factory=dict)
    """``CHURN_API_…``, for ``serving.api.limits``."""
    log: LogOptions = field(default_factory=LogOptions)
    load: LoadOptions = field(default_factory=LoadOptions)
    monitor: MonitorOptions = field(default_factory=MonitorOptions)
    alerts: AlertOptions = field(default_factory=AlertOptions)
    retrain: RetrainOptions = field(default_factory=RetrainOptions)
    outcomes: OutcomeOptions = field(default_factory=OutcomeOptions)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the environment, and for what it lacks the local stack's ``stack.env``."""
        given = os.environ if environment is None else environment
        home = Path(given.get("CHURN_HOME") or PROJECT / ".local")
        values = {**_read_stack(home / "stack.env"), **given}
        return cls(
            database_url=values.get("CHURN_DATABASE_URL", ""),
            model_store=Path(values.get("CHURN_MODEL_STORE") or home / "models"),
            data=Path(values.get("CHURN_DATA") or PROJECT / "data"),
            spool=Path(values.get("CHURN_SPOOL") or home / "spool"),
            registry={k: v for k, v in values.items() if k.startswith(_REGISTRY)},
            training=TrainingOptions.from_values(values),
            api_keys_file=Path(values.get("CHURN_API_KEYS_FILE") or home / "api_keys.json"),
            api_keys=values.get("CHURN_API_KEYS", ""),
            service={k: v for k, v in values.items() if k.startswith("CHURN_API_")},
            log=LogOptions.from_values(values),
            load=LoadOptions.from_values(values),
            monitor=MonitorOptions.from_values(values),
            alerts=AlertOptions.from_values(values),
            retrain=RetrainOptions.from_values(values),
            outcomes=OutcomeOptions.from_values(values),
        )


def _read_stack(path: Path) -> dict[str, str]:
    """Return the KEY=VALUE lines of the file that the local stack writes, if it exists."""
    try:
        return env_file.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ChurnError(
            f"cannot read {path}: {error}; start the stack again with `make up`"
        ) from None
