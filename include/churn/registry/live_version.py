"""The version that answers requests: the live one, or the last sound one before it."""

from contextlib import suppress
from dataclasses import dataclass

from churn.core.errors import ChurnError, ModelRefusedError
from churn.registry.loaded_model import LoadedModel, load_published
from churn.registry.store import ModelStore


@dataclass(frozen=True)
class LiveVersion:
    """The version that answers; ``refused`` states why it is not the one that the pointer names."""

    model: LoadedModel
    refused: str | None = None


def load_served(store: ModelStore) -> LiveVersion:
    """Load the live version, or where that is refused the last sound one that served.

    Raises:
        ModelRefusedError: no version that served can be loaded; the reason is the first one's.
        NoModelError: nothing has been published yet.
    """
    try:
        return LiveVersion(load_published(store, store.current()))
    except ChurnError as error:
        for earlier in reversed(store.served()):
            with suppress(ModelRefusedError):
                model = load_published(store, earlier.version)
                answers = f"{model.version}, the last sound version that served, answers"
                return LiveVersion(model, f"{error}; {answers}")
        raise
