import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from churn.customer.description import FEATURES
from churn.customer.field import Field
from churn.customer.parsing import parse_customer
from churn.model.conditioning import Conditioner
from churn.training.features import target
from tests.customer_file import conditioner, customers, learned_from, trained


def test_nothing_known_gives_the_base_rate_and_leaves_the_whole_variance() -> None:
    scorecard = trained().scorecard
    weights = np.array([column.weight for column in scorecard.columns])
    score = conditioner().score(parse_customer({}))
    assert score.probability == pytest.approx(learned_from()["churn"].mean(), abs=1e-9)
    assert score.variance == pytest.approx(weights @ np.array(scorecard.correlation) @ weights)


def test_an_add_on_that_is_not_taken_implies_that_there_is_internet() -> None:
    score = conditioner().score(parse_customer({"streaming_tv": "No"}))
    assert score.contributions["internet_service"] > 0
    rate = customers().query("streaming_tv == 'No'")["churn"].mean()
    assert score.probability == pytest.approx(rate, abs=0.01)


@pytest.mark.parametrize("field", [f for f in FEATURES if not f.is_number], ids=lambda f: f.name)
def test_a_single_known_value_is_scored_at_the_rate_that_was_seen(field: Field) -> None:
    frame = customers()
    for value in field.values:
        rate = frame[frame[field.name] == value]["churn"].mean()
        found = conditioner().score(parse_customer({field.name: value})).probability
        assert found == pytest.approx(rate, abs=0.025), value


def test_few_known_fields_are_weighed_as_by_one_fisher_scoring_step_from_the_base_rate() -> None:
    """Gender shows next to nothing, so the step is all but the fitted logistic regression."""
    frame = learned_from()
    male = (frame["gender"] == "Male").to_numpy(dtype=float)
    fitted = LogisticRegression(C=1e9).fit(male[:, None], target(frame))
    ours = [
        conditioner().score(parse_customer({"gender": g})).probability for g in ("Female", "Male")
    ]
    theirs = fitted.predict_proba([[0.0], [1.0]])[:, 1]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-4)


def test_a_scorecard_without_what_was_seen_is_conditioned_without_an_anchor() -> None:
    scorecard = trained().scorecard.model_copy(update={"base_rate": None})
    score = Conditioner(scorecard).score(parse_customer({"contract": "Two year"}))
    same = learned_from().query("contract == 'Two year'")
    assert score.base == scorecard.intercept
    assert score.log_odds == pytest.approx(trained().model.decision_function(same).mean(), abs=1e-6)
