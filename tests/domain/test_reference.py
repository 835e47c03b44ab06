import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.core.errors import ModelRefusedError
from churn.customer.description import BY_NAME, FEATURES
from churn.monitoring.reference import FILE, read_reference
from churn.monitoring.repeats import spaced
from churn.pipeline.reference_counts import reference_of
from tests.customer_file import package, trained


def test_a_version_has_its_reference_and_it_names_no_customer() -> None:
    content = package().files[FILE]
    assert read_reference(content) == reference_of(trained())
    ids = trained().report.rows.frame["customer_id"]
    assert not any(one.encode() in content for one in ids)


def test_every_field_is_counted_as_pandas_counts_it() -> None:
    frame = trained().report.rows.frame
    found = {one.field: one for one in reference_of(trained()).fields}
    assert list(found) == [field.name for field in FEATURES]
    for name, one in found.items():
        assert sum(one.customers) == len(frame)
        if one.is_number:
            bins = np.searchsorted(one.edges, frame[name].astype(float), side="right")
            assert np.bincount(bins, minlength=len(one.customers)).tolist() == [*one.customers]
        else:
            counts = frame[name].map(BY_NAME[name].label).value_counts()
            assert [counts.get(label, 0) for label in one.values] == [*one.customers[:-1]]
            assert one.customers[-1] == 0, "a bin for what training did not have"


def test_the_scores_are_counted_with_who_churned() -> None:
    rows, score = trained().report.rows, reference_of(trained()).score
    assert sum(score.customers) == rows.customers
    assert sum(score.churned) == rows.churned


def test_the_weight_of_a_value_is_that_of_the_scorecard() -> None:
    points = trained().scorecard.points
    for one in reference_of(trained()).fields:
        for label, added in zip(one.values, one.log_odds, strict=False):
            assert added == pytest.approx(points.get(one.field, {}).get(label, 0), abs=1e-6)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"format":1', b'"format":2'),
        (b'"customers":[', b'"customers":[1,'),
        (b'"customers":[', b'"customers":[-1,'),
        (b'"log_odds":[', b'"log_odds":["x",'),
        (b"{", b"["),
    ],
)
def test_a_damaged_reference_is_refused(old: bytes, new: bytes) -> None:
    with pytest.raises(ModelRefusedError, match=FILE):
        read_reference(package().files[FILE].replace(old, new, 1))


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 90)), max_size=60),
    st.integers(1, 40),
)
def test_what_is_kept_of_a_customer_is_apart_and_as_much_as_can_be(
    rows: list[tuple[int, int]], apart: int
) -> None:
    customers = np.array([customer for customer, _ in rows], dtype=np.int64)
    days = np.array([day for _, day in rows], dtype=np.int64).astype("datetime64[D]")
    kept = spaced(customers, days, apart)
    for customer in {customer for customer, _ in rows}:
        mine = sorted(day for one, day in rows if one == customer)
        greedy: list[int] = []
        for day in mine:
            if not greedy or day >= greedy[-1] + apart:
                greedy.append(day)
        chosen = days[kept & (customers == customer)].astype(int)
        assert sorted(chosen.tolist()) == greedy
