"""The locked hold-out, and that no split has look-alikes on both of its sides."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from churn.core.training_options import Economics, ProtectedAttributes
from churn.customer.look_alikes import BITS, hashes
from churn.model.recipe import STANDARD
from churn.training import refits
from churn.training.encoded_customers import leaders_of
from churn.training.evaluation import Dataset
from churn.training.families import families, matrix
from churn.training.folds import deal
from churn.training.holdout import HELD_OUT_SHARE, is_held_out, is_sampled
from churn.warehouse.customers import HASH
from tests.customer_file import customers, held_out


def _near_copies(frame: pd.DataFrame, *, prefix: str) -> pd.DataFrame:
    """Return a customer like each, with another id and other amounts."""
    random = np.random.default_rng(0)
    return frame.assign(
        customer_id=prefix + frame["customer_id"],
        monthly_charges=(frame["monthly_charges"] * random.normal(1, 0.02, len(frame))).round(2),
        total_charges=(frame["total_charges"] * random.normal(1, 0.02, len(frame))).round(2),
    )


def test_a_fifth_of_the_customers_is_held_out() -> None:
    found = held_out(customers())
    assert found.sum() == 1_411
    assert abs(found.mean() - HELD_OUT_SHARE) < 0.01


def test_the_hold_out_has_as_many_churned_customers_as_the_rest() -> None:
    frame = customers()
    found = held_out(frame)
    assert abs(frame["churn"][found].mean() - frame["churn"][~found].mean()) < 0.03


def test_who_is_held_out_never_changes() -> None:
    found = dict(zip(customers()["customer_id"], held_out(customers()).tolist(), strict=True))
    assert not found["7590-VHVEG"]
    assert found["5575-GNVDE"]
    assert hashes(["7590-VHVEG", "5575-GNVDE"]).tolist() == [
        352320379042618199,
        2146580851790998,
    ]


def test_a_customer_without_look_alikes_is_placed_by_the_id() -> None:
    frame = customers()
    ids = hashes(frame["customer_id"])
    alone = ~frame.duplicated(
        [n for n in frame if n not in ("customer_id", "churn", "monthly_charges", "total_charges")],
        keep=False,
    ).to_numpy()
    assert 6_000 < alone.sum() < 6_200
    np.testing.assert_array_equal(leaders_of(frame)[alone], ids[alone])
    assert set(leaders_of(frame)) <= set(ids)


def test_a_month_later_no_customer_has_changed_sides() -> None:
    frame = customers()
    later = frame.assign(tenure=frame["tenure"] + 1, total_charges=frame["total_charges"] + 50)
    np.testing.assert_array_equal(held_out(frame), held_out(later))


@given(st.text(max_size=50))
def test_every_id_has_a_hash(customer_id: str) -> None:
    assert 0 <= hashes([customer_id])[0] < 2**BITS


def test_postgresql_computes_the_same_hash(database_url: str) -> None:
    ids = ["7590-VHVEG", "", "é ñ 客"]
    with psycopg.connect(database_url) as connection:
        query = psycopg.sql.SQL("SELECT {} FROM unnest({}::text[]) AS t (customer_id)")
        rows = connection.execute(query.format(HASH, psycopg.sql.Literal(ids))).fetchall()
    assert [row[0] for row in rows] == hashes(ids).tolist()


@pytest.mark.parametrize("prefix", ["0-copy of ", "copy of "])
def test_near_copies_are_on_the_side_of_the_customer_they_copy(prefix: str) -> None:
    frame = customers()
    both = pd.concat([frame, _near_copies(frame, prefix=prefix)], ignore_index=True)
    first = leaders_of(both)
    splits = [
        held_out(both)[None, :],
        is_sampled(first, 0.3)[None, :],
        refits.folds(first),
        deal(np.asarray(both["churn"], dtype=np.int64), first, STANDARD.folds, STANDARD.repeats),
    ]
    for places in splits:
        np.testing.assert_array_equal(places[:, : len(frame)], places[:, len(frame) :])


def test_a_customer_is_in_one_fold_then_and_now_though_its_look_alikes_changed() -> None:
    now = customers()
    random = np.random.default_rng(0)
    then = now.assign(tenure=random.integers(1, 3, len(now)), contract="One year")
    then = pd.concat([then.sample(5_000, random_state=0), _near_copies(now[:100], prefix="gone ")])
    learned, scored = refits.folds_of(then, now)
    assert learned.shape == (STANDARD.repeats, 5_100)
    by_id = dict(zip(now["customer_id"], scored.T.tolist(), strict=True))
    for one, places in zip(then["customer_id"][:5_000], learned.T.tolist(), strict=False):
        assert by_id[one] == places
    assert np.bincount(learned[0, 5_000:], minlength=STANDARD.folds).min() > 5


def test_a_model_that_remembers_gains_nothing_by_near_copies() -> None:
    """The nearest neighbour of a customer is the copy, where a split lets a model see it."""
    frame = customers()
    doubled = pd.concat([frame, _near_copies(frame, prefix="copy of ")], ignore_index=True)
    both, alone = Dataset.of(doubled, Economics()), Dataset.of(frame, Economics())
    anywhere = KFold(5, shuffle=True, random_state=0).split(doubled)
    assert _remembered(both, tuple(anywhere)) > 0.8
    without_copies = _remembered(alone, alone.folds[: STANDARD.folds])
    assert _remembered(both, both.folds[: STANDARD.folds]) == pytest.approx(
        without_copies, abs=0.02
    )


def _remembered(rows: Dataset, folds: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]) -> float:
    columns = families(ProtectedAttributes.USE)[1].columns
    design = StandardScaler().fit_transform(matrix(rows.frame, columns))
    right = []
    for learn, test in folds:
        memory = KNeighborsClassifier(1).fit(design[learn], rows.y[learn])
        right.append(memory.score(design[test], rows.y[test]))
    return float(np.mean(right))


@pytest.mark.parametrize("groups", [1, 3, 5, 11, 700, 20_000])
def test_the_folds_have_about_as_many_customers_and_churned_customers(groups: int) -> None:
    random = np.random.default_rng(groups)
    of = random.integers(groups, size=20_000)
    y = (random.random(20_000) < 0.2).astype(np.int64)
    for repeat in deal(y, of, STANDARD.folds, STANDARD.repeats):
        assert max(len(set(repeat[of == one])) for one in set(of[:200])) == 1
        if groups >= 700:
            assert np.bincount(repeat, minlength=STANDARD.folds) == pytest.approx(4_000, rel=0.1)
            assert np.bincount(repeat, y, minlength=STANDARD.folds) == pytest.approx(
                y.sum() / 5, rel=0.1
            )


def test_a_sample_of_customers_has_as_many_held_out_as_all() -> None:
    ids = hashes(f"customer {number}" for number in range(40_000))
    sampled, found = is_sampled(ids, 0.25), is_held_out(ids)
    assert abs(sampled.mean() - 0.25) < 0.01
    assert abs(found[sampled].mean() - HELD_OUT_SHARE) < 0.015
    assert abs(np.corrcoef(sampled, found)[0, 1]) < 0.02
    assert abs(np.corrcoef(refits.folds(ids)[0] == 0, found)[0, 1]) < 0.02


def test_a_part_of_the_hold_out_is_of_the_hold_out() -> None:
    ids = hashes(customers()["customer_id"])
    part = is_held_out(ids, HELD_OUT_SHARE / 4)
    assert part.mean() == pytest.approx(HELD_OUT_SHARE / 4, abs=0.01)
    assert not (part & ~is_held_out(ids)).any()
