from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.core.errors import ChurnError
from churn.pipeline.registry_rules import MANUAL, RegistryRules, read_registry_rules
from churn.registry.retention import RetentionRule, expendable, pin, pinned, tidy, unpin
from churn.registry.store import ModelStore, ServedVersion
from churn.training.promotion import PromotionRule
from tests.customer_file import package, version_of

NOW = datetime(2026, 6, 30, tzinfo=UTC)
NAMES = [f"v{number:02d}" for number in range(30)]


def _gone(newest: int = 3, served_days: int = 10, **given: object) -> tuple[str, ...]:
    asked = {"versions": NAMES, "served": (), "pinned": (), "now": NOW, **given}
    return expendable(RetentionRule(newest, served_days), **asked)  # type: ignore[arg-type]


def _served(*names_and_days: tuple[str, int]) -> tuple[ServedVersion, ...]:
    return tuple(ServedVersion(name, NOW - timedelta(days=days)) for name, days in names_and_days)


def test_the_newest_are_kept_and_the_others_go_oldest_first() -> None:
    assert _gone() == tuple(NAMES[:-3])


def test_what_is_pinned_stays() -> None:
    assert "v05" not in _gone(pinned={"v05"})


def test_what_serves_stays_however_long_it_has() -> None:
    gone = _gone(served=_served(("v01", 400), ("v02", 300)))
    assert "v02" not in gone
    assert "v01" in gone


def test_what_served_lately_stays_to_go_back_to() -> None:
    served = _served(("v01", 100), ("v02", 90), ("v03", 5))
    assert "v02" not in _gone(served=served)  # until 5 days ago
    assert "v02" in _gone(served=served, served_days=4)
    assert "v01" in _gone(served=served)


@given(
    st.integers(0, 40),
    st.integers(0, 60),
    st.sets(st.sampled_from(NAMES)),
    st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 500)), max_size=8),
)
def test_no_rule_lets_go_of_a_pinned_the_served_or_one_of_the_newest(
    newest: int, days: int, kept: set[str], history: list[tuple[str, int]]
) -> None:
    served = _served(*sorted(history, key=lambda one: -one[1]))
    gone = set(_gone(newest, days, pinned=kept, served=served))
    assert not gone & kept
    assert not gone & {one.version for one in served[-1:]}
    assert not gone & set(NAMES[len(NAMES) - min(newest, len(NAMES)) :])
    assert gone <= set(NAMES)


def test_a_pin_is_there_until_it_is_taken_off(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    pin(store, "v1", "the auditor asked")
    assert pinned(store) == {"v1"}
    assert (tmp_path / "pins" / "v1").read_text() == "the auditor asked\n"
    unpin(store, "v1")
    unpin(store, "v1")
    assert pinned(store) == frozenset()


def test_half_written_candidates_and_half_removed_versions_are_cleared_away(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.write_candidate(package().manifest, package().files)
    half = tmp_path / "candidates" / "20260102T020000Z-deadbeef"
    half.mkdir()
    (half / "scorecard.json").write_text("{")
    (tmp_path / "retired" / "old").mkdir(parents=True)
    (tmp_path / ".CURRENT.123").write_text("half a na")
    tidy(store)
    assert [path.name for path in (tmp_path / "candidates").iterdir()] == [version_of(1)]
    assert list((tmp_path / "retired").iterdir()) == []
    assert not (tmp_path / ".CURRENT.123").exists()


def test_the_rules_have_defaults() -> None:
    assert read_registry_rules({}) == RegistryRules(PromotionRule(), RetentionRule(20, 30), "auto")


def test_every_part_of_a_rule_is_a_setting() -> None:
    rules = read_registry_rules(
        {
            "CHURN_PROMOTION": "manual",
            "CHURN_PROMOTION_LEAST_SHARE": "0.002",
            "CHURN_PROMOTION_SLICE_CUSTOMERS": "250",
            "CHURN_KEEP_NEWEST": "5",
            "CHURN_KEEP_SERVED_DAYS": "90",
        }
    )
    assert rules.mode == MANUAL
    assert (rules.promotion.least_share, rules.promotion.slice_customers) == (0.002, 250)
    assert rules.retention == RetentionRule(5, 90)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CHURN_PROMOTION", "perhaps", "expected auto or manual"),
        ("CHURN_PROMOTION_LEAST_SHARE", "a bit", "expected a number"),
        ("CHURN_PROMOTION_LEAST_SHARE", "nan", "expected a number"),
        ("CHURN_PROMOTION_LEAST_SHARE", "-1", "expected a number"),
        ("CHURN_PROMOTION_LEVEL", "95", "between 0 and 1"),
        ("CHURN_PROMOTION_HELD_OUT_CLASS", "many", "expected a whole number"),
        (
            "CHURN_PROMOTION_DRAWS",
            "1000",
            "there is no such setting; there are CHURN_PROMOTION_LEVEL",
        ),
        ("CHURN_PROMOTION_SLICE_CLASS", "0", "expected a whole number, 1 or more"),
        ("CHURN_KEEP_NEWEST", "-1", "expected a whole number, 0 or more"),
        ("CHURN_KEEP_NEWEST", "2.5", "expected a whole number"),
        ("CHURN_KEEP_NEWST", "5", "there is no such setting; there are CHURN_KEEP_NEWEST"),
    ],
)
def test_a_setting_that_is_not_right_is_named_with_what_it_may_be(
    name: str, value: str, told: str
) -> None:
    with pytest.raises(ChurnError, match=rf"{name}.*{told}"):
        read_registry_rules({name: value})
