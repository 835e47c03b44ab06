import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from churn.core.alert_options import AlertOptions
from churn.core.errors import ChurnError
from churn.monitoring import alerts, incidents
from churn.monitoring.alarm import Alarm, AlarmKind
from churn.pipeline import alerting
from churn.warehouse.connect import Connection, connect
from tests.command import Churn
from tests.integration.test_incidents import BLANKS, CONTRACT, DAY_1, NIGHT, update
from tests.loading import everything
from tests.receivers import SECRET, WebHook, mail_server, web_hook

PNG = b"\x89PNG\r\n\x1a\n"
LINK = "https://churn.example.org/monitoring"


@pytest.fixture
def hook() -> Iterator[WebHook]:
    """A web hook that takes messages."""
    with web_hook() as hook:
        yield hook


@pytest.fixture
def other() -> Iterator[WebHook]:
    """Another one."""
    with web_hook() as hook:
        yield hook


def send(
    url: str,
    *hooks: WebHook,
    escalation: tuple[WebHook, ...] = (),
    now: datetime | None = None,
) -> list[tuple[str, bool]]:
    options = AlertOptions(
        urls=[one.address for one in hooks],
        escalate_urls=[one.address for one in escalation],
        link=LINK,
    )
    with connect(url) as connection:
        done = alerting.send_due(connection, options, now=now)
    return [(one.service, one.is_sent) for one in done]


def test_the_incidents_of_a_run_are_one_message_with_figures_link_and_picture(
    url: str, hook: WebHook
) -> None:
    update(url, DAY_1, [CONTRACT, BLANKS])
    assert send(url, hook) == [("json 1", True)]
    (posted,) = hook.posted
    assert posted["title"] == "Churn alarms: 2 opened"
    assert posted["type"] == "warning"
    for text in (CONTRACT.sentence, BLANKS.sentence, "limit 0.08, statistic 0.21", LINK):
        assert text in posted["message"]
    assert "open since 2026-11-01 05:00 UTC" in posted["message"]
    assert "churn alarms acknowledge 1" in posted["message"]
    assert hook.picture().startswith(PNG)


def test_an_incident_is_reported_when_it_opens_and_when_it_closes_and_not_between(
    url: str, hook: WebHook
) -> None:
    update(url, DAY_1, [CONTRACT])
    send(url, hook)
    assert send(url, hook) == []
    update(url, DAY_1 + NIGHT, [CONTRACT])
    assert send(url, hook) == []
    update(url, DAY_1 + 2 * NIGHT)
    send(url, hook)
    send(url, hook)
    assert hook.titles == ["Churn alarm: drift, contract", "Churn alarm closed: drift, contract"]
    assert "open from 2026-11-01 05:00 UTC to 2026-11-03 05:00 UTC" in hook.posted[1]["message"]
    assert hook.posted[1]["type"] == "success"


def test_without_alarms_nothing_is_sent(url: str, hook: WebHook) -> None:
    update(url, DAY_1)
    assert send(url, hook) == []
    assert hook.posted == []


def test_without_addresses_nothing_is_sent_and_a_first_address_gets_what_is_open(
    url: str, hook: WebHook
) -> None:
    update(url, DAY_1, [CONTRACT, BLANKS])
    update(url, DAY_1 + NIGHT, [CONTRACT])
    assert send(url) == []
    send(url, hook)
    assert hook.titles == ["Churn alarm: drift, contract"]


def test_a_service_that_fails_is_tried_again_and_the_other_is_not(
    url: str, hook: WebHook, other: WebHook, caplog: pytest.LogCaptureFixture
) -> None:
    update(url, DAY_1, [CONTRACT])
    other.status = 500
    with caplog.at_level(logging.DEBUG):
        assert send(url, hook, other) == [("json 1", True), ("json 2", False)]
    assert "json 2 did not take the message: " in caplog.text
    assert "500" in caplog.text
    other.status = 200
    assert send(url, hook, other) == [("json 2", True)]
    assert (len(hook.posted), len(other.posted), other.refused) == (1, 1, 1)


def test_what_closed_before_its_opening_could_be_sent_is_reported_as_closed(
    url: str, hook: WebHook
) -> None:
    update(url, DAY_1, [CONTRACT])
    hook.status = 503
    send(url, hook)
    update(url, DAY_1 + NIGHT)
    hook.status = 200
    send(url, hook)
    assert hook.titles == ["Churn alarm closed: drift, contract"]


def test_a_process_that_dies_after_one_service_sends_to_the_others_next_time(
    url: str, hook: WebHook, other: WebHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(url, DAY_1, [CONTRACT])
    really = alerts.send

    def dies(service: alerts.Service, message: alerts.Message) -> alerts.Delivery:
        if service.name == "json 2":
            raise KeyboardInterrupt
        return really(service, message)

    monkeypatch.setattr(alerts, "send", dies)
    with pytest.raises(KeyboardInterrupt):
        send(url, hook, other)
    monkeypatch.setattr(alerts, "send", really)
    assert send(url, hook, other) == [("json 2", True)]
    assert (len(hook.posted), len(other.posted)) == (1, 1)


def test_a_silence_holds_messages_back_until_it_ends(url: str, hook: WebHook) -> None:
    update(url, DAY_1, [CONTRACT, BLANKS])
    until = datetime.now(UTC) + timedelta(hours=1)
    with connect(url) as connection:
        incidents.silence(connection, until, "ana", kind=AlarmKind.DRIFT)
    send(url, hook)
    send(url, hook, now=until + timedelta(hours=1))
    assert hook.titles == ["Churn alarm: data quality, blanks", "Churn alarm: drift, contract"]


def test_what_is_not_acknowledged_is_escalated_to_others_once(
    url: str, hook: WebHook, other: WebHook
) -> None:
    update(url, DAY_1, [CONTRACT, BLANKS])
    now = datetime.now(UTC)
    send(url, hook, escalation=(other,), now=now)
    assert other.posted == []
    with connect(url) as connection:
        incidents.acknowledge(connection, 2, "ana")
    later = now + timedelta(hours=25)
    assert send(url, hook, escalation=(other,), now=later) == [("escalation json 1", True)]
    assert send(url, hook, escalation=(other,), now=later + NIGHT) == []
    assert other.titles == ["Churn alarm not acknowledged: drift, contract"]
    assert other.posted[0]["type"] == "failure"
    update(url, DAY_1 + NIGHT)
    send(url, hook, escalation=(other,), now=later + NIGHT)
    assert other.titles[1:] == ["Churn alarm closed: drift, contract"]
    assert hook.titles[1:] == ["Churn alarms: 2 closed"]


def test_without_others_the_same_services_get_the_escalation(url: str, hook: WebHook) -> None:
    update(url, DAY_1, [CONTRACT])
    now = datetime.now(UTC)
    send(url, hook, now=now)
    send(url, hook, now=now + timedelta(hours=25))
    update(url, DAY_1 + NIGHT)
    send(url, hook, now=now + timedelta(hours=26))
    send(url, hook, now=now + timedelta(hours=27))
    assert [title.partition(":")[0] for title in hook.titles] == [
        "Churn alarm",
        "Churn alarm not acknowledged",
        "Churn alarm closed",
    ]


def test_a_mail_has_the_text_and_the_picture(url: str) -> None:
    update(url, DAY_1, [CONTRACT])
    with mail_server() as mail, connect(url) as connection:
        (done,) = alerting.send_due(connection, AlertOptions(urls=[mail.address], link=LINK))
    assert done.is_sent, done.trouble
    (taken,) = mail.mails
    assert str(taken["Subject"]) == "Churn alarm: drift, contract"
    parts = {part.get_content_type(): part for part in taken.walk()}
    assert CONTRACT.sentence in parts["text/plain"].get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert parts["image/png"].get_payload(decode=True).startswith(PNG)  # type: ignore[union-attr]


def _everything_stored(connection: Connection) -> str:
    tables = everything(
        connection,
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' "
        "AND relnamespace = 'public'::regnamespace",
    )
    every = (everything(connection, f'SELECT * FROM "{name}"') for (name,) in tables)  # noqa: S608
    return str([*every])


@pytest.mark.parametrize("status", [200, 500, 0], ids=["takes", "refuses", "away"])
def test_no_secret_is_logged_or_stored_whatever_becomes_of_the_message(
    status: int,
    url: str,
    connection: Connection,
    caplog: pytest.LogCaptureFixture,
    hook: WebHook,
) -> None:
    update(url, DAY_1, [CONTRACT])
    hook.status = status or 200
    address = hook.address if status else hook.address.replace(str(hook.port), "1")
    with caplog.at_level(logging.DEBUG), connect(url) as open_one:
        options = AlertOptions(urls=[address], escalate_hours=0)
        done = alerting.send_due(open_one, options)
    assert [one.is_sent for one in done] == [status == 200] * 2
    seen = f"{caplog.text}{done}{options}"
    assert "json 1" in seen
    assert SECRET not in seen
    assert SECRET not in _everything_stored(connection)


def test_the_levels_of_other_loggers_are_restored() -> None:
    before = logging.getLogger("urllib3").level
    alerts.services(AlertOptions(urls=["json://127.0.0.1:1"]))
    assert logging.getLogger("urllib3").level == before
    assert logging.getLogger("urllib3").propagate


@pytest.mark.parametrize(
    "address", [f"nonsense-{SECRET}", f"unknown://{SECRET}", f"slack://{SECRET}", "json://"]
)
def test_an_address_that_is_not_one_is_refused_by_its_place(address: str) -> None:
    options = AlertOptions(urls=["json://127.0.0.1:1", address])
    with pytest.raises(ChurnError, match="address 2 of CHURN_ALERT_URLS") as refused:
        alerts.services(options)
    assert SECRET not in str(refused.value)


def test_a_hundred_incidents_are_one_message_of_bounded_length(url: str, hook: WebHook) -> None:
    many = [Alarm(AlarmKind.DRIFT, f"field {n:03}", "v1", "x" * 500) for n in range(100)]
    update(url, DAY_1, many)
    send(url, hook)
    assert hook.titles == ["Churn alarms: 100 opened"]
    assert "and 80 more: churn alarms list" in hook.posted[0]["message"]
    assert len(hook.posted[0]["message"]) < 20_000


def test_the_test_command_states_which_services_took_the_message(
    churn: Churn, hook: WebHook
) -> None:
    addresses = f"{hook.address}, json://127.0.0.1:1/{SECRET}"
    done = churn("alarms", "test", CHURN_ALERT_URLS=addresses)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == "json 1: took the message"
    assert done.stdout.splitlines()[1].startswith("json 2: TROUBLE: ")
    assert SECRET not in done.stdout + done.stderr
    assert hook.titles == ["Churn alarms: test"]
    assert hook.picture().startswith(PNG)


def test_the_test_command_in_json(churn: Churn, hook: WebHook) -> None:
    done = churn("alarms", "test", "--json", CHURN_ALERT_URLS=hook.address)
    assert done.returncode == 0
    assert json.loads(done.stdout) == [{"service": "json 1", "is_sent": True, "trouble": ""}]


def test_the_test_command_without_addresses_names_the_setting(churn: Churn) -> None:
    done = churn("alarms", "test")
    assert done.returncode == 1
    assert "CHURN_ALERT_URLS" in done.stderr


def test_the_doctor_names_services_and_no_address(churn: Churn) -> None:
    done = churn("doctor", CHURN_ALERT_URLS=f"json://127.0.0.1/{SECRET} slack://{SECRET}")
    assert "TROUBLE alerts: address 2 of CHURN_ALERT_URLS is not one" in done.stdout
    done = churn("doctor", CHURN_ALERT_URLS=f"json://127.0.0.1/{SECRET}")
    assert "ok      alerts: json 1; `churn alarms test` sends to each" in done.stdout
    assert SECRET not in done.stdout + done.stderr


def test_the_commands_list_acknowledge_and_silence(churn: Churn, url: str) -> None:
    assert churn("alarms", "list").stderr == "no alarm is open\n"
    update(url, DAY_1, [CONTRACT, BLANKS])
    update(url, DAY_1 + NIGHT, [CONTRACT])
    assert churn("alarms", "acknowledge", "1", "--note", "on it").returncode == 0
    assert churn("alarms", "silence", "drift", "contract", "--until", "2999-01-01").returncode == 0
    listed = churn("alarms", "list").stdout.splitlines()
    assert listed[0].startswith("1  drift, contract  since 2026-11-01 05:00 UTC; acknowledged by ")
    assert listed[0].endswith(": on it; silenced until 2999-01-01 00:00 UTC")
    assert listed[1:] == [f"    {CONTRACT.sentence}", "    limit 0.08, statistic 0.21"]
    assert (
        "blanks  from 2026-11-01 05:00 UTC to 2026-11-02 05:00 UTC"
        in churn("alarms", "list", "--all").stdout
    )
    (one,) = json.loads(churn("alarms", "list", "--json").stdout)
    assert (one["alarm_id"], one["note"], one["closed_at"]) == (1, "on it", None)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["acknowledge", "7"], "there is no alarm 7"),
        (["acknowledge", "9" * 20_000], "Invalid value"),
        (["silence", "drift", "--until", "soon"], "'soon' is not a day or a moment"),
        (["silence", "drift", "--until", "2020-01-01"], "is past"),
        (["silence", "weather", "--until", "2999-01-01"], "'weather' is not one of"),
        (["silence", "drift", "--until", "9999-12-31T23:59-12:00"], "is not a day or a moment"),
    ],
    ids=["unknown", "digits", "word", "past", "kind", "end-of-time"],
)
def test_a_wrong_argument_is_refused_with_what_is_expected(
    arguments: list[str], expected: str, churn: Churn, url: str
) -> None:
    assert url
    done = churn("alarms", *arguments)
    assert done.returncode != 0
    assert expected in done.stderr
