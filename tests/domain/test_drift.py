from functools import cache

import numpy as np
import pytest
from scipy import stats

from churn.customer.description import CONTRACT, MONTHLY_CHARGES, TENURE
from churn.monitoring import drift
from churn.monitoring.drift import SCORE, Sample, g_statistic, holm, judge, kolmogorov_smirnov
from churn.monitoring.reference import Reference, read_reference, score_bins
from churn.pipeline.reference_counts import reference_of
from tests.customer_file import trained

RANDOM = np.random.default_rng(7)


@cache
def reference() -> Reference:
    return read_reference(reference_of(trained()).model_dump_json().encode())


def drawn(size: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the counts of a window that is drawn from the reference, each field by itself."""
    random, found = np.random.default_rng(seed), reference()
    fields = {
        one.field: random.multinomial(size, one.counts / one.counts.sum()) for one in found.fields
    }
    score = np.array(found.score.customers)
    return fields, random.multinomial(size, score / score.sum())


@pytest.mark.parametrize("seed", range(5))
def test_g_is_that_of_scipy(seed: int) -> None:
    one, other = np.random.default_rng(seed).integers(1, 90, (2, 6))
    expected = stats.chi2_contingency([one, other], lambda_="log-likelihood", correction=False)
    assert g_statistic(one, other) == pytest.approx(expected.statistic)


def test_g_leaves_out_values_that_neither_sample_has() -> None:
    one, other = np.array([5, 0, 9]), np.array([7, 0, 2])
    assert g_statistic(one, other) == pytest.approx(g_statistic(one[[0, 2]], other[[0, 2]]))


@pytest.mark.parametrize("seed", range(5))
def test_kolmogorov_smirnov_is_that_of_scipy(seed: int) -> None:
    one, other = np.random.default_rng(seed).integers(0, 30, (2, 12))
    samples = (np.repeat(np.arange(12), one), np.repeat(np.arange(12), other))
    expected = stats.ks_2samp(*samples).statistic
    assert kolmogorov_smirnov(one, other) == pytest.approx(expected)


def test_many_windows_at_once_are_as_each_by_itself() -> None:
    windows = RANDOM.integers(0, 50, (4, 6)) + 1
    others = RANDOM.integers(0, 50, (4, 6)) + 1
    for statistic in (g_statistic, kolmogorov_smirnov):
        each = [float(statistic(a, b)) for a, b in zip(windows, others, strict=True)]
        assert statistic(windows, others).tolist() == pytest.approx(each)


def test_holm_is_that_of_the_textbook_example() -> None:
    """The example of Holm's method in Wikipedia: H1 and H4 are rejected, H2 and H3 are not."""
    found = holm({"h1": 0.01, "h2": 0.04, "h3": 0.03, "h4": 0.005}, 0.05)
    assert found == {"h1", "h4"}


def test_p_values_of_windows_without_drift_are_uniform() -> None:
    random, shares = np.random.default_rng(1), [0.5, 0.3, 0.2]
    found = []
    for _ in range(150):
        trained_on = Sample("field", tuple(random.multinomial(300, shares).tolist()), False)
        window = random.multinomial(200, shares)
        found.append(drift.p_value(trained_on, window, smallest=0.01))
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_no_window_of_the_reference_alarms() -> None:
    for seed in range(10):
        fields, score = drawn(300, seed)
        assert not any(one.is_alarm for one in judge(reference(), fields, score, alpha=0.001))


def test_a_shift_alarms_with_its_size_and_its_effect_on_the_scores() -> None:
    fields, score = drawn(2_000, 1)
    fields[CONTRACT.name] = np.array([1_400, 300, 300, 0])
    found = {one.name: one for one in judge(reference(), fields, score, alpha=0.001)}
    contract = found[CONTRACT.name]
    shares = next(one for one in reference().fields if one.field == CONTRACT.name).counts / 7_043
    assert contract.is_alarm
    assert contract.distance == pytest.approx(np.abs([0.7, 0.15, 0.15, 0] - shares).sum() / 2)
    assert contract.log_odds > 0.1, "month-to-month contracts raise the score"
    assert [name for name, one in found.items() if one.is_alarm] == [CONTRACT.name]


def test_a_value_that_training_did_not_have_alarms_and_is_counted() -> None:
    fields, score = drawn(2_000, 1)
    fields[CONTRACT.name] = np.array([1_000, 450, 450, 100])
    found = {one.name: one for one in judge(reference(), fields, score, alpha=0.001)}
    assert found[CONTRACT.name].is_alarm
    assert found[CONTRACT.name].outside == 100


def test_a_field_that_the_scores_do_not_depend_on_changes_no_score() -> None:
    fields, score = drawn(2_000, 1)
    counts = fields[MONTHLY_CHARGES.name]
    fields[MONTHLY_CHARGES.name] = np.where(np.arange(len(counts)) % 20 < 10, 2 * counts, 0)
    found = {one.name: one for one in judge(reference(), fields, score, alpha=0.001)}
    charges = found[MONTHLY_CHARGES.name]
    assert (charges.is_alarm, charges.log_odds, charges.log_loss) == (True, 0, 0)


@pytest.mark.parametrize(("rows", "is_judged"), [(0, False), (49, False), (50, True)])
def test_too_few_rows_are_not_judged(rows: int, is_judged: bool) -> None:
    fields, score = drawn(2_000, 1)
    fields[TENURE.name] = np.random.default_rng(1).multinomial(
        rows, fields[TENURE.name] / fields[TENURE.name].sum()
    )
    found = {one.name: one for one in judge(reference(), fields, score, alpha=0.05)}
    assert (found[TENURE.name].p is not None) is is_judged
    assert not found[TENURE.name].is_alarm


def test_predictions_of_the_same_customers_add_nothing() -> None:
    """100 customers who are scored 20 times each are 100 customers."""
    fields, score = drawn(100, 3)
    often = {name: counts * 20 for name, counts in fields.items()}
    once = judge(reference(), fields, score, alpha=0.05)
    assert judge(reference(), often, score * 20, alpha=0.05, share=1 / 20) == once


def test_the_score_is_judged_last_and_over_its_own_bins() -> None:
    fields, _ = drawn(2_000, 1)
    high = np.bincount(score_bins(np.full(2_000, 0.9)), minlength=1_000)
    found = judge(reference(), fields, high, alpha=0.001)
    assert found[-1].name == SCORE
    assert found[-1].is_alarm


def test_windows_that_follow_each_other_for_a_year_share_one_alpha() -> None:
    assert drift.window_alpha(7) * 365 / 7 == pytest.approx(0.05)
    assert drift.window_alpha(3_650) == 0.05
