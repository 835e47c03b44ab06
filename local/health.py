"""The health of each part of a running stack, from the part itself."""

from collections.abc import Callable
from dataclasses import dataclass

from local import postgres, supervisor
from local.programs import API, NAMES, POSTGRES, WATCHDOG
from local.stack import Stack
from local.supervisor import State
from local.web import call

HEALTH = "/api/v2/monitor/health"
_KEYS = {
    "api-server": "metadatabase",
    "scheduler": "scheduler",
    "dag-processor": "dag_processor",
    "triggerer": "triggerer",
}

_Verdict = tuple[str, str]  # what is wrong, what is well
_Question = Callable[[Stack], _Verdict]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One program: its state by the supervisor, and its own answer."""

    name: str
    state: str
    pid: int
    healthy: bool
    detail: str


def check(stack: Stack) -> tuple[Part, ...]:
    """Return the health of every part; all are down when there is no supervisor."""
    try:
        states = supervisor.states(stack.layout)
    except OSError:
        states = {name: State(name, "DOWN", 0) for name in NAMES}
    details: dict[str, _Question] = {
        POSTGRES: _ask_postgres,
        API: _ask_api,
        WATCHDOG: _ask_watchdog,
    }
    airflow = _ask_airflow(stack)
    return tuple(_part(states[name], airflow.get(name) or details[name](stack)) for name in NAMES)


def describe(part: Part) -> str:
    """Return a line for the operator."""
    mark = "ok " if part.healthy else "BAD"
    return f"{mark}  {part.name:14} {part.state:9} pid {part.pid or '-':<8} {part.detail}"


def _part(state: State, verdict: _Verdict) -> Part:
    problem, detail = verdict
    return Part(
        name=state.name,
        state=state.state,
        pid=state.pid,
        healthy=state.state == "RUNNING" and not problem,
        detail=problem or detail,
    )


def _ask_postgres(stack: Stack) -> _Verdict:
    port = f"127.0.0.1:{stack.ports.postgres}"
    return (
        ("", f"answers on {port}")
        if postgres.answers(stack.server.url())
        else (f"no answer on {port}", "")
    )


def _ask_api(stack: Stack) -> _Verdict:
    if not call(stack.ports.api, "/livez").ok:
        return f"no answer on {stack.api_url}", ""
    ready = call(stack.ports.api, "/readyz")
    model = ready.body.text("model_version") or ready.body.text("detail") or "no model yet"
    return "", f"{stack.api_url} model: {model}"


def _ask_watchdog(_stack: Stack) -> _Verdict:
    return "", "watching"


def _ask_airflow(stack: Stack) -> dict[str, _Verdict]:
    answer = call(stack.ports.airflow, HEALTH)
    verdicts = {}
    for name, key in _KEYS.items():
        status = answer.body.text(key, "status") or f"no answer on {stack.airflow_url}"
        verdicts[name] = (
            ("", stack.airflow_url if name == "api-server" else status)
            if status == "healthy"
            else (status, "")
        )
    return verdicts
