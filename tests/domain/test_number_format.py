"""Which marks the numbers of a file prove, and what is asked where they prove none."""

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.core.errors import DataQualityError
from churn.customer.description import MONTHLY_CHARGES, TENURE, TOTAL_CHARGES
from churn.customer.field import Field
from churn.warehouse.loading.dialect import FormatOptions
from churn.warehouse.loading.number_format import (
    Alike,
    NumberFormat,
    possible_formats,
    settle,
    weigh,
)

ENGLISH, GERMAN = NumberFormat(".", ","), NumberFormat(",", ".")
SWISS, FRENCH = NumberFormat(".", "'"), NumberFormat(",", " ")


def _found(columns: dict[Field, list[str]], asked: FormatOptions | None = None) -> NumberFormat:
    formats = possible_formats(asked or FormatOptions())
    cells = {of: [Alike(*one) for one in Counter(texts).items()] for of, texts in columns.items()}
    return settle({of: weigh(of, alike, formats) for of, alike in cells.items()}, formats)


PROVED = {
    "1.889,50": GERMAN,
    "1,889.50": ENGLISH,
    "1.889.500": GERMAN,
    "1,889,500": ENGLISH,
    "29.85": ENGLISH,
    "29,85": GERMAN,
    "29.8": ENGLISH,
    "29,8": GERMAN,
    "1889.500": ENGLISH,
    "1889,500": GERMAN,
    "29.8512": ENGLISH,
    "0.350": ENGLISH,
    "0,350": GERMAN,
    ".350": ENGLISH,
    "1'889.50": SWISS,
    "1\N{RIGHT SINGLE QUOTATION MARK}889.50": SWISS,
    "1'889.500": SWISS,
    "1'889,50": NumberFormat(",", "'"),
    "1 889,50": FRENCH,
    "1\u00a0889,50": FRENCH,
    "1\u202f889,500": FRENCH,
    "1 889.50": NumberFormat(".", " "),
}


@pytest.mark.parametrize("text", PROVED)
def test_one_number_may_prove_the_marks(text: str) -> None:
    assert _found({TOTAL_CHARGES: [text]}) == PROVED[text]


@pytest.mark.parametrize("text", PROVED)
def test_what_is_proved_also_settles_the_other_cells_of_its_column(text: str) -> None:
    either = ["1.889", "12.345"] if PROVED[text].decimal == "." else ["1,889", "12,345"]
    assert _found({TOTAL_CHARGES: [text, *either * 10]}).decimal == PROVED[text].decimal


@pytest.mark.parametrize("text", ["889", "1889", "1'889", "1 889", "1\u202f889"])
def test_a_number_that_two_marks_explain_alike_is_no_question(text: str) -> None:
    found = _found({TOTAL_CHARGES: [text]})
    assert found.read(text, TOTAL_CHARGES) == Decimal("".join(filter(str.isdigit, text)))


@pytest.mark.parametrize("mark", [".", ","])
@pytest.mark.parametrize("monthly", ["56", "56{}123", "889"])
def test_a_column_with_three_digits_after_each_mark_is_a_question(mark: str, monthly: str) -> None:
    columns = {MONTHLY_CHARGES: [monthly.format(mark)] * 9, TOTAL_CHARGES: [f"1{mark}889", "700"]}
    with pytest.raises(DataQualityError) as caught:
        _found(columns)
    name = {".": "dot", ",": "comma"}[mark]
    for part in ("1889", "1.889", f"--thousands {name}", f"--decimal {name}", "Thousands mark"):
        assert part in str(caught.value) or monthly != "56"


def test_the_question_shows_both_readings_and_the_settings() -> None:
    with pytest.raises(DataQualityError) as caught:
        _found({MONTHLY_CHARGES: ["56"], TOTAL_CHARGES: ["1.889"]})
    assert str(caught.value) == (
        "TotalCharges: '1.889' may be 1889 (the dot marks thousands) or 1.889 (the dot marks "
        "decimals), and the file does not show which. Set the thousands mark by hand "
        "(`--thousands dot`, or *Thousands mark* in the form) if it is 1889, the decimal mark "
        "(`--decimal dot`, or *Decimal mark*) if it is 1.889"
    )


@pytest.mark.parametrize("mark", [".", ","])
def test_each_answer_to_the_question_is_taken(mark: str) -> None:
    columns: dict[Field, list[str]] = {TOTAL_CHARGES: [f"1{mark}889"]}
    for asked, expected in (
        (FormatOptions(thousands=mark), Decimal(1889)),
        (FormatOptions(decimal=mark), Decimal("1.889")),
        (FormatOptions(decimal={".": ",", ",": "."}[mark]), Decimal(1889)),
        (FormatOptions(thousands=""), Decimal("1.889")),
        (FormatOptions(thousands="'"), Decimal("1.889")),
    ):
        assert _found(columns, asked).read(f"1{mark}889", TOTAL_CHARGES) == expected


def test_decimals_in_another_column_do_not_settle_a_column_of_three_digits() -> None:
    for mark in ".,":
        columns: dict[Field, list[str]] = {
            MONTHLY_CHARGES: [f"29{mark}85"] * 99,
            TOTAL_CHARGES: [f"1{mark}889"] * 99,
        }
        with pytest.raises(DataQualityError, match="TotalCharges"):
            _found(columns)


def test_the_other_mark_in_another_column_settles_a_column_of_three_digits() -> None:
    for mark, other in (".,", ",."):
        columns: dict[Field, list[str]] = {
            MONTHLY_CHARGES: [f"29{other}85"],
            TOTAL_CHARGES: [f"1{mark}889"] * 99,
        }
        assert _found(columns).read(f"1{mark}889", TOTAL_CHARGES) == 1889


def test_one_odd_cell_among_thousands_settles_nothing() -> None:
    with pytest.raises(DataQualityError, match="does not show which"):
        _found({TOTAL_CHARGES: ["1.889"] * 7_000 + ["29.85"]})


def test_cells_that_contradict_each_other_settle_nothing() -> None:
    with pytest.raises(DataQualityError, match="does not show which"):
        _found({TOTAL_CHARGES: ["1.889"] * 10 + ["29.85"] * 10 + ["1.234.567"] * 10})


def test_a_count_out_of_range_is_no_question_and_one_in_range_is() -> None:
    assert _found({TENURE: ["12.000"]}).decimal == "."
    with pytest.raises(DataQualityError, match=r"tenure: '1\.000' may be 1000"):
        _found({TENURE: ["1.000"]})


def test_the_same_mark_for_both_is_refused() -> None:
    with pytest.raises(DataQualityError, match="cannot be the same"):
        possible_formats(FormatOptions(decimal=".", thousands="."))


_formats = st.sampled_from([ENGLISH, GERMAN, SWISS, FRENCH, NumberFormat(",", "'")])


def _written(amount: Decimal, numbers: NumberFormat) -> str:
    text = f"{amount:,}"
    return text.translate(str.maketrans(",.", numbers.thousands + numbers.decimal))


@given(
    numbers=_formats,
    amounts=st.lists(st.decimals(0, 10**6, places=2), min_size=1, max_size=30),
    whole=st.lists(st.integers(0, 10**9), max_size=30),
)
def test_a_file_is_read_as_it_was_written_or_refused(
    numbers: NumberFormat, amounts: list[Decimal], whole: list[int]
) -> None:
    texts = [_written(a, numbers) for a in [*amounts, *map(Decimal, whole)]]
    try:
        found = _found({TOTAL_CHARGES: texts})
    except DataQualityError:
        assert len(whole) > 90 * len(amounts)  # two decimals in each of the others prove the mark
        return
    for amount, text in zip([*amounts, *map(Decimal, whole)], texts, strict=True):
        assert found.read(text, TOTAL_CHARGES) == amount
