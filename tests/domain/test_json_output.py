import json
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pytest

from churn.core.api_keys import Scope
from churn.core.json_output import print_json


@dataclass(frozen=True)
class _Value:
    name: str
    moment: datetime
    scopes: tuple[Scope, ...]
    numbers: dict[str, float]


def test_dataclasses_are_printed_with_what_is_in_them_and_in_ascii(
    capsys: pytest.CaptureFixture[str],
) -> None:
    numbers = {"gain": np.float64(0.1), "nothing": np.nan, "endless": np.inf}
    moment = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    print_json([_Value("José \x1b[31m", moment, (Scope.ADMIN,), numbers)])
    text = capsys.readouterr().out
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text, parse_constant=pytest.fail) == [
        {
            "name": "José \x1b[31m",
            "moment": "2026-01-02T03:04:00Z",
            "scopes": ["admin"],
            "numbers": {"gain": 0.1, "nothing": None, "endless": None},
        }
    ]
