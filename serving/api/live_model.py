"""The model in use: swapped in one assignment when a new version is published."""

import asyncio
import logging
from contextlib import suppress

from churn.errors import ChurnError, NoModelError
from churn.registry.store import ModelStore
from churn.scoring import LoadedModel, load_model, load_served

_INTERVAL_SECONDS = 0.5

log = logging.getLogger(__name__)


class LiveModel:
    """Follows the store's pointer; a version that fails a check is refused, the old one stays."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._model: LoadedModel | None = None
        self.refused: str | None = None
        """Why the version that the pointer names is not the one in use, if so."""

    @property
    def model(self) -> LoadedModel:
        """The model in use.

        Raises:
            NoModelError: there is none, with the reason.
        """
        if self._model is None:
            raise NoModelError(self.refused or "no model has been loaded yet")
        return self._model

    def refresh(self) -> None:
        """Load the version that the pointer names, unless it is in use.

        A refused version is looked at again each time: what could not be read may be readable now.
        """
        try:
            named = self._store.current()
            if not self._model or named != self._model.version:
                self._model = load_model(self._store.published(named))
                log.info("serving %s", named)
        except ChurnError as error:
            self._fall_back()
            answers = f"; {self._model.version} answers" if self._model else ""
            self._refuse(f"{error}{answers}")
        else:
            self.refused = None

    def _fall_back(self) -> None:
        """Start with the version that served last; what is in memory stays, and is better."""
        if not self._model:
            with suppress(ChurnError):
                self._model = load_served(self._store).model

    def _refuse(self, reason: str) -> None:
        if reason != self.refused:
            log.warning("%s", reason)
        self.refused = reason

    async def follow(self) -> None:
        """Refresh for as long as the service runs."""
        while True:
            try:
                await asyncio.to_thread(self.refresh)
            except Exception:
                log.exception("looking for a new model failed; trying again")
            await asyncio.sleep(_INTERVAL_SECONDS)
