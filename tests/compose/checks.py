"""What is looked at in a running stack; each check returns its findings, none when all is well."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from local.containers import COMPOSE_FILE, required_variables
from tests.compose.project import ONE_SHOT, Project, State

PORTS = {"airflow-api-server": 8080, "airflow-scheduler": 8974, "postgres": 5432, "serving": 8000}
LIMITS = {
    "memory": "/sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes",
    "pids": "/sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max",
}
_ENGINES_NAME_SERVER = "127.0.0.11"
_LISTENS = "0A"
_ANYWHERE = "00000000"
_STATUS = "for p in /proc/[0-9]*; do echo; cat $p/status; done 2>/dev/null"
_CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def unwell(project: Project, services: Sequence[str] = ()) -> list[str]:
    """Find services that are not up and healthy; a one-shot one has to have succeeded."""
    seen, found = project.states(), []
    for name in services or sorted(project.services()):
        state = seen.get(name, State("gone", "", 0))
        if name in ONE_SHOT:
            if (state.status, state.exit_code) != ("exited", 0):
                found.append(f"{name}: {state.status}, exit code {state.exit_code}")
        elif (state.status, state.health) != ("running", "healthy"):
            found.append(f"{name}: {state.status}, {state.health or 'without a health check'}")
    return found


def unreachable(project: Project, service: str) -> list[str]:
    """Find sockets that other containers cannot reach, as the kernel lists what listens."""
    done = project.inside(service, "sh", "-c", "cat /proc/net/tcp /proc/net/tcp6")
    listening = list(_listening(done.stdout))
    found = [
        f"{service} listens on {address}:{port} only"
        for address, port in listening
        if address not in {"0.0.0.0", "::"}  # noqa: S104
    ]
    if (port := PORTS[service]) not in {one for _, one in listening}:
        found.append(f"{service}: nothing listens on {port}")
    return found


def unconfined(project: Project, service: str) -> list[str]:
    """Find processes with more rights than they need, as the kernel has them."""
    processes = project.inside(service, "sh", "-c", _STATUS).stdout.strip().split("\n\n")
    found = {finding for process in processes for finding in _excess(process)}
    found |= set(writable(project, service, "/app", "/etc", "/usr/local"))
    if not re.search(r"^\S+ / \S+ ro\b", _mounts(project, service), re.MULTILINE):
        found.add("the root file system is not read-only")
    return sorted(f"{service}: {finding}" for finding in found)


def writable(project: Project, service: str, *folders: str) -> list[str]:
    """Find folders that a service may write to: the refusal has to be the file system's own."""
    found = []
    for folder in folders:
        written = project.inside(
            service, "sh", "-c", f"mkdir -p {folder}/.try && rmdir {folder}/.try"
        )
        if "Read-only file system" not in written.stderr:
            found.append(
                f"{folder} is not mounted read-only: {written.stderr.strip() or 'written'}"
            )
    return found


def limit(project: Project, service: str, name: str) -> int:
    """Return a limit of a container as its control group has it, in either version's files."""
    return int(project.inside(service, "sh", "-c", f"cat {LIMITS[name]} 2>/dev/null").stdout)


def ways_out(project: Project, service: str) -> list[str]:
    """Find routes out of the networks that a service is on."""
    table = project.inside(service, "cat", "/proc/net/route").stdout.splitlines()[1:]
    return [
        f"{service} has a way out by {line.split()[0]}"
        for line in table
        if line.split()[1] == _ANYWHERE
    ]


def unguarded_secrets(project: Project) -> list[str]:
    """Find secrets without which Compose would start the stack, or that it does not explain."""
    text = (project.folder / ".env.example").read_text(encoding="utf-8")
    found = []
    for name in re.findall(r"^(\w+)=$", text, re.MULTILINE):
        refused = project.engine.call(*project.arguments("config", "--quiet"), **{name: ""})
        if refused.returncode == 0:
            found.append(f"{name} may be missing")
        elif name not in refused.stderr or "make env" not in refused.stderr:
            found.append(f"the refusal without {name} does not say what to do")
    return found


def missing_secrets(project: Project) -> list[str]:
    """Find required settings that ``.env`` gives no value."""
    text = (project.folder / COMPOSE_FILE).read_text(encoding="utf-8")
    given = project.secrets
    return [f"{name} has no value" for name in required_variables(text) if not given.get(name)]


def probe(project: Project, service: str) -> int:
    """Run a service's own health check now and return its exit code, 0 when it says well."""
    kind, *command = project.container(service)["Config"]["Healthcheck"]["Test"]
    words = ["sh", "-c", *command] if kind == "CMD-SHELL" else command
    return project.inside(service, *words).returncode


def blind(project: Project, services: Sequence[str]) -> list[str]:
    """Find health checks that call a service well though none of its processes moves."""
    with ThreadPoolExecutor() as pool:
        codes = pool.map(lambda name: probe(project, name), services)
        found = [name for name, code in zip(services, codes, strict=True) if code == 0]
    return [f"{name}: called well while it stands still" for name in found]


def signal(project: Project, service: str, name: str, *, main_only: bool) -> None:
    """Send a signal to a service's processes, or to the one that its container was started for."""
    stop = "break" if main_only else ":"
    script = f"""
        for p in $(ls /proc | grep '^[0-9]*$' | sort -n); do
            [ $p -le 1 ] || [ $p = $$ ] && continue
            grep -qx "PPid:.0" /proc/$p/status 2>/dev/null && continue
            grep -qx "PPid:.$$" /proc/$p/status 2>/dev/null && continue
            kill -{name} $p 2>/dev/null && {stop}
        done; true"""
    project.inside(service, "sh", "-c", script)


def _listening(table: str) -> Iterator[tuple[str, int]]:
    for line in table.splitlines():
        words = line.split()
        if len(words) > 3 and words[3] == _LISTENS:
            address, port = words[1].split(":")
            if (name := _address(address)) != _ENGINES_NAME_SERVER:
                yield name, int(port, 16)


def _address(kernels: str) -> str:
    """Return an address of /proc/net/tcp, which has it as little-endian words."""
    if set(kernels) == {"0"}:
        return "0.0.0.0" if len(kernels) == 8 else "::"  # noqa: S104
    last = bytes.fromhex(kernels[-8:])[::-1]
    return ".".join(map(str, last))


def _excess(process: str) -> Iterator[str]:
    values = dict(re.findall(r"^(\w+):\t(.*)$", process, re.MULTILINE))
    if "Uid" not in values:
        return
    if "0" in values["Uid"].split():
        yield "a process runs as root"
    yield from (f"{name} is {values[name]}" for name in _CAPABILITIES if int(values[name], 16))
    if values["NoNewPrivs"] != "1":
        yield "new privileges may be gained"


def _mounts(project: Project, service: str) -> str:
    return project.inside(service, "cat", "/proc/mounts").stdout
