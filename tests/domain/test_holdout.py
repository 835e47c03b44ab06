"""The locked hold-out, and that no split has look-alikes on both of its sides."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from churn.look_alikes import BITS, hashes
from churn.model import refits
from churn.model.encoded import Encoded
from churn.model.evaluation import FOLDS, REPEATS, Rows, deal
from churn.model.families import families, matrix
from churn.model.holdout import HELD_OUT_SHARE, limit, sample_positions
from churn.options import Economics, ProtectedAttributes
from churn.profile import DIGITS
from tests.customer_file import customers, held_out


def _near_copies(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a customer like each, as far as an id, a tenure and two amounts let one see."""
    random = np.random.default_rng(0)
    return frame.assign(
        customer_id="copy of " + frame["customer_id"],
        tenure=np.maximum(0, frame["tenure"] + random.integers(-1, 2, len(frame))),
        monthly_charges=(frame["monthly_charges"] * random.normal(1, 0.01, len(frame))).round(2),
        total_charges=(frame["total_charges"] * random.normal(1, 0.01, len(frame))).round(2),
    )


def _hashes(frame: pd.DataFrame) -> list[int]:
    return [int(one) for one in hashes(Encoded.of(frame).codes)]


def test_a_fifth_of_the_customers_is_held_out() -> None:
    found = held_out(customers())
    assert found.sum() == 1_434
    assert abs(found.mean() - HELD_OUT_SHARE) < 0.01


def test_the_hold_out_has_as_many_leavers_as_the_rest() -> None:
    frame = customers()
    found = held_out(frame)
    assert abs(frame["churn"][found].mean() - frame["churn"][~found].mean()) < 0.03


def test_who_is_held_out_never_changes() -> None:
    first = {
        "7590-VHVEG": 0.900472,
        "5575-GNVDE": 0.713474,
        "3668-QPYBK": 0.313076,
        "7795-CFOCW": 0.10063,
    }
    frame = customers()[:4]
    found = np.array(_hashes(frame)) / 2**BITS
    assert dict(zip(frame["customer_id"], found.round(6), strict=True)) == first


def test_near_copies_are_on_the_side_of_whom_they_copy() -> None:
    frame = customers()
    copies = _near_copies(frame)
    np.testing.assert_array_equal(held_out(frame), held_out(copies))
    codes = Encoded.of(frame).codes, Encoded.of(copies).codes
    np.testing.assert_array_equal(refits.folds(codes[0]), refits.folds(codes[1]))
    places = deal(np.tile(Encoded.of(frame).y, 2), hashes(np.concatenate(codes)), FOLDS, REPEATS)
    np.testing.assert_array_equal(places[:, : len(frame)], places[:, len(frame) :])


@pytest.mark.parametrize("name", sorted({*DIGITS} - {"churn", "tenure"}))
def test_another_choice_is_another_customer(name: str) -> None:
    frame = customers()[:50]
    values = DIGITS[name].field.values
    other = frame.assign(**{name: [values[values.index(one) - 1] for one in frame[name]]})
    assert all(one != two for one, two in zip(_hashes(frame), _hashes(other), strict=True))


def test_a_model_that_remembers_gains_nothing_by_near_copies() -> None:
    """The nearest neighbour of a customer is the copy, where a split lets a model see it."""
    frame = customers()
    copies = _near_copies(frame)
    doubled = pd.concat([frame, copies], ignore_index=True)
    both = Rows.of(doubled, Economics())
    alone = Rows.of(frame, Economics())
    anywhere = KFold(5, shuffle=True, random_state=0).split(doubled)
    assert _remembered(both, tuple(anywhere)) > 0.8
    assert _remembered(both, both.folds) == pytest.approx(_remembered(alone, alone.folds), abs=0.02)


def _remembered(rows: Rows, folds: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]) -> float:
    columns = families(ProtectedAttributes.USE)[1].columns
    design = StandardScaler().fit_transform(matrix(rows.frame, columns))
    right = []
    for learn, test in folds:
        memory = KNeighborsClassifier(1).fit(design[learn], rows.y[learn])
        right.append(memory.score(design[test], rows.y[test]))
    return float(np.mean(right))


@pytest.mark.parametrize("groups", [1, 3, 5, 11, 700, 20_000])
def test_the_folds_have_about_as_many_customers_and_leavers(groups: int) -> None:
    random = np.random.default_rng(groups)
    of = random.integers(groups, size=20_000)
    y = (random.random(20_000) < 0.2).astype(np.int64)
    places = deal(y, of, FOLDS, REPEATS)
    for repeat in places:
        assert max(len(set(repeat[of == one])) for one in set(of[:200])) == 1
        if groups >= 700:
            assert np.bincount(repeat, minlength=FOLDS) == pytest.approx(4_000, rel=0.1)
            assert np.bincount(repeat, y, minlength=FOLDS) == pytest.approx(y.sum() / 5, rel=0.1)


def test_a_sample_of_customers_has_as_many_held_out_as_all() -> None:
    frame = customers()
    sampled = sample_positions(frame["customer_id"]) < 0.25
    assert abs(sampled.mean() - 0.25) < 0.015
    assert abs(held_out(frame)[sampled].mean() - HELD_OUT_SHARE) < 0.02


def test_a_part_of_the_hold_out_is_of_the_hold_out() -> None:
    found = np.array(_hashes(customers()))
    part, whole = found < limit(HELD_OUT_SHARE / 4), found < limit(HELD_OUT_SHARE)
    assert 0.02 < part.mean() < 0.09
    assert not (part & ~whole).any()
