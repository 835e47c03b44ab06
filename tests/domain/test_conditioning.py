import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold

from churn.customer.description import FEATURES, Customer
from churn.customer.parsing import parse_customer
from churn.model import conditioning
from churn.model.block import block_of
from churn.model.block_score import score_block
from churn.model.conditioning import Conditioner
from churn.model.gaussian import condition
from churn.model.score import Score, sigmoid
from churn.training.compiling import compile_scorecard
from churn.training.encoded_customers import Encoded
from churn.training.features import pipeline, target
from tests.customer_file import conditioner, customers, customers_of, part_of, trained

ORIGIN = ("tenure", "monthly_charges", "gender", "partner")
ROWS = customers_of(customers().iloc[::70])


def _inputs() -> frozenset[str]:
    """Return the fields with a weight: with all of them known, a score is exact."""
    return frozenset(column.field for column in trained().scorecard.columns if column.weight)


def _out_of_fold(names: tuple[str, ...]) -> dict[str, float]:
    """Return the metrics of scoring from some fields by models that have not seen the customer."""
    frame = customers()
    y, p = target(frame), np.zeros(len(frame))
    folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=7)
    for train, test in folds.split(frame, y):
        fitted = pipeline().fit(frame.iloc[train], y[train])
        unseen = Conditioner(compile_scorecard(fitted, Encoded.of(frame.iloc[train])))
        some = (part_of(known, names) for known in customers_of(frame.iloc[test]))
        p[test] = [unseen.score(known).probability for known in some]
    return {"roc_auc": float(roc_auc_score(y, p)), "log_loss": float(log_loss(y, p))}


def test_the_origins_four_fields_are_scored_as_well_as_by_a_model_of_their_own() -> None:
    measured = _out_of_fold(ORIGIN)
    assert measured["roc_auc"] >= 0.803
    assert measured["log_loss"] <= 0.458


@pytest.mark.parametrize(
    ("names", "auc", "log_loss"),
    [
        (("contract", "tenure"), 0.7854, 0.4689),
        (("monthly_charges", "payment_method", "paperless_billing"), 0.7192, 0.5184),
    ],
)
def test_other_fields_are_scored_nearly_as_well_as_by_a_model_of_their_own(
    names: tuple[str, ...], auc: float, log_loss: float
) -> None:
    measured = _out_of_fold(names)
    assert measured["roc_auc"] >= auc - 0.003
    assert measured["log_loss"] <= log_loss + 0.003


def test_the_formula_is_that_of_the_multivariate_normal() -> None:
    """Against E[w'z | z_K] and Var[w'z | z_K] by the precision matrix (Bishop 2.3.1, 2.75)."""
    rng = np.random.default_rng(5)
    factors = rng.normal(size=(6, 9))
    covariance = factors @ factors.T / 9
    weights, known = rng.normal(size=6), np.array([True, False, True, True, False, False])
    z_known = rng.normal(size=3)

    precision = np.linalg.inv(covariance)
    conditional = np.linalg.inv(precision[np.ix_(~known, ~known)])
    mean = -conditional @ precision[np.ix_(~known, known)] @ z_known
    expected_mean = weights[known] @ z_known + weights[~known] @ mean
    expected_variance = weights[~known] @ conditional @ weights[~known]

    given = condition(covariance, weights, known)
    assert given.effective @ z_known == pytest.approx(expected_mean, abs=1e-10)
    assert given.variance == pytest.approx(expected_variance, abs=1e-10)


def test_the_formula_agrees_with_two_million_draws() -> None:
    covariance = np.array([[1.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 1.0]])
    weights, known = np.array([0.4, -1.1, 0.7]), np.array([True, False, False])
    draws = np.random.default_rng(1).multivariate_normal(np.zeros(3), covariance, 2_000_000)
    near = draws[np.abs(draws[:, 0] - 0.8) < 0.02]
    log_odds = near @ weights
    given = condition(covariance, weights, known)
    assert given.effective[0] * 0.8 == pytest.approx(log_odds.mean(), abs=0.02)
    assert given.variance == pytest.approx(log_odds.var(), rel=0.02)


def test_known_columns_that_are_nearly_equal_are_distinguished() -> None:
    """Worked by hand: S_KK has the eigenvalues 1.999 and 0.001 (Cramer's rule)."""
    moments = np.array([[1.0, 0.999, 0.1], [0.999, 1.0, 0.099], [0.1, 0.099, 1.0]])
    known = np.array([True, True, False])
    given = condition(moments, np.array([0.0, 0.0, 1.0]), known)
    determinant = 1 - 0.999**2
    transfer = np.array([0.1 - 0.999 * 0.099, 0.099 - 0.999 * 0.1]) / determinant
    assert given.effective == pytest.approx(transfer, rel=1e-9)
    assert given.variance == pytest.approx(1 - transfer @ [0.1, 0.099], rel=1e-9)


def test_all_inputs_known_leave_no_variance_and_an_exact_score() -> None:
    log_odds = trained().model.decision_function(customers().iloc[::70])
    for known, expected in zip(ROWS, log_odds, strict=True):
        score = conditioner().score(part_of(known, _inputs()))
        assert score.variance == 0.0
        assert score.interval == (score.probability, score.probability)
        assert score.log_odds == pytest.approx(expected, abs=1e-9)


def test_charges_add_nothing_once_every_input_is_known() -> None:
    for known in ROWS:
        whole, inputs = (
            conditioner().score(known),
            conditioner().score(part_of(known, _inputs())),
        )
        assert whole.probability == pytest.approx(inputs.probability, abs=1e-9)


def test_the_interval_holds_the_full_score_nine_times_in_ten() -> None:
    rows = customers_of(customers().iloc[::5])
    held = 0
    for known in rows:
        low, high = conditioner().score(part_of(known, ORIGIN)).interval
        held += low <= conditioner().score(known).probability <= high
    assert 0.86 <= held / len(rows) <= 0.94


def test_probabilities_from_few_fields_are_right_on_average() -> None:
    rows = customers_of(customers())
    p = [conditioner().score(part_of(known, ORIGIN)).probability for known in rows]
    assert np.mean(p) == pytest.approx(0.2654, abs=0.01)


_SUBSETS = st.frozensets(st.sampled_from([field.name for field in FEATURES]))
_CUSTOMERS = st.sampled_from(ROWS)


@given(_CUSTOMERS, _SUBSETS)
def test_any_subset_of_fields_gives_a_probability_within_its_interval(
    known: Customer, names: frozenset[str]
) -> None:
    score = conditioner().score(part_of(known, names))
    low, high = score.interval
    assert 0 < low <= score.probability <= high < 1


@given(_CUSTOMERS, _SUBSETS, _SUBSETS)
def test_knowing_more_never_adds_variance_on_average(
    known: Customer, some: frozenset[str], more: frozenset[str]
) -> None:
    less, rather_more = (
        conditioner().score(part_of(known, names)) for names in (some, some | more)
    )
    assert rather_more.variance <= less.variance + 1e-9


@given(_CUSTOMERS, _SUBSETS)
def test_the_contributions_add_up_to_the_log_odds(known: Customer, names: frozenset[str]) -> None:
    score = conditioner().score(part_of(known, names))
    assert names - {"total_charges"} <= set(score.contributions)
    total = score.base + sum(score.contributions.values())
    assert score.log_odds == pytest.approx(total, abs=1e-12)


@given(_CUSTOMERS, _SUBSETS)
def test_what_follows_from_the_known_fields_is_filled_in_alike_everywhere(
    known: Customer, names: frozenset[str]
) -> None:
    some = part_of(known, names)
    assert parse_customer(some) == some
    assert some.items() <= known.items()


@given(st.lists(st.tuples(_CUSTOMERS, _SUBSETS), max_size=8))
def test_many_customers_at_once_are_scored_as_each_alone(
    pairs: list[tuple[Customer, frozenset[str]]],
) -> None:
    rows = [part_of(known, names) for known, names in pairs]
    alone = [conditioner().score(row).probability for row in rows]
    assert score_block(conditioner(), block_of(rows)).probability.tolist() == alone


@pytest.mark.parametrize(
    ("field", "far", "most"), [("monthly_charges", 1e6, 118.75), ("total_charges", 1e9, 8684.8)]
)
def test_an_amount_far_off_the_training_range_counts_no_more_than_its_end(
    field: str, far: float, most: float
) -> None:
    assert customers()[field].max() == most
    beyond, at_the_end = (conditioner().score(parse_customer({field: x})) for x in (far, most))
    assert beyond == at_the_end
    assert beyond.probability < 0.5


def test_no_more_patterns_are_kept_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditioning, "MOST_PATTERNS", 10)
    few = Conditioner(trained().scorecard)
    for known in combinations(ROWS[0].items(), 2):
        few.score(parse_customer(dict(known)))
    assert few.pattern.cache_info().currsize == 10


def test_the_probability_is_the_probit_approximation() -> None:
    score = Score(log_odds=-1.2, variance=2.0, base=-1.2, contributions={})
    assert score.probability == 1 / (1 + math.exp(1.2 / math.sqrt(1 + math.pi / 4)))


@pytest.mark.parametrize("log_odds", [-1e6, -800.0, -1.0, 0.0, 1.0, 800.0, 1e6])
def test_the_sigmoid_never_overflows(log_odds: float) -> None:
    assert sigmoid(log_odds) == pytest.approx(1 - sigmoid(-log_odds))


def test_fields_that_the_scorecard_does_not_use_are_passed_over() -> None:
    known = parse_customer({"tenure": 5, "customer_id": "7590-VHVEG"})
    assert conditioner().score(known) == conditioner().score(parse_customer({"tenure": 5}))


def test_nothing_billed_yet_implies_no_more_than_the_first_month() -> None:
    first_month = conditioner().score(parse_customer({"tenure": 0}))
    assert conditioner().score(parse_customer({"tenure": 0, "total_charges": 0.0})) == first_month
    assert first_month.probability > 0.5
