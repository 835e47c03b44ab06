"""Lint of the container files, with and without Docker: ``python -m local.containers``."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from churn.core.streams import print_any_text

PROJECT = Path(__file__).resolve().parents[1]
COMPOSE_FILE = "docker-compose.yaml"
REQUIRED = re.compile(r"\$\{(\w+):\?")


@dataclass(frozen=True)
class Check:
    """A command that must exit 0, or the reason why it cannot run here."""

    name: str
    command: tuple[str, ...] = ()
    skipped: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a check came to."""

    check: Check
    passed: bool
    output: str = ""

    def __str__(self) -> str:
        """Return one line for the reader, and below it what the command printed when it failed."""
        if self.check.skipped:
            return f"skip  {self.check.name}: {self.check.skipped}"
        if self.passed:
            return f"ok    {self.check.name}"
        return f"FAIL  {self.check.name}\n{self.output.rstrip()}"


def required_variables(compose: str) -> tuple[str, ...]:
    """Return the names that the compose text refuses to do without, each once."""
    return tuple(sorted(set(REQUIRED.findall(compose))))


def compose_command(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return how to call Compose v2 here; empty where there is none (it needs no engine)."""
    docker = shutil.which("docker", path=environment.get("PATH"))
    if docker and _succeeds((docker, "compose", "version"), environment):
        return (docker, "compose")
    return ()


def compose_arguments(project: Path) -> tuple[str, ...]:
    """Return the arguments to read the file with every profile and without ``.env``."""
    file = str(project / COMPOSE_FILE)
    every_profile = ("--profile", "*")
    return ("--file", file, "--env-file", os.devnull, *every_profile, "config", "--quiet")


def environment_with_dummies(compose: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with a value for every variable that the compose text requires."""
    return {**environment, **dict.fromkeys(required_variables(compose), "dummy")}


def checks(project: Path, environment: Mapping[str, str]) -> Iterator[Check]:
    """Yield every check of the project's container files."""
    dockerfile, compose = str(project / "Dockerfile"), str(project / COMPOSE_FILE)
    yield Check(
        "hadolint Dockerfile", (_tool("hadolint"), "--failure-threshold", "info", dockerfile)
    )
    yield Check(
        f"compose schema of {COMPOSE_FILE}",
        (_tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", compose),
    )
    yield _compose_check(project, environment)
    for script in sorted((project / "docker").rglob("*.sh")):
        yield Check(f"bash -n {script.relative_to(project)}", ("bash", "-n", str(script)))


def run(check: Check, environment: Mapping[str, str]) -> Outcome:
    """Run one check; a tool that is not installed fails it."""
    if check.skipped:
        return Outcome(check, passed=True)
    try:
        done = _call(check.command, environment)
    except OSError as error:
        return Outcome(check, passed=False, output=f"{check.command[0]} did not start: {error}")
    return Outcome(check, passed=done.returncode == 0, output=done.stdout)


def main(project: Path = PROJECT, environment: Mapping[str, str] = os.environ) -> int:
    """Run every check and say how each went; 1 when one failed."""
    print_any_text()
    compose = (project / COMPOSE_FILE).read_text(encoding="utf-8")
    surroundings = environment_with_dummies(compose, environment)
    outcomes = []
    for check in checks(project, environment):
        outcomes.append(run(check, surroundings))
        sys.stdout.write(f"{outcomes[-1]}\n")
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def _compose_check(project: Path, environment: Mapping[str, str]) -> Check:
    name = f"docker compose config of {COMPOSE_FILE}"
    command = compose_command(environment)
    if not command:
        return Check(name, skipped="no `docker compose` (version 2) on this machine")
    return Check(name, (*command, *compose_arguments(project)))


def _tool(name: str) -> str:
    """Return the path of a tool that was installed next to this Python."""
    return str(Path(sys.executable).with_name(name))


def _succeeds(command: tuple[str, ...], environment: Mapping[str, str]) -> bool:
    try:
        return _call(command, environment).returncode == 0
    except OSError:
        return False


def _call(
    command: tuple[str, ...], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main())
