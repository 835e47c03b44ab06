"""What training reads from the warehouse: the same customers as from a frame, in few bytes each."""

import dataclasses

import numpy as np
import pytest

from churn.core.training_options import TrainingOptions
from churn.training import fitted, holdout
from churn.training.encoded_customers import Encoded, leaders_of
from churn.warehouse import customers as stored
from churn.warehouse.connect import connect
from tests.customer_file import CHURN_CSV, SMALL, customers, held_out, read_rows
from tests.loading import Write, bring_in, csv_text


def _learned(frame_codes: Encoded, rows: Encoded) -> None:
    np.testing.assert_array_equal(np.sort(rows.codes), np.sort(frame_codes.codes))
    for name in ("monthly_charges", "total_charges"):
        found, expected = rows.amounts[name], frame_codes.amounts[name]
        np.testing.assert_allclose(np.sort(found), np.sort(expected))


def test_the_customers_to_learn_from_are_those_not_held_out(url: str) -> None:
    bring_in(url, CHURN_CSV)
    with connect(url) as connection:
        data = fitted.read_training_set(connection, TrainingOptions())
    frame = customers()
    kept = frame[~held_out(frame)]
    _learned(Encoded.of(kept), data.learned)
    assert len(data.measured.y) == len(frame)
    assert (data.population.customers, data.population.churned) == (7_043, 1_869)


@pytest.mark.slow
def test_of_many_customers_a_sample_by_hash_is_measured_and_all_are_learned_from(url: str) -> None:
    bring_in(url, CHURN_CSV)
    options = TrainingOptions(evaluated_rows=2_000)
    with connect(url) as connection:
        data = fitted.read_training_set(connection, options, recipe=SMALL)
    frame = customers()
    sampled = holdout.is_sampled(leaders_of(frame), 2_000 / 7_043)
    expected = set(frame["customer_id"][sampled])
    assert set(data.measured.frame["customer_id"]) == expected
    assert len(data.learned) > 5_000
    found = fitted.train(data, options)
    whole = fitted.train_frame(customers(), options, recipe=SMALL)
    assert (found.customers, found.churned) == (whole.customers, whole.churned)
    np.testing.assert_allclose(
        found.model["logistic"].coef_, whole.model["logistic"].coef_, atol=1e-9
    )


@pytest.mark.slow
def test_an_unknown_total_is_taken_as_the_months_times_the_monthly_charges(
    url: str, write: Write
) -> None:
    rows = [{k: v for k, v in row.items() if k != "TotalCharges"} for row in read_rows()]
    bring_in(url, write(csv_text(rows)))
    with connect(url) as connection:
        frame = stored.read_customers(connection)
        data = fitted.read_training_set(connection, TrainingOptions())
    expected = frame["tenure"] * frame["monthly_charges"]
    np.testing.assert_allclose(frame["total_charges"].astype(float), expected)
    assert np.isfinite(data.learned.amounts["total_charges"]).all()
    trained = fitted.train(data, TrainingOptions())
    assert trained.report.published.measured.figures["roc_auc"].value == pytest.approx(
        0.85, abs=0.005
    )


def test_no_customer_at_all_gives_empty_data_and_not_an_error(url: str) -> None:
    with connect(url) as connection:
        data = fitted.read_training_set(connection, TrainingOptions())
    assert dataclasses.astuple(data.population) == (0, 0)
    assert len(data.learned) == 0
