"""Published versions with what is to be seen of them at a glance."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from churn.core.errors import ModelRefusedError
from churn.registry.manifest import TrainedOn
from churn.registry.retention import pinned
from churn.registry.store import ModelStore


@dataclass(frozen=True)
class Listed:
    """A published version; one that is refused has no figures."""

    version: str
    live: bool
    pinned: bool
    refused: str | None = None
    cross_validation: Mapping[str, float] = field(default_factory=dict)
    trained_on: Mapping[str, int | None] = field(default_factory=dict)

    def __str__(self) -> str:
        star = "*" if self.live else " "
        return f"{star} {self.version}  {self._figures()}{', pinned' * self.pinned}"

    def _figures(self) -> str:
        if self.refused:
            return f"REFUSED: {self.refused}"
        means = self.cross_validation
        size = _size(TrainedOn.model_validate(self.trained_on))
        return f"AUC {means['roc_auc']:.4f}  log-loss {means['log_loss']:.4f}  {size}"


def list_versions(store: ModelStore, *, current: str | None) -> Iterator[Listed]:
    """Yield every published version, the oldest first."""
    kept = pinned(store)
    for version in store.versions():
        yield _listed(store, version, live=version == current, is_pinned=version in kept)


def _listed(store: ModelStore, version: str, *, live: bool, is_pinned: bool) -> Listed:
    try:
        manifest = store.read(version).manifest
    except ModelRefusedError as error:
        return Listed(version, live, is_pinned, refused=str(error))
    means = {name: one.mean for name, one in manifest.cross_validation.items()}
    trained_on = manifest.trained_on.model_dump(mode="json")
    return Listed(version, live, is_pinned, cross_validation=means, trained_on=trained_on)


def _size(trained_on: TrainedOn) -> str:
    if trained_on.fitted is None or trained_on.held_out is None:
        return f"{trained_on.customers:,} customers"
    return f"fitted on {trained_on.fitted:,} customers, {trained_on.held_out:,} held out"
