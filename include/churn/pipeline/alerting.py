"""Sends the messages that are due: one per service when an incident opens, escalates or closes.

A message is recorded after the service took it. A process that is killed between the two sends it
again, which cannot be avoided; a message that no service took is tried again by the next run.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, cast

from churn.core.alert_options import AlertOptions
from churn.core.errors import plain
from churn.monitoring import alerts, messages
from churn.monitoring.alerts import Delivery, Message, Service, Urgency
from churn.monitoring.incidents import escalate, read_incidents
from churn.monitoring.messages import Due, Event
from churn.pipeline import incident_picture
from churn.warehouse.connect import Connection, run, statement

_TEST: Final = "This is a test of the addresses; nothing is wrong."

log = logging.getLogger(__name__)


def send_due(
    connection: Connection, options: AlertOptions, *, now: datetime | None = None
) -> Sequence[Delivery]:
    """Send what is due to each service, and mark what is escalated; commits after each service.

    Raises:
        ChurnError: an address is not understood.
    """
    moment = now or datetime.now(UTC)
    ordinary, escalation = alerts.services(options), alerts.escalation_services(options)
    with _alone(connection):
        done = [_send(connection, one, options, moment, is_escalation=False) for one in ordinary]
        escalate(connection, options.escalate_hours, now=moment)
        connection.commit()
        done += [_send(connection, one, options, moment, is_escalation=True) for one in escalation]
    return [one for one in done if one]


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Let one process at a time send; the lock outlasts transactions and ends with the session."""
    connection.execute(statement("lock_alerts"))
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(statement("unlock_alerts"))
        connection.commit()


def _send(
    connection: Connection,
    service: Service,
    options: AlertOptions,
    now: datetime,
    *,
    is_escalation: bool,
) -> Delivery | None:
    due = _find_due(connection, service, now, is_escalation=is_escalation)
    if not due:
        return None
    picture = incident_picture.draw(read_incidents(connection, now=now), now)
    connection.commit()  # nothing stays locked while the service is waited for
    delivery = alerts.send(service, messages.message(due, options.link, picture))
    _note(connection, due, delivery, now)
    connection.commit()
    report([delivery])
    return delivery


def _find_due(
    connection: Connection, service: Service, now: datetime, *, is_escalation: bool
) -> Sequence[Due]:
    values = {"service": service.name, "now": now, "is_escalation": is_escalation}
    rows = run(connection, "find_unsent", values).fetchall()
    found = read_incidents(connection, alarm_ids=[cast(int, row[0]) for row in rows], now=now)
    by_id = {one.alarm_id: one for one in found}
    return [Due(Event(str(event)), by_id[cast(int, alarm_id)]) for alarm_id, event in rows]


def _note(connection: Connection, due: Sequence[Due], delivery: Delivery, now: datetime) -> None:
    values = {
        "alarm_ids": [one.incident.alarm_id for one in due],
        "events": [one.event.value for one in due],
        "service": delivery.service,
        "now": now,
        "sent_at": now if delivery.is_sent else None,
    }
    run(connection, "note_message", values)


def report(deliveries: Sequence[Delivery]) -> None:
    """Log what became of messages."""
    for one in deliveries:
        if one.is_sent:
            log.info("%s took the message", one.service)
        else:
            log.warning("%s did not take the message: %s", one.service, one.trouble)


def send_test(options: AlertOptions) -> Sequence[Delivery]:
    """Send a test message to every service, those for escalations included.

    Raises:
        ChurnError: an address is not understood.
    """
    found = {one.name: one for one in alerts.services(options)}
    found |= {one.name: one for one in alerts.escalation_services(options)}
    body = "\n\n".join(filter(None, [_TEST, options.link]))
    now = datetime.now(UTC)
    picture = incident_picture.draw([], now)
    message = Message("Churn alarms: test", body, Urgency.INFO, picture)
    return alerts.send_to_all(list(found.values()), message)


def report_failed_run(
    options: AlertOptions, *, dag: str, run_id: str, reason: str, task: str | None
) -> Sequence[Delivery]:
    """Send a message about a failed run of a DAG to every service.

    Raises:
        ChurnError: an address is not understood.
    """
    first = f"The run {plain(run_id)} of {dag} failed: {plain(reason).replace('_', ' ')}."
    last = f"The last task that ran was {task}; its log has the reason." if task else ""
    body = "\n".join(filter(None, [first, last, options.link]))
    message = Message(f"Churn DAG failed: {dag}", body, Urgency.FAILURE)
    done = alerts.send_to_all(alerts.services(options), message)
    report(done)
    return done
