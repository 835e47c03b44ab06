import csv
import gzip
import io
import itertools
from pathlib import Path

import pytest

from churn.core.errors import DataQualityError
from churn.customer.parsing import parse_customer
from churn.pipeline.score_file import Done, score_file
from churn.registry.loaded_model import LoadedModel, load_model
from churn.registry.store import ModelStore
from churn.warehouse.loading.progress import Progress
from tests.customer_file import conditioner, package


@pytest.fixture
def model(tmp_path: Path) -> LoadedModel:
    """The version trained on the whole file."""
    return load_model(ModelStore(tmp_path).write_candidate(package().manifest, package().files))


def _scored(model: LoadedModel, text: str) -> tuple[Done, list[dict[str, str]]]:
    target = io.BytesIO()
    done = score_file(model, io.BytesIO(text.encode()), target, progress=Progress("in.csv"))
    return done, list(csv.DictReader(io.StringIO(target.getvalue().decode())))


def test_a_blank_cell_is_an_unknown_field(model: LoadedModel) -> None:
    _, (row,) = _scored(model, "customer_id,tenure,contract\nA,5,\n")
    expected = conditioner().score(parse_customer({"tenure": 5})).probability
    assert float(row["probability_churn"]) == expected
    assert row["model_version"] == model.version


def test_an_unreadable_row_is_alone_in_its_error(model: LoadedModel) -> None:
    done, rows = _scored(model, "customerID,tenure\nA,5\nB,five\nC,70\n")
    assert done == Done(scored=2, failed=1)
    assert [row["customer_id"] for row in rows] == ["A", "B", "C"]
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    assert "tenure='five'" in rows[1]["error"]
    assert (rows[1]["probability_churn"], rows[1]["prediction"]) == ("", "")


def test_what_is_predicted_may_be_in_the_file_and_is_passed_over(model: LoadedModel) -> None:
    done, _ = _scored(model, "tenure,Churn\n5,Yes\n")
    assert done == Done(scored=1, failed=0)


@pytest.mark.parametrize("blank", ["", " ", '""', '" "', "\t"])
def test_a_blank_total_is_an_unknown_field_as_any_other_is(model: LoadedModel, blank: str) -> None:
    _, (row,) = _scored(model, f"contract,TotalCharges\nOne year,{blank}\n")
    known = parse_customer({"contract": "One year"})
    assert float(row["probability_churn"]) == conditioner().score(known).probability


def test_an_amount_in_the_first_month_is_alone_in_its_error(model: LoadedModel) -> None:
    done, rows = _scored(model, "tenure,TotalCharges\n0,100\n0,0\n")
    assert done == Done(scored=1, failed=1)
    assert "expected 0, as tenure=0" in rows[0]["error"]


@pytest.mark.parametrize("row", ["5", "5,One year,more"])
def test_a_row_with_another_number_of_cells_is_alone_in_its_error(
    model: LoadedModel, row: str
) -> None:
    done, rows = _scored(model, f"tenure,contract\n{row}\n6,One year\n")
    assert done == Done(scored=1, failed=1)
    assert "expected 2 cells, as the header has" in rows[0]["error"]


def test_columns_that_mean_nothing_to_the_model_are_passed_over(model: LoadedModel) -> None:
    done, _ = _scored(model, "tenure,region,Churn\n5,South,Yes\n")
    assert done == Done(scored=1, failed=0)


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (gzip.compress(b"tenure\n5\n", mtime=0), "gunzip -c"),
        (b"PK\x03\x04 and more", "unpack it first"),
        (b"tenure,contract\n5,caf\xe9\n", "iconv -f"),
        ("tenure\n5\n".encode("utf-16"), "iconv -f"),
        (b'[{"tenure": 5}]', "a JSON file"),
        (b"", "begins with a header"),
        (b"region\nSouth\n", "some of"),
    ],
)
def test_a_file_that_is_no_csv_in_utf_8_is_refused_with_what_to_do(
    model: LoadedModel, content: bytes, remedy: str
) -> None:
    with pytest.raises(DataQualityError, match=remedy):
        score_file(model, io.BytesIO(content), io.BytesIO(), progress=Progress("in"))


def test_how_far_a_file_has_come_is_logged_every_two_seconds(
    model: LoadedModel, caplog: pytest.LogCaptureFixture
) -> None:
    content = b"tenure\n" + b"5\n" * 200_000
    seconds = itertools.count()
    progress = Progress("in.csv", size=len(content), clock=lambda: float(next(seconds)))
    with caplog.at_level("INFO"):
        score_file(model, io.BytesIO(content), io.BytesIO(), progress=progress)
    assert "in.csv: 131,070 rows, 0 MB (66%)" in caplog.text
