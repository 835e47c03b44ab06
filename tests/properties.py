"""How property tests run: the same examples every time, however slow the machine is."""

from hypothesis import settings

settings.register_profile("churn", deadline=None, derandomize=True, database=None)


def load() -> None:
    """Use it in this process."""
    settings.load_profile("churn")
