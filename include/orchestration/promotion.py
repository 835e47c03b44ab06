"""Who promotes, whether a person approves, and the task that requests approval."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from orchestration.edges import model_store, warehouse
from orchestration.params import PUBLISH, param
from orchestration.retraining import requested_because

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Context

    from churn.pipeline.registry_rules import RegistryRules
    from churn.registry.model_registry import ModelRegistry
    from churn.training.promotion import Decision

RESPONSE_TIME: Final = timedelta(hours=20)
_NOBODY: Final = "nobody"


class RequestApproval(ApprovalOperator):
    """Requests approval in the Airflow UI, with the decision and the card, where it is manual.

    ``version`` is what may be promoted, empty where nothing is. The answer is a name: who approved.
    """

    template_fields = ("version", *ApprovalOperator.template_fields)

    def __init__(self, *, version: Any, **arguments: Any) -> None:
        super().__init__(
            subject="Shall this model take over?",
            defaults=self.REJECT,
            response_timeout=RESPONSE_TIME,
            **arguments,
        )
        self.version = version

    def execute(self, context: Context) -> Any:
        """Request approval, or skip where nothing is to be promoted or promotion is automatic."""
        if not self.version:
            raise AirflowSkipException("nothing is to be promoted")
        if not is_manual():
            raise AirflowSkipException("promotion is automatic")
        from churn.pipeline import model_steps

        with open_registry() as registry:
            self.body = model_steps.explain(registry, self.version)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> str:
        """Return who approved; record a refusal, or that the time ran out."""
        user = event.get("responded_by_user") or {}
        name = str(user.get("name") or user.get("id") or _NOBODY)
        if event.get("chosen_options") == [self.REJECT]:
            from churn.pipeline import model_steps

            with open_registry() as registry:
                model_steps.decline(registry, self.version, f"declined by {name}")
        super().execute_complete(context, event)  # on a no this raises, to skip what follows
        return name


@contextmanager
def open_registry(*, approved_by: str | None = None) -> Iterator[ModelRegistry]:
    """Open the warehouse and the store in the name of this run, and of who approved."""
    from churn.registry.model_registry import ModelRegistry

    run = f"Airflow run {get_current_context()['run_id']}"
    actor = f"{run}, approved by {approved_by}" if approved_by else run
    with warehouse() as connection:
        yield ModelRegistry(connection, model_store(), actor)


def decide_candidate(registry: ModelRegistry, version: str) -> Decision:
    """Decide whether a candidate takes over; record why, and why it was trained."""
    from churn.pipeline import model_steps

    return model_steps.decide(
        registry,
        version,
        rules().promotion,
        dry_run=is_dry(),
        requested_because=requested_because(),
    )


def approver() -> str | None:
    """Return who approved in this run, if a person did."""
    name = get_current_context()["ti"].xcom_pull(task_ids="approve")
    return str(name) if name else None


def rules() -> RegistryRules:
    """Return how candidates are judged here."""
    from churn.core.settings import Settings
    from churn.pipeline.registry_rules import read_registry_rules

    return read_registry_rules(Settings.from_environment().registry)


def is_manual() -> bool:
    """Whether a person has the last word: by the run's param, else by the setting."""
    from churn.pipeline.registry_rules import MANUAL

    return (param("promotion") or rules().mode) == MANUAL


def is_dry() -> bool:
    """Whether this run publishes nothing."""
    return bool(param("mode") != PUBLISH)


def skip_unless_promoted(version: str) -> None:
    """End the task where the champion stays."""
    if not version:
        raise AirflowSkipException("nothing is to be promoted; the log of `decide` states why")
