"""`airflow-init.sh` gives the administrator the password of `.env`, with one command at first."""

import os
import subprocess
from pathlib import Path

import pytest

from local.layout import PROJECT

AIRFLOW = """#!/bin/bash
echo "$1 $2 $(cat)" >>"$CALLS"
[[ $2 != create ]] || echo "$CREATED"
"""


@pytest.mark.parametrize(
    ("created", "commands"),
    [
        ('User "admin" created with role "Admin"', ["create"]),
        ("admin already exists in the db", ["create", "reset-password"]),
        ("a message of another release", ["create", "reset-password"]),
    ],
    ids=["a new user", "a known user", "another message"],
)
def test_the_administrator_has_the_password_of_the_environment(
    tmp_path: Path, created: str, commands: list[str]
) -> None:
    program, calls = tmp_path / "airflow", tmp_path / "calls"
    program.write_text(AIRFLOW)
    program.chmod(0o700)
    subprocess.run(
        [PROJECT / "docker" / "airflow-init.sh"],
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "AIRFLOW_ADMIN_USER": "admin",
            "AIRFLOW_ADMIN_PASSWORD": "of the file",
            "CALLS": str(calls),
            "CREATED": created,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    asked = calls.read_text()
    assert asked.startswith("db migrate")
    for command in commands:
        assert f"users {command} of the file\nof the file" in asked
    assert asked.count("users ") == len(commands)
