"""A score is the same to the last bit on every kernel that linear algebra may choose."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.customer_file import trained

_SCORED = """
import random, sys
from pathlib import Path
from churn.model.conditioning import Conditioner
from churn.model.scorecard import read_scorecard
from churn.customer.parsing import parse_customer
known = parse_customer({
    "gender": "Female", "senior_citizen": 0, "partner": "Yes", "dependents": "No", "tenure": 5,
    "phone_service": "Yes", "multiple_lines": "No", "internet_service": "DSL",
    "online_security": "No", "online_backup": "Yes", "device_protection": "No",
    "tech_support": "No", "streaming_tv": "No", "streaming_movies": "Yes",
    "contract": "One year", "paperless_billing": "Yes", "payment_method": "Mailed check",
    "monthly_charges": 56.95, "total_charges": 301.9,
})
conditioner = Conditioner(read_scorecard(Path(sys.argv[1]).read_bytes()))
choose = random.Random(7)
for _ in range(300):
    names = choose.sample(sorted(known), choose.randint(1, len(known)))
    score = conditioner.score(parse_customer({name: known[name] for name in names}))
    low, high = score.interval
    print(score.probability.hex(), score.variance.hex(), low.hex(), high.hex(), *score.asks)
"""


def _scored(scorecard: Path, kernel: str) -> str:
    environment = {**os.environ, "OPENBLAS_CORETYPE": kernel}
    command = [sys.executable, "-c", _SCORED, str(scorecard)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.mark.parametrize("kernel", ["Prescott", "Nehalem", "Haswell"])
def test_scores_of_any_fields_do_not_depend_on_the_kernel(tmp_path: Path, kernel: str) -> None:
    path = tmp_path / "scorecard.json"
    path.write_bytes(trained().scorecard.model_dump_json().encode())
    expected = _scored(path, "")
    assert len(expected.splitlines()) == 300
    assert _scored(path, kernel) == expected
