"""The settings that the code reads, found in the code."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Final

from churn.core.settings import Settings
from churn.pipeline.registry_rules import RegistryRules, read_registry_rules
from churn.registry.retention import RetentionRule
from churn.training.promotion import PromotionRule
from local.layout import PROJECT
from serving.api.limits import Limits

NAME: Final = re.compile(r"(?:CHURN|API|AIRFLOW|POSTGRES|DASHBOARD)_(?!_)(?:[A-Z0-9]+_?)+")
# A prefix in the code stands for a setting per field of what is read with it.
FAMILIES: Final[Mapping[str, type]] = {
    "CHURN_PROMOTION_": PromotionRule,
    "CHURN_KEEP_": RetentionRule,
    "CHURN_API_": Limits,
}
NOT_SETTINGS: Final = {
    "AIRFLOW_CONN_CHURN_WAREHOUSE": "Airflow's own, which each stack sets",
    "AIRFLOW_HOME": "Airflow's own, which each stack sets",
    "AIRFLOW_URL": "written for the command churn, read by nothing that a user starts",
    "AIRFLOW_VERSION": "a line of migrated.env",
    "CHURN_STACK_ID": "marks the processes of a stack",
}


def in_code() -> set[str]:
    """Return the name of every setting that a file of the product spells."""
    spelled = {name for path in _files() for name in _names(path)} - set(NOT_SETTINGS)
    prefixes = {name for name in spelled if name.endswith("_")}
    assert prefixes <= set(FAMILIES), f"what is read with {prefixes - set(FAMILIES)}?"
    parts = (f"{prefix}{field.name.upper()}" for prefix in prefixes for field in _fields(prefix))
    return (spelled - prefixes) | set(parts)


def read(values: Mapping[str, str]) -> tuple[Settings, RegistryRules, Limits]:
    """Return all that is read from an environment."""
    found = Settings.from_environment({"CHURN_HOME": "/nonexistent", **values})
    rules, limits = read_registry_rules(found.registry), Limits.from_values(found.service)
    return replace(found, registry={}, service={}), rules, limits


def _files() -> Iterator[Path]:
    for folder in ("include", "serving", "local", "plugins", "dags"):
        yield from (PROJECT / folder).rglob("*.py")


def _names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, str) and NAME.fullmatch(value):
            yield value


def _fields(prefix: str) -> tuple[Field[object], ...]:
    return fields(FAMILIES[prefix])
