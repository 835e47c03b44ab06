"""A candidate and the champion are compared on customers of the warehouse, many or few."""

from pathlib import Path

import pytest

from churn.pipeline import champion_challenger
from churn.registry import loaded_model
from churn.registry.loaded_model import LoadedModel
from churn.training.comparison import Comparison
from churn.training.promotion import PromotionRule, judge
from churn.warehouse.connect import Connection
from tests.changed_file import write_changed
from tests.command import Churn
from tests.customer_file import read_rows
from tests.loading import csv_text

pytestmark = pytest.mark.slow

SMALL = 700


@pytest.fixture
def small(churn: Churn, tmp_path: Path) -> Churn:
    """A company of 700 customers, 37 of the churned ones held out, whose model has grown stale."""
    first = tmp_path / "first.csv"
    first.write_text(csv_text(read_rows()[:SMALL]), encoding="utf-8")
    assert churn("run", first).returncode == 0
    changed = write_changed(tmp_path / "changed.csv", rows=SMALL)
    assert churn("load", "--allow-change", changed).returncode == 0
    return churn


def _models(churn: Churn) -> tuple[LoadedModel, LoadedModel]:
    """Return the candidate that is trained now, and the champion."""
    version = churn("train").stdout.strip()
    return (
        loaded_model.load_model(churn.store.folder(version)),
        loaded_model.load_model(churn.store.published(churn.store.current())),
    )


def _compared(connection: Connection, models: tuple[LoadedModel, LoadedModel]) -> Comparison:
    return champion_challenger.compare(connection, *models, PromotionRule())


def test_a_small_companys_stale_champion_is_replaced(
    small: Churn, tmp_path: Path, connection: Connection
) -> None:
    former = small.store.current()
    finished = small("run", tmp_path / "changed.csv")
    assert finished.returncode == 0, finished.stderr
    assert small.store.current() != former
    row = connection.execute(
        "SELECT reason, details FROM model_events WHERE kind = 'proposed' ORDER BY event_id DESC"
    ).fetchone()
    assert row is not None
    assert "out of fold (3 x 5 folds) on 700 customers" in str(row[0])
    again = small("run", tmp_path / "changed.csv")
    assert "unchanged: data and code give" in again.stderr


def test_the_champions_recipe_learns_from_the_customers_as_they_were(
    small: Churn, connection: Connection
) -> None:
    candidate, champion = _models(small)
    then = champion_challenger._training_customers(connection, champion, candidate)
    assert then is not None
    by_id = {row["customerID"]: row["Contract"] for row in read_rows()[:SMALL]}
    assert dict(zip(then["customer_id"], then["contract"], strict=True)) == by_id


@pytest.mark.parametrize("cause", ["its customers are gone", "its recipe is another one"])
def test_a_champion_that_cannot_be_refitted_is_judged_by_its_own_scores(
    small: Churn, connection: Connection, cause: str
) -> None:
    candidate, champion = _models(small)
    if cause == "its customers are gone":
        connection.execute("DELETE FROM customer_history")
    else:
        other = champion.manifest.model_copy(update={"recipe": {"C": 1.0}})
        champion = LoadedModel(other, champion.conditioner)
    compared = _compared(connection, (candidate, champion))
    assert (compared.champion == compared.champion[0]).all()
    assert (compared.challenger[0] != compared.challenger[1]).any()
    assert judge(compared).promote


def test_where_the_rule_asks_for_fewer_churned_customers_the_hold_out_decides(
    small: Churn, connection: Connection
) -> None:
    models = _models(small)
    compared = champion_challenger.compare(connection, *models, PromotionRule(held_out_class=30))
    assert not compared.folds
    assert compared.churned + compared.retained < SMALL / 3
