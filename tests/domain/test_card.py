import re
from datetime import UTC, datetime
from functools import cache
from io import BytesIO

import numpy as np
import pytest
from matplotlib.image import imread

from churn.core.training_options import Objective, TrainingOptions
from churn.model.bootstrap import Figure
from churn.model.metrics import METRICS
from churn.registry.store import CARD
from churn.training.fitted import Trained, train_frame
from churn.training.report import card
from churn.training.report.plots import PICTURES, draw
from churn.training.report.reliability import reliability
from churn.training.report.tables import shown
from tests.customer_file import SMALL, customers, package, trained
from tests.interacting_customers import trained_on_interactions

NUMBER = r"-?\d+\.\d+"
INTERVAL = rf"{NUMBER} \({NUMBER} to {NUMBER}\)"


def _card() -> str:
    return package().files[CARD].decode()


@cache
def _card_of_trees() -> str:
    return card.render("trees", datetime(2026, 1, 1, tzinfo=UTC), trained_on_interactions())


def test_the_card_begins_in_plain_words() -> None:
    start = _card().split("## How good it is")[0]
    assert "Of 7,043 customers, 1,869 (26.54%) had churned; the model is fitted on 5,632" in start
    assert "of them, and 1,411 are the hold-out, which it never learns from" in start
    assert "Of the 10 % it thinks most likely to churn, 77 in 100 do** (74 to 80)" in start
    assert "picked at random it would be 27" in start
    assert (
        "80.7 of 100 yes-or-no predictions are right; "
        "predicting that no customer churns is right in 73.5" in start
    )
    assert "No other model beats it" in start
    assert not re.search(r"log-odds|bootstrap|Brier|out of fold", start)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_there_with_its_intervals_next_to_the_baseline(name: str) -> None:
    title = re.escape(METRICS[name].title)
    assert re.search(rf"\| {title} \| {INTERVAL} \| {INTERVAL} \| {NUMBER} \|", _card())


def test_the_calibration_error_is_next_to_its_noise_floor() -> None:
    found = re.search(rf"is {INTERVAL}\. A perfectly calibrated model would show {NUMBER}", _card())
    assert found


def test_every_family_is_compared_on_the_same_folds() -> None:
    for evaluation in trained().report.challengers[1:]:
        title = re.escape(evaluation.family.title)
        assert re.search(rf"\| {title} \|.* \d+ of 15 \|", _card())


def test_the_card_counts_the_folds_in_which_the_recipe_is_ahead() -> None:
    found = re.search(r"is ahead of logistic on all columns .* in (\d+) of 15 folds", _card())
    assert found
    assert int(found[1]) == trained().report.folds_ahead_of_all_columns >= 13


def test_a_hold_out_that_is_easier_by_luck_is_called_so() -> None:
    assert "easier than the average by the luck of the draw" in _card()


def test_every_policy_is_there_and_the_live_one_is_bold() -> None:
    assert "| probability at least .5 (`half`) | 0.500 |" in _card()
    assert "| best balance of precision and recall (`best_f1`) | 0.312 |" in _card()
    assert "| **expected profit over 0 (`profit`)** | 0.142 |" in _card()


@cache
def _trained_for(objective: Objective) -> Trained:
    return train_frame(customers().iloc[::8], TrainingOptions(objective=objective), recipe=SMALL)


@pytest.mark.parametrize("objective", list(Objective))
@pytest.mark.slow
def test_every_headline_profit_is_of_the_policy_that_serves(objective: Objective) -> None:
    trained = _trained_for(objective)
    text = card.render("by", datetime(2026, 1, 1, tzinfo=UTC), trained)
    first = re.search(rf"It brings ({NUMBER}) per customer, if the assumed 30 in 100", text)
    bold = re.search(rf"\| \*\*[^|]*`{objective}`[^|]*\*\* \|.* ({NUMBER}) \([^|]*\) \|\n", text)
    assert first
    assert bold
    assert first[1] == bold[1]
    rows, recipe = trained.report.rows, trained.report.published
    contacted = [
        trained.policy.contacts(scores, rows.monthly_charges) for scores in recipe.out_of_fold
    ]
    expected = float((np.mean(contacted, axis=0) * rows.payoff.realised(rows.y)).mean())
    assert recipe.measured.figure("profit").value == pytest.approx(expected, abs=0.3)


def test_the_card_has_the_profit_by_the_acceptance_that_is_true_and_by_who_is_contacted() -> None:
    for true in ("0.3", "0.2", "0.1", "0.05"):
        assert re.search(rf"\| 0\.3 \| {re.escape(true)} \| {INTERVAL} \|", _card())
    for who in ("monthly charges and the base rate alone", "every customer", "an oracle"):
        assert re.search(rf"\| {who} \| {INTERVAL} \|", _card())
    assert "only a control group" in " ".join(_card().split())
    assert "uplift" in _card()


def test_slices_have_intervals() -> None:
    for name in ("gender: Male", "senior citizen: Yes", "contract: Two year"):
        assert re.search(rf"\| {name} \| [\d,]+ \| {INTERVAL} \| {INTERVAL}", _card())


def test_the_cost_of_leaving_protected_attributes_out_is_stated() -> None:
    signed = r"[+-]\d\.\d{4}"
    told = rf"by {signed} \({signed} to {signed}\) ROC-AUC and {signed} \({signed} to {signed}\)"
    assert re.search(told, _card())
    assert "Gender and age are used (`CHURN_PROTECTED_ATTRIBUTES`)" in _card()


def test_the_points_of_every_value_are_there() -> None:
    for field, row in trained().scorecard.points.items():
        for label, points in row.items():
            assert f"| {field.replace('_', ' ')} | {label} | {points:+.3f} |" in _card()


def test_every_picture_is_shown_once() -> None:
    assert sorted(re.findall(r"\]\(plots/(.+?)\.png\)", _card())) == sorted(PICTURES)


def test_every_table_is_whole() -> None:
    for block in re.findall(r"(?:^\|.*\|\n)+", _card(), re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1


@pytest.mark.slow
def test_a_card_of_trees_states_that_they_are_published_and_why() -> None:
    text = _card_of_trees()
    assert "is published**: it beats the scorecard by" in text
    assert "The scorecard answers where fields are missing" in text
    chosen = trained_on_interactions().family.title
    assert f"The promotion rule on {chosen}: promote: better beyond noise" in text


@pytest.mark.slow
def test_a_card_on_few_customers_or_a_part_of_them_states_it() -> None:
    options = TrainingOptions(objective=Objective.PROFIT, evaluated_rows=1_000)
    few = train_frame(customers(), options, recipe=SMALL)
    text = card.render("few", datetime(2026, 1, 1, tzinfo=UTC), few)
    assert re.search(r"Measured on [\d,]{3,5} of 7,043 customers", text)
    assert "by the chosen policy, expected profit over 0 (`profit`)" in text
    assert "nan" not in text


def test_what_is_not_defined_is_shown_as_such() -> None:
    assert shown(Figure(float("nan"), float("nan"), float("nan"))) == "n/a"
    assert shown(Figure(0.5, float("nan"), float("nan"))) == "0.5000"


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_has_something_on_it(name: str) -> None:
    pixels = imread(BytesIO(package().files[f"plots/{name}.png"]))
    assert pixels.shape[0] >= 400
    assert pixels.shape[1] >= 900
    assert 0.02 < np.mean(np.any(pixels[..., :3] < 0.95, axis=2)) < 0.6


@pytest.mark.slow
def test_pictures_of_trees_can_be_drawn_too() -> None:
    assert len(draw(trained_on_interactions())) == len(PICTURES)


def test_drawing_again_gives_the_same_pictures() -> None:
    assert draw(trained()) == {k: v for k, v in package().files.items() if k.startswith("plots/")}


def test_the_dots_of_a_calibrated_model_lie_where_chance_allows() -> None:
    random = np.random.default_rng(0)
    inside = []
    for _ in range(40):
        p = random.beta(1, 3, 2_000)
        y = (random.random(2_000) < p).astype(np.int64)
        bins = reliability(y, p, np.ones(2_000), draws=200, seed=1)
        inside += [one.lowest <= one.churn_rate <= one.highest for one in bins]
    assert 0.90 <= np.mean(inside) <= 0.985
