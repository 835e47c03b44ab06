"""The model in use: swapped in one assignment when a new version is published."""

import asyncio
import logging

from churn.errors import ChurnError, ModelRefusedError, NoModelError
from churn.registry.store import ModelStore
from churn.scoring import LoadedModel, load_model

_INTERVAL_SECONDS = 0.5

log = logging.getLogger(__name__)


class LiveModel:
    """Follows the store's pointer; a version that fails a check is refused, the old one stays."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._model: LoadedModel | None = None
        self._refused: str | None = None
        self.reason = "no model has been loaded yet"

    @property
    def model(self) -> LoadedModel:
        """The model in use.

        Raises:
            NoModelError: there is none, with the reason.
        """
        if self._model is None:
            raise NoModelError(self.reason)
        return self._model

    @property
    def refused(self) -> str | None:
        """Why the version that the pointer names is not the one in use, if so."""
        return self.reason if self._refused else None

    def refresh(self) -> None:
        """Load the version that the pointer names, unless it is in use or was refused before."""
        try:
            named = self._store.current()
        except ChurnError as error:
            self._refuse("", str(error))
            return
        if (self._model and named == self._model.version) or named == self._refused:
            return
        try:
            self._model, self._refused = load_model(self._store.published(named)), None
        except ModelRefusedError as error:
            self._refuse(named, f"{named} was refused: {error}")
        else:
            log.info("serving %s", named)

    def _refuse(self, version: str, reason: str) -> None:
        if reason != self.reason:
            log.warning("%s", reason)
        self._refused, self.reason = version or None, reason

    async def follow(self) -> None:
        """Refresh for as long as the service runs."""
        while True:
            try:
                await asyncio.to_thread(self.refresh)
            except Exception:
                log.exception("looking for a new model failed; trying again")
            await asyncio.sleep(_INTERVAL_SECONDS)
