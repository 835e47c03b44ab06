import pytest

from churn.core.alert_options import AlertOptions, RetrainOptions
from churn.core.errors import ChurnError
from churn.core.settings import Settings
from churn.monitoring.alerts import redact

SLACK, MAIL = "slack://T1/B2/secret/#churn", "mailto://ops:secret@example.com"


@pytest.mark.parametrize(
    "text",
    [
        f"{SLACK} {MAIL}",
        f"{SLACK},{MAIL}",
        f" {SLACK} ,\n\t{MAIL}, ",
        f"{SLACK}\n{MAIL}\n{SLACK}",
    ],
    ids=["space", "comma", "several", "twice"],
)
def test_addresses_are_separated_by_spaces_or_commas(text: str) -> None:
    assert AlertOptions.from_values({"CHURN_ALERT_URLS": text}).urls == (SLACK, MAIL)


def test_a_comma_in_an_address_is_part_of_it() -> None:
    address = "mailto://u:p@example.com?to=a@example.com,b@example.com"
    options = AlertOptions.from_values({"CHURN_ALERT_ESCALATE_URLS": f"{address} {SLACK}"})
    assert options.escalate_urls == (address, SLACK)


def test_nothing_is_sent_by_default() -> None:
    assert AlertOptions.from_values({}) == AlertOptions.from_values({"CHURN_ALERT_URLS": " "})
    assert AlertOptions.from_values({}).urls == ()
    assert AlertOptions.from_values({}).escalate_hours == 24
    assert RetrainOptions.from_values({}) == RetrainOptions(cooldown_days=3, per_week=2)


def test_no_address_is_in_what_is_shown_of_settings() -> None:
    values = {"CHURN_ALERT_URLS": SLACK, "CHURN_ALERT_ESCALATE_URLS": MAIL}
    shown = repr(Settings.from_environment({"CHURN_HOME": "/nonexistent", **values}))
    assert "secret" not in shown
    assert "AlertOptions" in shown


def test_zero_is_not_the_default() -> None:
    values = {"CHURN_RETRAIN_COOLDOWN_DAYS": "0", "CHURN_RETRAIN_PER_WEEK": "0"}
    assert RetrainOptions.from_values(values) == RetrainOptions(cooldown_days=0, per_week=0)
    assert AlertOptions.from_values({"CHURN_ALERT_ESCALATE_HOURS": "0"}).escalate_hours == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CHURN_ALERT_ESCALATE_HOURS", "-1"),
        ("CHURN_ALERT_ESCALATE_HOURS", "nan"),
        ("CHURN_ALERT_ESCALATE_HOURS", "soon"),
        ("CHURN_RETRAIN_COOLDOWN_DAYS", "inf"),
        ("CHURN_RETRAIN_PER_WEEK", "1.5"),
        ("CHURN_RETRAIN_PER_WEEK", "101"),
    ],
)
def test_a_wrong_value_is_refused_with_its_setting(name: str, value: str) -> None:
    options = AlertOptions if "ALERT" in name else RetrainOptions
    with pytest.raises(ChurnError, match=f"{name}={value}: expected a"):
        options.from_values({name: value})


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("json://user:pa%40ss@host.example/tok-en", "no host.example/tok-en for user with pa@ss"),
        ("slack://T1JJ/B2KK/secret", "https://hooks/T1JJ/B2KK/secret refused"),
        ("json://h/?key=topsecret", "key topsecret is wrong"),
    ],
)
def test_the_parts_of_an_address_are_taken_out_of_a_text(address: str, text: str) -> None:
    redacted = redact(text, address)
    for part in ("pa@ss", "tok-en", "host.example", "T1JJ", "secret", "topsecret"):
        assert part not in redacted
    assert "***" in redacted
