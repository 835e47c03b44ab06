"""Each kind of leak is put into the real file; the run stops and names the suspect."""

import numpy as np
import pandas as pd
import pytest

from churn.core.errors import DataQualityError
from churn.core.training_options import TrainingOptions
from churn.model.bootstrap import Figure
from churn.training import leaks
from churn.training.features import target
from churn.training.fitted import train_frame
from tests.customer_file import SMALL, customers, trained


def _ones(frame: pd.DataFrame) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.ones(len(frame))


def test_the_shipped_file_has_no_suspect() -> None:
    frame = customers()
    found = leaks.refuse_suspects(frame, target(frame), _ones(frame))
    assert max(found, key=lambda name: found[name]) == "tenure"
    assert max(found.values()) < 0.75


def test_a_field_that_alone_explains_the_answer_stops_the_run_by_name() -> None:
    frame = customers()
    billed = frame["total_charges"].where(~frame["churn"], 0.0)
    with pytest.raises(DataQualityError, match=r"total_charges alone explains who churned .*0\.9"):
        train_frame(frame.assign(total_charges=billed), recipe=SMALL)


def test_a_field_that_leaks_the_answer_without_being_monotone_is_found() -> None:
    frame = customers()
    random = np.random.default_rng(0)
    either_end = random.choice([5.0, 200.0], len(frame))
    bills = np.where(frame["churn"], either_end, random.uniform(50, 100, len(frame)))
    assert leaks.single_field_auc(pd.Series(bills), target(frame), _ones(frame)) > 0.95


def test_noise_with_many_values_is_no_suspect() -> None:
    frame = customers().head(300)
    random = np.random.default_rng(0)
    for column in (random.random(300), random.integers(0, 250, 300).astype(str)):
        assert leaks.single_field_auc(pd.Series(column), target(frame), _ones(frame)) < 0.75


@pytest.mark.parametrize(
    "name",
    ["Churn Score", "churn_reason", "ChurnLabel", "Customer Status", "CLTV", "Satisfaction Score"],
)
def test_a_column_named_after_the_answer_stops_the_run_by_name(name: str) -> None:
    with pytest.raises(DataQualityError, match=f"{name}: derived from the answer"):
        train_frame(customers().assign(**{name: 1}), recipe=SMALL)


def test_our_own_columns_are_not_taken_for_the_answer() -> None:
    leaks.refuse_names(list(customers().columns))


def test_a_customer_who_is_there_twice_stops_the_run_by_id() -> None:
    frame = customers()
    with pytest.raises(DataQualityError, match=r"^1 customers are in the data twice, by their id$"):
        train_frame(pd.concat([frame, frame.head(1)]), recipe=SMALL)


def test_rows_copied_under_new_ids_stop_the_run() -> None:
    frame = customers()
    copies = frame.head(200).assign(customer_id=[f"copy {number}" for number in range(200)])
    told = r"^181 of 7,243 customers equal another in every field but the id \(allowed"
    with pytest.raises(DataQualityError, match=told):
        train_frame(pd.concat([frame, copies]), recipe=SMALL)


def test_the_honest_look_alikes_of_the_shipped_file_are_let_through() -> None:
    leaks.refuse_repeated(customers())


@pytest.mark.slow
def test_a_leak_too_weak_to_be_seen_in_one_field_is_caught_by_the_ceiling() -> None:
    frame = customers()
    told = np.random.default_rng(0).random(len(frame)) < 0.25
    contract = frame["contract"].where(~(told & frame["churn"]), "Month-to-month")
    spoilt = contract.where(~(told & ~frame["churn"]), "Two year")
    with pytest.raises(DataQualityError) as stopped:
        train_frame(frame.assign(contract=spoilt), recipe=SMALL)
    assert "is over 0.855 (measured on the IBM sample): something leaks" in str(stopped.value)
    assert "Look first at contract, which alone has ROC-AUC" in str(stopped.value)
    assert "raise CHURN_LEAK_MAX_AUC" in str(stopped.value)


def _found(auc: float, accuracy: float = 0.8, reach: float = 0.01) -> dict[str, Figure]:
    return {
        "roc_auc": Figure(auc, auc - reach, auc + reach),
        "accuracy": Figure(accuracy, accuracy - reach, accuracy + reach),
    }


@pytest.mark.parametrize(
    ("found", "rows", "is_stopped"),
    [
        (_found(0.8549), 7_043, False),
        (_found(0.855), 7_043, True),
        (_found(0.85, accuracy=0.82), 7_043, True),
        (_found(0.87, reach=0.02), 700, False),
        (_found(0.89, reach=0.02), 700, True),
    ],
)
def test_the_ceiling_of_the_sample_is_the_one_that_was_measured(
    found: dict[str, Figure], rows: int, *, is_stopped: bool
) -> None:
    limits = leaks.ceilings(customers(), TrainingOptions())
    try:
        leaks.refuse_too_good(found, limits, {"tenure": 0.74}, rows=rows)
    except DataQualityError:
        assert is_stopped
    else:
        assert not is_stopped


def test_other_customers_have_the_general_ceiling() -> None:
    frame = customers().assign(customer_id=[f"C{number}" for number in range(7_043)])
    limits = leaks.ceilings(frame, TrainingOptions())
    assert (limits.auc, limits.accuracy) == (leaks.OTHER_AUC, 1.0)


def test_the_ceilings_can_be_set() -> None:
    limits = leaks.ceilings(customers(), TrainingOptions(max_auc=0.9, max_accuracy=0.85))
    assert (limits.auc, limits.accuracy, limits.reason) == (0.9, 0.85, "as set")


def test_what_was_looked_at_is_kept_with_the_version() -> None:
    assert trained().report.ceilings.auc == 0.855
    assert trained().report.single_field_auc["contract"] == pytest.approx(0.739, abs=0.001)


def test_a_file_with_fewer_churned_customers_is_not_stopped_for_higher_accuracy() -> None:
    frame = customers()
    left = frame.index[frame["churn"]]
    fewer = frame.drop(left[: len(left) // 2])
    limits = leaks.ceilings(fewer, TrainingOptions())
    assert (limits.auc, limits.accuracy) == (leaks.SAMPLE_AUC, 1.0)
    sure = {"roc_auc": Figure(0.84, 0.83, 0.85), "accuracy": Figure(1.0, 1.0, 1.0)}
    leaks.refuse_too_good(sure, limits, {"tenure": 0.7}, rows=6_000)
