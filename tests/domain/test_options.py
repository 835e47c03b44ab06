import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.core.errors import ChurnError
from churn.core.settings import Settings
from churn.core.training_options import Economics, Objective, ProtectedAttributes, TrainingOptions


def test_nothing_set_is_the_default() -> None:
    assert TrainingOptions.from_values({}) == TrainingOptions()
    assert TrainingOptions.from_values({"CHURN_DECISION_POLICY": " "}) == TrainingOptions()


def test_every_option_can_be_set() -> None:
    found = TrainingOptions.from_values(
        {
            "CHURN_DECISION_POLICY": "Profit",
            "CHURN_PROFIT_ACCEPTANCE": "0.5",
            "CHURN_PROFIT_MONTHS": "12",
            "CHURN_PROFIT_COST": "25",
            "CHURN_PROTECTED_ATTRIBUTES": "leave_out",
            "CHURN_LEAK_MAX_AUC": "0.9",
            "CHURN_LEAK_MAX_ACCURACY": "0.95",
            "CHURN_EVALUATED_ROWS": "20000",
        }
    )
    assert found == TrainingOptions(
        objective=Objective.PROFIT,
        economics=Economics(acceptance=0.5, months=12, cost=25),
        protected_attributes=ProtectedAttributes.LEAVE_OUT,
        max_auc=0.9,
        max_accuracy=0.95,
        evaluated_rows=20_000,
    )


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CHURN_DECISION_POLICY", "best", "half | best_f1 | profit"),
        ("CHURN_PROTECTED_ATTRIBUTES", "no", "use | leave_out"),
        ("CHURN_PROFIT_ACCEPTANCE", "30%", "a number from 0.001 to 1"),
        ("CHURN_PROFIT_COST", "-1", "a number from"),
        ("CHURN_LEAK_MAX_AUC", "nan", "a number from 0.5 to 1"),
        ("CHURN_EVALUATED_ROWS", "10", "a number from 1000"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(name: str, value: str, told: str) -> None:
    with pytest.raises(ChurnError) as refused:
        TrainingOptions.from_values({name: value})
    assert str(refused.value).startswith(f"{name}={value}: expected")
    assert told in str(refused.value).replace(",", "")


@given(
    st.sampled_from(Objective),
    st.sampled_from(ProtectedAttributes),
    st.none() | st.floats(0.5, 1),
    st.floats(0.01, 1),
    st.integers(1_000, 10_000_000),
)
def test_options_that_are_kept_with_a_version_are_read_back_as_they_were(
    objective: Objective,
    protected: ProtectedAttributes,
    max_auc: float | None,
    acceptance: float,
    rows: int,
) -> None:
    options = TrainingOptions(
        objective=objective,
        economics=Economics(acceptance=acceptance),
        protected_attributes=protected,
        max_auc=max_auc,
        evaluated_rows=rows,
    )
    assert TrainingOptions.from_values(options.values) == options


def test_the_environment_sets_them() -> None:
    settings = Settings.from_environment({"CHURN_DECISION_POLICY": "best_f1"})
    assert settings.training.objective is Objective.BEST_F1
