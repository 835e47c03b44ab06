import pytest

from churn.core.errors import ChurnError
from churn.core.log_options import LogOptions, WhenFull


def test_nothing_set_keeps_everything_and_refuses_what_cannot_be_recorded() -> None:
    options = LogOptions.from_values({"CHURN_LOG_RETENTION_MONTHS": " "})
    assert options == LogOptions(features=True, retention_months=None, when_full=WhenFull.REFUSE)


def test_each_option_is_read() -> None:
    options = LogOptions.from_values(
        {
            "CHURN_LOG_FEATURES": "Off",
            "CHURN_LOG_RETENTION_MONTHS": "24",
            "CHURN_SPOOL_LIMIT_MB": "5",
            "CHURN_SPOOL_FULL": "answer",
        }
    )
    assert options == LogOptions(
        features=False, retention_months=24, spool_limit=5_000_000, when_full=WhenFull.ANSWER
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CHURN_LOG_FEATURES", "maybe", "on | off"),
        ("CHURN_SPOOL_FULL", "drop", "refuse | answer"),
        ("CHURN_LOG_RETENTION_MONTHS", "0", "from 1 to 1,200"),
        ("CHURN_LOG_RETENTION_MONTHS", "-1", "a whole number"),
        ("CHURN_SPOOL_LIMIT_MB", "1.5", "from 1 to 1,000,000"),
    ],
)
def test_a_wrong_option_is_named_with_what_it_may_be(name: str, value: str, expected: str) -> None:
    with pytest.raises(ChurnError, match=name) as caught:
        LogOptions.from_values({name: value})
    assert expected in str(caught.value)
