"""Sends messages by apprise: to Slack, Teams, e-mail, a webhook and about a hundred other services.

The address of a service contains its secret. No address leaves this module: a service is named by
its type and its place in the setting, and the reason of a failure is freed of all that the address
contains.
"""

import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote

from churn.core.alert_options import ESCALATE_URLS, URLS, AlertOptions
from churn.core.errors import ChurnError, plain

_SECONDS: Final = 60
_SHORTEST_SECRET: Final = 3
_HIDDEN: Final = "***"
_TALKATIVE: Final = ("apprise", "urllib3", "requests", "requests_oauthlib", "oauthlib")
_SERVICES: Final = "https://appriseit.com/services/"


class Urgency(StrEnum):
    """How a service may present a message; the values are apprise's."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Message:
    """A message in plain text, with a picture (PNG) where there is one."""

    title: str
    body: str
    urgency: Urgency = Urgency.INFO
    picture: bytes | None = None


@dataclass(frozen=True)
class Service:
    """Where messages go: ``name`` is for logs and the database, ``address`` is a secret."""

    name: str
    address: str = field(repr=False)


@dataclass(frozen=True)
class Delivery:
    """Whether a service took a message, and if not, why."""

    service: str
    is_sent: bool
    trouble: str = ""


def services(options: AlertOptions) -> Sequence[Service]:
    """Return where alarms are reported.

    Raises:
        ChurnError: apprise does not know an address; with its place, not itself.
    """
    return _services(options.urls, URLS, "")


def escalation_services(options: AlertOptions) -> Sequence[Service]:
    """Return where alarms are reported that were not acknowledged in time.

    Raises:
        ChurnError: apprise does not know an address; with its place, not itself.
    """
    if not options.escalate_urls:
        return services(options)
    return _services(options.escalate_urls, ESCALATE_URLS, "escalation ")


def _services(addresses: Sequence[str], setting: str, prefix: str) -> Sequence[Service]:
    return [
        Service(f"{prefix}{_type(address, setting, number)} {number}", address)
        for number, address in enumerate(addresses, start=1)
    ]


def _type(address: str, setting: str, number: int) -> str:
    """Return the type of a service, such as slack."""
    with _quiet():
        import apprise

        known = apprise.Apprise.instantiate(address, asset=_asset())
    if known is None:
        raise ChurnError(
            f"address {number} of {setting} is not one that apprise can send to; see {_SERVICES}"
        )
    return address.partition("://")[0].lower()


def send(service: Service, message: Message) -> Delivery:
    """Send a message to a service."""
    with _quiet():
        result = _notify(service, message)
    if result:
        return Delivery(service.name, is_sent=True)
    return Delivery(service.name, is_sent=False, trouble=_trouble(result, service.address))


def _notify(service: Service, message: Message) -> Any:
    import apprise
    from apprise.attachment.memory import AttachMemory

    sender = apprise.Apprise(service.address, asset=_asset())
    attached = AttachMemory(message.picture, "alarms.png", "image/png")  # type: ignore[no-untyped-call]
    return sender.notify(
        body=message.body,
        title=message.title,
        notify_type=message.urgency.value,
        body_format=apprise.NotifyFormat.TEXT,
        attach=apprise.AppriseAttachment(attached) if message.picture else None,
        timeout=_SECONDS,
        log_level=logging.WARNING,
    )


def send_to_all(found: Sequence[Service], message: Message) -> Sequence[Delivery]:
    """Send a message to each service."""
    return [send(service, message) for service in found]


def _asset() -> Any:
    """Return how apprise presents us; nothing is kept on disk."""
    import apprise

    return apprise.AppriseAsset(
        app_id="churn", app_desc="Churn monitoring", storage_mode="memory", async_mode=False
    )


def _trouble(result: Any, address: str) -> str:
    """Return why a service took nothing: what apprise logged last, without the secret."""
    logged = [entry.message for one in result.results for entry in one.logs()]
    status = result.status.name.lower() if result.status else "no answer"
    return redact(plain(logged[-1] if logged else status), address)


def redact(text: str, address: str) -> str:
    """Return a text without the parts of an address: host, user, password, path, query."""
    rest = address.partition("://")[2] or address
    split = re.split(r"[/:@?&=#,;\s]+", rest)
    parts = {*split, *map(unquote, split)}
    for part in sorted({address, rest, *parts}, key=len, reverse=True):
        if len(part) >= _SHORTEST_SECRET:
            text = text.replace(part, _HIDDEN)
    return text


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the libraries log out of our logs: at the level DEBUG they log addresses.

    Some of the services that apprise loads use deprecated modules of Python's library.
    """
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    former = [(one, one.level, one.propagate) for one in loggers]
    for one in loggers:
        one.setLevel(logging.WARNING)
        one.propagate = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        for one, level, propagate in former:
            one.setLevel(level)
            one.propagate = propagate
