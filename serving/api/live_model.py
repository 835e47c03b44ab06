"""The live model: replaced in one assignment when a new version is published."""

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from churn.core.errors import ChurnError, ModelRefusedError, NoModelError
from churn.registry.live_version import load_served
from churn.registry.loaded_model import LoadedModel, load_published
from churn.registry.store import ModelStore
from serving.api.metrics import Metrics

AGAIN_SECONDS = 10.0
"""A refused version is verified again after this time even if no file has changed."""

log = logging.getLogger(__name__)

Traces = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class _Seen:
    """The last verification: of which version, when, and whether it passed."""

    version: str
    traces: Traces
    moment: float
    is_sound: bool = False


class LiveModel:
    """Follows the store's pointer; a version that fails a check is refused."""

    def __init__(self, store: ModelStore, metrics: Metrics | None = None) -> None:
        self._store = store
        self._metrics = metrics
        self._model: LoadedModel | None = None
        self._seen: _Seen | None = None
        self.refused: str | None = None
        """Why the version that the pointer names is not live, if so."""

    @property
    def model(self) -> LoadedModel:
        """The live model.

        Raises:
            NoModelError: there is none; with the reason.
        """
        if self._model is None:
            raise NoModelError(self.refused or "no model has been loaded yet")
        return self._model

    @property
    def version(self) -> str | None:
        """The live version, if there is one."""
        return self._model.version if self._model else None

    def refresh(self) -> None:
        """Load the version that the pointer names, unless it is live.

        A version is verified again when a file of it or of the store changes, and a refused one
        periodically, as a file may be readable again.
        """
        try:
            named = self._store.current()
            if self._is_to_verify(named):
                self._verify(named)
        except ChurnError as error:
            if self._seen and self._seen.is_sound:  # then it is the pointer that cannot be read
                self._seen = None
            self._fall_back()
            answers = f"; {self.version} answers" if self._model else ""
            self._refuse(f"{error}{answers}")

    def _verify(self, named: str) -> None:
        """Load and verify the version; make it live if it is not."""
        self._seen = _Seen(named, _traces(self._store, named), time.monotonic())
        model = _load_named(self._store, named)
        if self.version != named:
            self._model = model
            log.info("serving %s", named)
            if self._metrics:
                self._metrics.reloads.inc()
        self._seen = replace(self._seen, is_sound=True)
        if damage := self._store.damage():
            self._refuse(f"{damage}; {named} is sound and answers")
        else:
            self.refused = None

    def _is_to_verify(self, named: str) -> bool:
        seen = self._seen
        if seen is None or seen.version != named or seen.traces != _traces(self._store, named):
            return True
        return not seen.is_sound and time.monotonic() - seen.moment >= AGAIN_SECONDS

    def _fall_back(self) -> None:
        """Without a model in memory, load the version that served last."""
        if not self._model:
            with suppress(ChurnError):
                self._model = load_served(self._store).model

    def _refuse(self, reason: str) -> None:
        if reason != self.refused:
            log.warning("%s", reason)
            if self._metrics:
                self._metrics.refusals.inc()
        self.refused = reason


def _load_named(store: ModelStore, named: str) -> LoadedModel:
    """Load a version.

    Raises:
        ModelRefusedError: naming the version, whichever of its documents is wrong.
    """
    try:
        return load_published(store, named)
    except ModelRefusedError as error:
        if named in str(error):
            raise
        raise ModelRefusedError(f"{named}: {error}") from None


def _traces(store: ModelStore, named: str) -> Traces:
    """Return the change times and sizes of the files of a version and of the store."""
    paths = (store.pointer, store.served_file, *sorted(store.published(named).rglob("*")))
    return tuple(trace for path in paths for trace in _trace(path))


def _trace(path: Path) -> Traces:
    with suppress(OSError):
        at = path.lstat()
        return ((path.name, at.st_ctime_ns, at.st_size),)
    return ()
