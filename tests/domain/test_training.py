import logging
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from churn.core.errors import DataQualityError, ModelRefusedError
from churn.core.training_options import Objective, ProtectedAttributes, TrainingOptions
from churn.customer.description import MIN_PER_CLASS
from churn.customer.parsing import parse_customer
from churn.model.boosted import BoostedModel
from churn.model.bootstrap import FoldScores
from churn.model.conditioning import Conditioner
from churn.training.comparison import Comparison, differences
from churn.training.compiling import compile_trees
from churn.training.evaluation import Evaluation
from churn.training.families import GRADIENT_BOOSTING, SCORECARD, TREE_FAMILIES, families, matrix
from churn.training.features import pipeline, probabilities, target
from churn.training.fitted import train_frame
from churn.training.selection import choose
from tests.customer_file import SMALL, customers, customers_of, held_out, trained
from tests.interacting_customers import interacting_customers, trained_on_interactions


def _of_each(*, churned: int, stayed: int) -> pd.DataFrame:
    frame = customers()
    return pd.concat([frame[frame["churn"]].head(churned), frame[~frame["churn"]].head(stayed)])


@pytest.mark.parametrize(
    ("churned", "stayed"), [(0, 500), (MIN_PER_CLASS - 1, 500), (500, 0), (500, 49)]
)
def test_too_few_of_a_class_is_refused_with_the_numbers(churned: int, stayed: int) -> None:
    with pytest.raises(
        DataQualityError, match=f"{churned} customers churned and {stayed} were retained"
    ):
        train_frame(_of_each(churned=churned, stayed=stayed), recipe=SMALL)


def test_no_customers_at_all_are_refused() -> None:
    with pytest.raises(DataQualityError, match="0 customers churned and 0 were retained"):
        train_frame(customers().iloc[:0], recipe=SMALL)


def test_just_enough_of_each_class_is_trained_on() -> None:
    model = train_frame(_of_each(churned=MIN_PER_CLASS, stayed=MIN_PER_CLASS), recipe=SMALL)
    assert (model.customers, model.churned) == (100, 50)


def test_the_whole_file_is_counted_and_compiled_within_tolerance() -> None:
    assert (trained().customers, trained().churned) == (7_043, 1_869)
    assert trained().largest_difference <= 1e-9


def test_training_leaves_the_frame_as_it_was() -> None:
    frame = customers().iloc[::10]
    before = frame.copy()
    train_frame(frame, recipe=SMALL)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.slow
def test_the_order_of_the_rows_changes_nothing() -> None:
    frame = customers().iloc[::10]
    shuffled = frame.sample(frac=1, random_state=1)
    one, other = train_frame(frame, recipe=SMALL), train_frame(shuffled, recipe=SMALL)
    assert one.scorecard == other.scorecard
    assert one.report.published.measured.figures == other.report.published.measured.figures


@pytest.mark.slow
def test_training_again_gives_the_same_scorecard() -> None:
    frame = customers().iloc[::10]
    assert train_frame(frame, recipe=SMALL).scorecard == train_frame(frame, recipe=SMALL).scorecard


def test_the_published_model_has_never_seen_the_hold_out() -> None:
    rows = trained().report.rows
    learn = rows.take(~rows.is_held_out)
    weights = dict.fromkeys(("scale__sample_weight", "logistic__sample_weight"), learn.weights)
    again = pipeline().fit(learn.frame, learn.y, **weights)
    found, expected = trained().model["logistic"].coef_, again["logistic"].coef_
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_scorecard_is_published_as_no_challenger_beats_it_on_this_file() -> None:
    assert trained().family.name == SCORECARD
    assert trained().trees is None


def test_progress_is_logged_family_by_family(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        train_frame(customers().iloc[::20], recipe=SMALL)
    told = " ".join(caplog.messages)
    assert all(family.title in told for family in families())
    assert "the family to publish: scorecard" in told


def test_on_interactions_trees_win_and_are_published() -> None:
    model = trained_on_interactions()
    assert model.family.name in TREE_FAMILIES
    assert model.report.choice.reasons[model.family.name].startswith("promote: better")
    assert model.report.published.measured.figure("roc_auc").value > 0.8
    assert model.report.challengers[0].measured.figure("roc_auc").value < 0.65


def test_the_published_trees_score_as_they_were_fitted() -> None:
    model = trained_on_interactions()
    frame = interacting_customers().iloc[::40]
    assert model.trees is not None
    rows = model.report.rows
    learn = rows.take(~rows.is_held_out)
    columns = model.family.columns
    fitted = model.family.fit(matrix(learn.frame, columns), learn.y, learn.weights)
    expected = fitted.predict_proba(matrix(frame, columns))[:, 1]
    found = BoostedModel.from_json(model.trees).probabilities(customers_of(frame))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_trees_that_are_read_back_otherwise_are_not_published() -> None:
    frame = customers().iloc[::20]
    family = next(one for one in families() if one.name == GRADIENT_BOOSTING)
    design, y, ones = matrix(frame, family.columns), target(frame), np.ones(len(frame))
    fitted, other = family.fit(design, y, ones), family.fit(design, 1 - y, ones)
    torn = SimpleNamespace(get_booster=fitted.get_booster, predict_proba=other.predict_proba)
    with pytest.raises(ModelRefusedError, match="the trees read from JSON differ"):
        compile_trees(torn, family, frame)  # type: ignore[arg-type]


def test_a_family_that_cannot_be_published_is_not_chosen_however_good_it_is() -> None:
    report = trained().report
    scorecard, all_columns, *others = report.challengers
    best = replace(all_columns, measured=scorecard.measured)
    worse = replace(scorecard, measured=all_columns.measured)
    learn = report.rows.take(~report.rows.is_held_out)
    choice = choose((worse, best, *others[:1]), learn)
    assert choice.family.name == SCORECARD
    assert choice.reasons["logistic_all_columns"] == "for comparison only"


def _nearly_better(y: NDArray[np.int64], one: Evaluation, by: float) -> Evaluation:
    """Return scores that are nearer to the outcomes of some customers, and noisier for all."""
    random = np.random.default_rng(3)
    noise = np.exp(random.normal(0, 0.3, len(y))) - 1
    parts = tuple(
        FoldScores(
            part.rows, np.clip(part.p * (1 + noise[part.rows]) + by * y[part.rows], 0.001, 0.999)
        )
        for part in one.parts
    )
    draws = {**one.measured.draws, "log_loss": one.measured.draws["log_loss"] - 1}
    return replace(one, parts=parts, measured=replace(one.measured, draws=draws))


def test_a_family_whose_gain_the_folds_common_customers_explain_is_not_chosen() -> None:
    """Better beyond noise if the folds were independent; the corrected interval holds 0."""
    report = trained().report
    scorecard, *others = report.challengers
    learn = report.rows.take(~report.rows.is_held_out)

    def highs(by: float) -> tuple[float, float]:
        pair = (scorecard.out_of_fold, _nearly_better(learn.y, others[-1], by).out_of_fold)
        found = (
            differences(Comparison(learn.y, *pair, {}, learn.weights, folds), level=0.95)
            for folds in (0, 5)
        )
        naive, corrected = (one["log_loss"].high for one in found)
        return naive, corrected

    by = next(b for b in np.arange(0.03, 0.3, 0.001) if highs(b)[0] < 0 < highs(b)[1])
    choice = choose((scorecard, _nearly_better(learn.y, others[-1], by)), learn)
    assert choice.family.name == SCORECARD
    assert "it is not better beyond noise" in choice.reasons["gradient_boosting"]
    assert "out of fold (3 x 5 folds)" in choice.reasons["gradient_boosting"]


@pytest.mark.slow
def test_without_protected_attributes_nothing_of_them_is_in_the_scorecard() -> None:
    options = TrainingOptions(protected_attributes=ProtectedAttributes.LEAVE_OUT)
    model = train_frame(customers().iloc[::4], options, recipe=SMALL)
    assert not model.scorecard.fields & {"gender", "senior_citizen"}
    conditioner = Conditioner(model.scorecard)
    known = customers_of(customers().head(1))[0]
    other = parse_customer({**known, "gender": "Male", "senior_citizen": True})
    some = parse_customer({"gender": "Male", "senior_citizen": True, "tenure": 3})
    assert conditioner.score(known).probability == conditioner.score(other).probability
    assert (
        conditioner.score(some).probability
        == conditioner.score(parse_customer({"tenure": 3})).probability
    )


def test_leaving_protected_attributes_out_costs_what_was_measured_before_we_started() -> None:
    cost = trained().report.cost_of_leaving_out["roc_auc"]
    assert cost.value == pytest.approx(-0.0002, abs=0.0003)
    assert cost.low < 0 < cost.high


@pytest.mark.parametrize("objective", list(Objective))
@pytest.mark.slow
def test_the_policy_that_is_set_is_the_one_of_the_version(objective: Objective) -> None:
    model = train_frame(customers().iloc[::10], TrainingOptions(objective=objective), recipe=SMALL)
    assert model.policy.objective is objective
    assert model.policy.typical_monthly_charges == pytest.approx(64.8, abs=3)


@pytest.mark.slow
def test_more_customers_than_are_evaluated_are_all_learned_from() -> None:
    options = TrainingOptions(evaluated_rows=2_000)
    model = train_frame(customers(), options, recipe=SMALL)
    assert len(model.report.rows.y) == pytest.approx(2_000, abs=150)
    np.testing.assert_array_equal(model.model["logistic"].coef_, trained().model["logistic"].coef_)


@pytest.mark.slow
def test_rows_that_stand_for_several_customers_are_counted_and_learned_from_as_such() -> None:
    frame = customers().iloc[::8]
    model = train_frame(frame, weights=np.full(len(frame), 2.0), recipe=SMALL)
    assert (model.customers, model.churned) == (2 * len(frame), 2 * frame["churn"].sum())
    learn = frame[~held_out(frame)]
    twice = pd.concat([learn, learn])
    again = pipeline().fit(twice, target(twice))
    np.testing.assert_allclose(
        probabilities(model.model, frame), probabilities(again, frame), atol=1e-4
    )


def test_a_hold_out_without_churned_customers_is_reported_in_words() -> None:
    frame = customers()
    words = "that are held out by a hash, 0 churned: too few"
    few = frame.iloc[:2_000]
    with pytest.raises(DataQualityError, match=words):
        train_frame(few[~(held_out(few) & few["churn"])], recipe=SMALL)
