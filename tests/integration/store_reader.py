"""A reader of the model store, as the service is one: ``store_reader.py STORE``, until killed.

It prints how often it has read, and stops with the reason at the first half version.
"""

import sys
from pathlib import Path

from churn.registry.loaded_model import load_model
from churn.registry.store import ModelStore


def main() -> None:
    """Read for ever."""
    store, reads = ModelStore(Path(sys.argv[1])), 0
    while True:
        name = store.current()
        assert load_model(store.published(name)).version == name
        reads += 1
        sys.stdout.write(f"{reads}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
