"""The model in use: swapped in one assignment when a new version is published."""

import logging
import time
from contextlib import suppress
from pathlib import Path

from churn.errors import ChurnError, ModelRefusedError, NoModelError
from churn.registry.store import ModelStore
from churn.scoring import LoadedModel, load_model, load_served
from serving.api.metrics import Metrics

AGAIN_SECONDS = 10.0
"""After how long a refused version is verified again although nothing of it has changed."""

log = logging.getLogger(__name__)

Traces = tuple[tuple[str, int, int], ...]


class LiveModel:
    """Follows the store's pointer; a version that fails a check is refused, the old one stays."""

    def __init__(self, store: ModelStore, metrics: Metrics | None = None) -> None:
        self._store = store
        self._metrics = metrics
        self._model: LoadedModel | None = None
        self._refused_at: tuple[str, Traces, float] | None = None
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

    @property
    def version(self) -> str | None:
        """The version in use, if there is one."""
        return self._model.version if self._model else None

    def refresh(self) -> None:
        """Load the version that the pointer names, unless it is in use.

        A refused version is looked at again when a file of it changes, and now and then: what could
        not be read may be readable now. Verifying it each time would cost every request.
        """
        try:
            named = self._store.current()
            if self.version != named and not self._is_refused_still(named):
                self._load(named)
        except ChurnError as error:
            self._fall_back()
            answers = f"; {self.version} answers" if self._model else ""
            self._refuse(f"{error}{answers}")
        else:
            if self.version == named:
                self.refused, self._refused_at = None, None

    def _load(self, named: str) -> None:
        folder = self._store.published(named)
        self._refused_at = (named, _traces(folder), time.monotonic())
        self._model = _load_named(folder)
        self._refused_at = None
        log.info("serving %s", named)
        if self._metrics:
            self._metrics.reloads.inc()

    def _is_refused_still(self, named: str) -> bool:
        if self._refused_at is None:
            return False
        version, traces, moment = self._refused_at
        recent = time.monotonic() - moment < AGAIN_SECONDS
        return version == named and recent and traces == _traces(self._store.published(named))

    def _fall_back(self) -> None:
        """Start with the version that served last; what is in memory stays, and is better."""
        if not self._model:
            with suppress(ChurnError):
                self._model = load_served(self._store).model

    def _refuse(self, reason: str) -> None:
        if reason != self.refused:
            log.warning("%s", reason)
            if self._metrics:
                self._metrics.refusals.inc()
        self.refused = reason


def _load_named(folder: Path) -> LoadedModel:
    """Load a version.

    Raises:
        ModelRefusedError: naming the version, whichever of its documents is wrong.
    """
    try:
        return load_model(folder)
    except ModelRefusedError as error:
        if folder.name in str(error):
            raise
        raise ModelRefusedError(f"{folder.name}: {error}") from None


def _traces(folder: Path) -> Traces:
    """Return what shows that a file of a version was touched."""
    found = ((path, path.lstat()) for path in sorted(folder.rglob("*")))
    with suppress(OSError):
        return tuple((path.name, at.st_ctime_ns, at.st_size) for path, at in found)
    return ()
