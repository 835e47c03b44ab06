import json
import math
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from churn.core.errors import ModelRefusedError
from churn.customer.description import BY_NAME, Customer
from churn.customer.parsing import parse_customer
from churn.model.conditioning import Conditioner
from churn.model.scorecard import Scorecard, read_scorecard
from churn.training.compiling import compile_scorecard, largest_difference
from churn.training.encoded_customers import Encoded
from churn.training.features import pipeline, probabilities, target
from tests.customer_file import customers, customers_of, learned_from, trained


def _document() -> dict[str, object]:
    document: dict[str, object] = json.loads(trained().scorecard.model_dump_json())
    return document


def _by_points(scorecard: Scorecard, known: Customer) -> float:
    """Return the log-odds as a reader in another language would: table look-ups and one line."""
    total = scorecard.intercept
    for name, row in scorecard.points.items():
        total += row[BY_NAME[name].label(known[name])]
    for column in scorecard.columns:
        if column.weight and BY_NAME[column.field].is_number:
            number = math.log1p(float(known[column.field]))
            total += column.weight * (number - column.mean) / column.scale
    return total


def test_the_scorecard_equals_the_scikit_learn_pipeline_on_every_customer() -> None:
    frame, conditioner = customers(), Conditioner(trained().scorecard)
    ours = [conditioner.score(known).probability for known in customers_of(frame)]
    theirs = probabilities(trained().model, frame)
    assert len(ours) == 7_043
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


def test_the_contributions_and_the_intercept_add_up_to_the_log_odds() -> None:
    scorecard, frame = trained().scorecard, customers()
    conditioner = Conditioner(scorecard)
    log_odds = trained().model.decision_function(frame)
    for known, expected in zip(customers_of(frame), log_odds, strict=True):
        score = conditioner.score(known)
        total = scorecard.intercept + sum(score.contributions.values())
        assert abs(total - expected) <= 1e-9
        assert score.log_odds == pytest.approx(total, abs=1e-12)


def test_the_points_alone_give_the_same_log_odds() -> None:
    frame = customers().iloc[::10]
    log_odds = trained().model.decision_function(frame)
    ours = [_by_points(trained().scorecard, known) for known in customers_of(frame)]
    np.testing.assert_allclose(ours, log_odds, rtol=0, atol=1e-9)


def test_the_average_customer_has_no_points() -> None:
    frame = learned_from()
    for name, row in trained().scorecard.points.items():
        field = BY_NAME[name]
        average = frame[name].map({value: row[field.label(value)] for value in field.values})
        assert average.astype(float).mean() == pytest.approx(0, abs=1e-9), name


def test_a_scorecard_of_other_weights_than_the_pipelines_is_refused() -> None:
    scorecard = trained().scorecard
    other = scorecard.model_copy(update={"intercept": scorecard.intercept + 1e-7})
    with pytest.raises(ModelRefusedError, match="differs from the scikit-learn pipeline by"):
        largest_difference(trained().model, other, customers())


def test_the_moments_are_the_correlations_of_the_design_columns() -> None:
    frame = learned_from()
    design = _design(frame)
    expected = np.corrcoef(design, rowvar=False)
    np.testing.assert_allclose(trained().scorecard.correlation, expected, rtol=0, atol=1e-9)


def _design(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return the columns of the model and then each number as it is and in logarithms."""
    monthly, total = frame["monthly_charges"], frame["total_charges"]
    numbers = (frame["tenure"], monthly, np.log1p(monthly), total, np.log1p(total))
    return np.hstack([trained().model["design"].transform(frame), np.column_stack(numbers)])


def test_the_third_moments_are_those_of_the_design_columns() -> None:
    design = _design(learned_from())
    z = (design - design.mean(axis=0)) / design.std(axis=0)
    places = combinations_with_replacement(range(z.shape[1]), 3)
    expected = [(z[:, i] * z[:, j] * z[:, k]).mean() for i, j, k in places]
    np.testing.assert_allclose(trained().scorecard.third_moments, expected, rtol=0, atol=1e-7)


def test_the_auxiliary_columns_carry_the_range_of_all_but_the_ten_furthest_customers() -> None:
    frame = learned_from()
    *_, tenure, monthly, log_monthly, total, log_total = trained().scorecard.columns
    assert (tenure.lowest, tenure.highest) == (0, 72)
    assert (monthly.lowest, monthly.highest) == (18.8, 117.0)
    assert np.sum(frame["monthly_charges"] > 117.0) in range(5, 50)
    assert total.lowest == 0
    assert total.highest == pytest.approx(8_480)
    assert frame["total_charges"].nlargest(10).iloc[-1] == pytest.approx(8_480, rel=0.005)
    for plain, logarithm in ((monthly, log_monthly), (total, log_total)):
        assert plain.lowest is not None
        assert plain.highest is not None
        ends = (logarithm.lowest, logarithm.highest)
        assert ends == pytest.approx((np.log1p(plain.lowest), np.log1p(plain.highest)))


def test_a_written_scorecard_is_read_back_as_it_was() -> None:
    scorecard = trained().scorecard
    assert read_scorecard(scorecard.model_dump_json().encode()) == scorecard


def test_columns_that_never_vary_do_not_break_training_or_scoring() -> None:
    frame = customers().iloc[:600].assign(senior_citizen=False, total_charges=7.0)
    frame = frame.assign(paperless_billing=True, contract="One year")
    model = pipeline().fit(frame, target(frame))
    scorecard = compile_scorecard(model, Encoded.of(frame))
    assert largest_difference(model, scorecard, frame) <= 1e-9
    conditioner = Conditioner(scorecard)
    some = conditioner.score(
        parse_customer({"contract": "One year", "total_charges": 7.0, "tenure": 5})
    )
    assert 0 < some.probability < 1
    assert math.isfinite(some.variance)


def test_the_order_of_the_frames_columns_does_not_matter() -> None:
    frame = customers()
    turned = frame[list(reversed(frame.columns))]
    model = pipeline().fit(turned, target(turned))
    assert compile_scorecard(model, Encoded.of(turned)) == compile_scorecard(
        pipeline().fit(frame, target(frame)), Encoded.of(frame)
    )


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("format",), 2, "format"),
        (("intercept",), "NaN", "intercept"),
        (("columns", 0, "weight"), None, "columns.0.weight"),
        (("columns", 0, "scale"), 0, "columns.0.scale"),
        (("columns", 0, "field"), "colour", "colour"),
        (("columns", 0, "lowest"), "Infinity", "columns.0.lowest"),
        (("columns", -1, "lowest"), 99.0, "lowest is over its highest"),
        (("third_moments",), [1.0], "third_moments are not those of 26 columns"),
        (("third_moments", 5), "NaN", "third_moments.5"),
        (("base_rate",), 1.0, "base_rate"),
        (("columns", 1, "weight"), 9.0, "points and columns do not agree"),
        (("points", "contract", "One year"), 9.0, "points and columns do not agree"),
        (("correlation", 0), [], "correlation is not"),
        (("surprise",), 1, "surprise"),
    ],
)
def test_a_scorecard_that_is_not_right_is_refused_with_the_reason(
    path: tuple[str | int, ...], value: object, reason: str
) -> None:
    document = _document()
    place: object = document
    for step in path[:-1]:
        place = place[step]  # type: ignore[index]
    place[path[-1]] = value  # type: ignore[index]
    with pytest.raises(ModelRefusedError, match=f"scorecard.json.*{reason}"):
        read_scorecard(json.dumps(document).encode())


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{", b"\x89PNG\r\n", b"{}"])
def test_something_else_than_a_scorecard_is_refused(content: bytes) -> None:
    with pytest.raises(ModelRefusedError, match="scorecard"):
        read_scorecard(content)


def test_missing_values_are_not_scored_silently() -> None:
    frame = customers().iloc[:200]
    frame.loc[frame.index[0], "tenure"] = pd.NA
    with pytest.raises((ValueError, TypeError)):
        pipeline().fit(frame, target(frame))
