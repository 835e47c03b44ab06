"""schemathesis, every check it has, against a running service over a real database."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from churn.core.api_keys import Scope
from churn.registry.store import ModelStore
from tests.api.conftest import publish
from tests.api.process import Running, serving
from tests.command import Churn
from tests.customer_file import CHURN_CSV

pytestmark = pytest.mark.slow

CASES = 2_000


@pytest.fixture
def command(tmp_path: Path, database_url: str) -> Churn:
    """The command, with a model and the customers in place."""
    publish(ModelStore(tmp_path / "models"), 1)
    command = Churn(tmp_path, database_url)
    assert command("load", CHURN_CSV).returncode == 0
    return command


def _examine(service: Running, *options: str, examples: int) -> str:
    """Run schemathesis and return what it says."""
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            *("run", f"{service.url}/openapi.json", "--checks", "all", "--continue-on-failure"),
            *("--max-examples", str(examples), "--generation-database", "none", "--seed", "1"),
            *("--no-color", *options),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
        cwd=service.log.parent,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-6_000:]
    return said


FUTURE = "positive_data_acceptance"
"""A schema cannot exclude times in the future, which are refused."""


def test_thousands_of_generated_requests_find_no_5xx_and_no_answer_outside_the_schema(
    tmp_path: Path, command: Churn, serving_url: str
) -> None:
    with serving(tmp_path, workers=2, CHURN_DATABASE_URL=serving_url) as service:
        assert command.store.current()
        said = _examine(service, "--exclude-path", "/outcomes", examples=500)
        _examine(service, "--include-path", "/outcomes", "--exclude-checks", FUTURE, examples=500)
        assert service.get("/readyz")[0] == 200
    generated = re.search(r"(\d+) generated", said)
    assert generated, said
    assert int(generated[1]) >= CASES
    assert '"exception"' not in service.log.read_text()


def test_with_keys_nothing_is_answered_to_who_has_none(
    tmp_path: Path, command: Churn, serving_url: str
) -> None:
    scopes = [part for scope in Scope for part in ("--scope", scope.value)]
    key = command("keys", "add", "tester", *scopes).stdout.strip()
    with serving(tmp_path, CHURN_DATABASE_URL=serving_url) as service:
        header = ("--header", f"Authorization: Bearer {key}")
        _examine(service, *header, "--exclude-checks", FUTURE, examples=50)
