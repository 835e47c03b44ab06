import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.warehouse.cleaning.gate import (
    Facts,
    InvalidValues,
    Judgement,
    Terms,
    Trouble,
    Verdict,
    judge,
)
from churn.warehouse.cleaning.sizes import Counted, usual


def _judge(  # noqa: PLR0913
    rows: int = 7_000,
    churned: int = 1_800,
    *,
    rejected: int = 0,
    limit: float = 0.05,
    last: Counted | None = None,
    invalid: tuple[InvalidValues, ...] = (),
    leaks: tuple[str, ...] = (),
    absent: tuple[str, ...] = (),
) -> Judgement:
    return judge(
        Facts(
            counted=Counted(rows, churned),
            rejected=rejected,
            terms=Terms(limit_rejected=limit),
            invalid=invalid,
            last=last,
            leaks=leaks,
            lacks=absent,
        )
    )


def test_a_plain_first_load_passes_without_a_reason() -> None:
    assert _judge() == Judgement(Verdict.PASS, ())


def test_a_load_like_the_last_one_passes() -> None:
    assert _judge(last=Counted(6_900, 1_790)).verdict is Verdict.PASS


def test_as_many_invalid_rows_as_the_limit_pass() -> None:
    assert _judge(40, 9, rejected=2).verdict is Verdict.PASS


def test_one_invalid_row_over_the_limit_stops_the_load() -> None:
    judgement = _judge(40, 9, rejected=3)
    assert judgement.verdict is Verdict.STOP
    assert judgement.reasons == ("3 of 40 rows are not valid customers, over the limit of 5.0%",)


def test_a_limit_of_nothing_stops_at_the_first_invalid_row() -> None:
    assert _judge(rejected=1, limit=0).verdict is Verdict.STOP


def test_a_limit_of_everything_stops_no_row() -> None:
    assert _judge(40, 0, rejected=40, limit=1).verdict is Verdict.PASS


@pytest.mark.parametrize(("churned", "who"), [(0, "none of the"), (7_000, "all")])
def test_a_large_file_with_one_outcome_is_stopped(churned: int, who: str) -> None:
    judgement = _judge(churned=churned)
    assert judgement.verdict is Verdict.STOP
    assert judgement.reasons[0].startswith(f"{who} 7,000 customers churned")


def test_a_small_file_may_have_one_outcome() -> None:
    assert _judge(999, 0).verdict is Verdict.PASS


def test_columns_that_leak_the_answer_are_flagged_by_name() -> None:
    judgement = _judge(leaks=("Churn Score", "CLTV"))
    assert judgement.verdict is Verdict.FLAG
    assert "Churn Score, CLTV" in judgement.reasons[0]


def test_an_optional_column_that_is_missing_is_flagged_by_name() -> None:
    judgement = _judge(absent=("TotalCharges",))
    assert judgement.verdict is Verdict.FLAG
    assert "lacks TotalCharges" in judgement.reasons[0]


def test_a_column_with_many_unknown_values_is_flagged_with_its_share() -> None:
    judgement = _judge(
        1_000, 260, rejected=20, invalid=(InvalidValues("contract", Trouble.BLANK, 20),)
    )
    assert judgement.verdict is Verdict.FLAG
    assert judgement.reasons == ("contract: 20 of 1,000 values (2.00%) are blank",)


def test_a_column_with_hardly_any_unknown_values_passes() -> None:
    assert (
        _judge(
            1_000, 260, rejected=1, invalid=(InvalidValues("contract", Trouble.UNSEEN, 1),)
        ).verdict
        is Verdict.PASS
    )


@pytest.mark.parametrize(("rows", "verdict"), [(499, "flag"), (500, "pass"), (1_501, "flag")])
def test_a_row_count_that_changed_by_more_than_half_is_flagged(rows: int, verdict: str) -> None:
    judgement = _judge(rows, rows // 4, last=Counted(1_000, 250))
    assert judgement.verdict.value == verdict


def test_a_churn_share_that_jumped_is_flagged_with_both_shares() -> None:
    judgement = _judge(7_000, 2_800, last=Counted(7_000, 1_820))
    assert judgement.verdict is Verdict.FLAG
    assert judgement.reasons == ("40.0% churned, where it was 26.0% in the last loads",)


def test_one_odd_file_among_the_last_ones_is_not_the_measure() -> None:
    last = usual([Counted(100, 90), *[Counted(7_000, 1_820)] * 4])
    assert last == Counted(7_000, 1_820)
    assert usual([]) is None


def test_a_jump_that_chance_explains_in_a_small_file_passes() -> None:
    assert _judge(20, 8, last=Counted(20, 5)).verdict is Verdict.PASS


def test_a_sure_but_slight_move_of_the_churn_share_passes() -> None:
    moved = _judge(1_000_000, 290_000, last=Counted(1_000_000, 260_000))
    assert moved.verdict is Verdict.PASS


def test_what_stops_a_load_stands_before_what_flags_it() -> None:
    judgement = _judge(40, 9, rejected=30, leaks=("CLTV",))
    assert judgement.verdict is Verdict.STOP
    assert "rows are not valid" in judgement.reasons[0]
    assert "CLTV" in judgement.reasons[1]


@given(
    rows=st.integers(1, 10**7), share=st.floats(0, 1), bad=st.floats(0, 1), limit=st.floats(0, 1)
)
def test_the_verdict_is_pass_exactly_without_a_reason(
    rows: int, share: float, bad: float, limit: float
) -> None:
    judgement = _judge(rows, int(rows * share), rejected=int(rows * bad), limit=limit)
    assert (judgement.verdict is Verdict.PASS) == (judgement.reasons == ())
