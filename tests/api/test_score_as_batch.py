"""`churn score` answers a file as the service answers it as a batch."""

import csv
import io

import pytest
from starlette.testclient import TestClient

from churn.pipeline.batch.csv_writer import COLUMNS
from churn.pipeline.score_file import score_file
from churn.registry.live_version import load_served
from churn.registry.store import ModelStore
from churn.warehouse.loading.progress import Progress
from tests.customer_file import CHURN_CSV

WHOLE = b"".join(CHURN_CSV.read_bytes().splitlines(keepends=True)[:2_000])
ODD = (
    "\ufeffrow_id,customerID;x,customer_id,tenure,Contract,TotalCharges,Churn\n"
    "1,,José,5,One year,,Yes\n"
    '2,,"a\nb",five,,,\n'
    '3,,"c, ""d""",,,,\n'
    ",,,7\n"
    "4,,,0,,100,\n"
    "5,,,1,Two year, ,no\n"
    f"6,,,{'9' * 70_000},,,\n"
    '7,,,"8'
).encode()
SEMICOLONS = b"tenure;MonthlyCharges\r\n5;29.85\r\n6;29,85\r\n\r\n7;1e3\r\n"


@pytest.mark.parametrize("content", [WHOLE, ODD, SEMICOLONS, b"tenure\n", b"tenure\n5"])
def test_a_file_is_scored_as_the_service_answers_it(
    client: TestClient, store: ModelStore, content: bytes
) -> None:
    answer = client.post("/predict/batch", content=content, headers={"Content-Type": "text/csv"})
    assert answer.status_code == 200
    scored = io.BytesIO()
    model = load_served(store).model
    score_file(model, io.BytesIO(content), scored, progress=Progress("in.csv"))
    assert _rows(scored.getvalue()) == _rows(answer.content)
    rows = [row["row"] for row in _rows(scored.getvalue())]
    assert rows == [str(number) for number in range(1, len(rows) + 1)]
    columns = ",".join(name for name in COLUMNS if name != "prediction_id")
    assert scored.getvalue().decode().splitlines()[0] == columns


def _rows(content: bytes) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    return [{k: v for k, v in row.items() if k != "prediction_id"} for row in rows]
