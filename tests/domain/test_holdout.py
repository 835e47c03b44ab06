import numpy as np
import psycopg
from hypothesis import given
from hypothesis import strategies as st

from churn.model.holdout import HELD_OUT_SHARE, is_held_out, position, positions, sample_positions
from tests.customer_file import customers

_IN_SQL = "SELECT ('x' || left(md5(%s), 8))::bit(32)::bigint / 4294967296.0::float8"


def test_a_fifth_of_the_customers_is_held_out() -> None:
    held_out = positions(customers()["customer_id"]) < HELD_OUT_SHARE
    assert held_out.sum() == 1_394
    assert abs(held_out.mean() - HELD_OUT_SHARE) < 0.01


def test_the_hold_out_has_as_many_leavers_as_the_rest() -> None:
    frame = customers()
    held_out = positions(frame["customer_id"]) < HELD_OUT_SHARE
    assert abs(frame["churn"][held_out].mean() - frame["churn"][~held_out].mean()) < 0.03


def test_who_is_held_out_never_changes() -> None:
    places = {"7590-VHVEG": 0.305589216, "5575-GNVDE": 0.001861862, "é": 0.401821946}
    assert {name: round(position(name), 9) for name in places} == places
    assert [is_held_out(name) for name in places] == [False, True, False]


@given(st.text(max_size=50))
def test_every_id_has_a_place(customer_id: str) -> None:
    assert 0 <= position(customer_id) < 1


def test_postgresql_computes_the_same_place(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        for customer_id in ("7590-VHVEG", "", "é ñ 客"):
            row = connection.execute(_IN_SQL, (customer_id,)).fetchone()
            assert row is not None
            assert row[0] == position(customer_id)


def test_a_sample_of_customers_has_as_many_held_out_as_all() -> None:
    ids = [f"customer {number}" for number in range(40_000)]
    sampled = sample_positions(ids) < 0.25
    held_out = positions(ids) < HELD_OUT_SHARE
    assert abs(sampled.mean() - 0.25) < 0.01
    assert abs(held_out[sampled].mean() - HELD_OUT_SHARE) < 0.015
    assert abs(np.corrcoef(sampled, held_out)[0, 1]) < 0.02
