from pathlib import Path

import pytest

from churn.core.errors import ChurnError
from churn.core.settings import PROJECT, Settings


def test_the_environment_decides() -> None:
    settings = Settings.from_environment(
        {
            "CHURN_HOME": "/state",
            "CHURN_DATABASE_URL": "postgresql://somewhere/churn",
            "CHURN_MODEL_STORE": "/models",
            "CHURN_DATA": "/data",
            "CHURN_SPOOL": "/spool",
        }
    )
    assert settings == Settings(
        "postgresql://somewhere/churn",
        Path("/models"),
        Path("/data"),
        Path("/spool"),
        api_keys_file=Path("/state/api_keys.json"),
    )


def test_what_the_environment_lacks_is_under_the_home(tmp_path: Path) -> None:
    settings = Settings.from_environment({"CHURN_HOME": str(tmp_path)})
    expected = Settings(
        "",
        tmp_path / "models",
        PROJECT / "data",
        tmp_path / "spool",
        api_keys_file=tmp_path / "api_keys.json",
    )
    assert settings == expected


def test_what_the_environment_lacks_is_read_from_the_local_stack(tmp_path: Path) -> None:
    (tmp_path / "stack.env").write_text("# ours\nCHURN_DATABASE_URL=postgresql://a?b=c\n\n")
    settings = Settings.from_environment({"CHURN_HOME": str(tmp_path)})
    assert settings.database_url == "postgresql://a?b=c"


def test_the_environment_wins_over_the_local_stack(tmp_path: Path) -> None:
    (tmp_path / "stack.env").write_text("CHURN_DATABASE_URL=postgresql://stack\n")
    environment = {"CHURN_HOME": str(tmp_path), "CHURN_DATABASE_URL": "postgresql://given"}
    assert Settings.from_environment(environment).database_url == "postgresql://given"


def test_a_local_stack_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "stack.env").write_bytes(b"\xff\xfe")
    with pytest.raises(ChurnError, match=r"cannot read .*stack\.env.*make up"):
        Settings.from_environment({"CHURN_HOME": str(tmp_path)})
