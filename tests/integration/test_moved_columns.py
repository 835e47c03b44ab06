"""The gate compares each column with what is known and with the last loads."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from churn.warehouse.cleaning.gate import Verdict
from churn.warehouse.connect import Connection
from tests.customer_file import CHURN_CSV, read_rows
from tests.loading import Row, Write, bring_in, csv_text, everything, judged

ROWS = read_rows()
TODAY = datetime.now(UTC).date()
FLAGS = [
    "SeniorCitizen Partner Dependents PhoneService MultipleLines OnlineSecurity OnlineBackup",
    "DeviceProtection TechSupport StreamingTV StreamingMovies PaperlessBilling Churn",
]


def _times(header: str, factor: float) -> Callable[[Row], Row]:
    def change(row: Row) -> Row:
        return {**row, header: f"{float(row[header].strip() or 0) * factor:.2f}"}

    return change


def _swap(one: str, other: str) -> Callable[[Row], Row]:
    def change(row: Row) -> Row:
        return {**row, one: row[other], other: row[one]}

    return change


def _swap_tenure_and_charges(row: Row) -> Row:
    months = str(round(float(row["MonthlyCharges"])))
    return {**row, "tenure": months, "MonthlyCharges": row["tenure"]}


def _always(header: str, value: str) -> Callable[[Row], Row]:
    return lambda row: {**row, header: value}


def _invert(header: str) -> Callable[[Row], Row]:
    pairs = {"Yes": "No", "No": "Yes", "Male": "Female", "Female": "Male", "0": "1", "1": "0"}
    return lambda row: {**row, header: pairs.get(row[header], row[header])}


def _rotate(header: str, values: list[str]) -> Callable[[Row], Row]:
    return lambda row: {**row, header: values[(values.index(row[header]) + 1) % len(values)]}


def _as_company(rows: list[Row], name: str) -> list[Row]:
    return [{**row, "customerID": f"{name}{i:06d}"} for i, row in enumerate(rows)]


GROSS: dict[str, tuple[Callable[[Row], Row], str]] = {
    "monthly and total charges swapped": (_swap("MonthlyCharges", "TotalCharges"), "monthly"),
    "tenure and monthly charges swapped": (_swap_tenure_and_charges, "monthly_charges"),
    "monthly charges in cents": (_times("MonthlyCharges", 100), "monthly_charges"),
    "total charges in cents": (_times("TotalCharges", 100), "total_charges"),
    "monthly charges a hundred times too small": (_times("MonthlyCharges", 0.01), "monthly"),
    "partner inverted": (_invert("Partner"), "partner"),
    "gender inverted": (_invert("gender"), "gender"),
    "senior citizen inverted": (_invert("SeniorCitizen"), "senior_citizen"),
    "churn inverted": (_invert("Churn"), "churn"),
    "contracts moved by one": (
        _rotate("Contract", ["Month-to-month", "One year", "Two year"]),
        "contract",
    ),
}
NOTABLE: dict[str, tuple[Callable[[Row], Row], str]] = {
    "two flags swapped": (_swap("StreamingTV", "StreamingMovies"), "streaming_tv"),
    "partner and dependents swapped": (_swap("Partner", "Dependents"), "partner"),
    "constant charges": (_always("MonthlyCharges", "70"), "monthly_charges"),
    "constant flag": (_always("PaperlessBilling", "Yes"), "paperless_billing"),
    "constant gender": (_always("gender", "Male"), "gender"),
    "nearly constant phone": (_always("SeniorCitizen", "0"), "senior_citizen"),
    "charges a quarter up": (_times("MonthlyCharges", 1.25), "monthly_charges"),
}


@pytest.mark.parametrize("case", GROSS)
def test_a_column_that_changed_grossly_stops_the_load(
    url: str, connection: Connection, write: Write, case: str
) -> None:
    change, field = GROSS[case]
    bring_in(url, write(csv_text(ROWS[:2_000])))
    path = write(csv_text([change(row) for row in ROWS[:2_000]]))
    judgement = judged(bring_in(url, path))
    assert judgement.verdict is Verdict.STOP, judgement
    assert any(why.startswith(field) for why in judgement.reasons)
    assert any("--allow-change" in why for why in judgement.reasons)
    assert everything(connection, "SELECT DISTINCT load_id FROM customers") == [(1,)]
    assert judged(bring_in(url, path, allow_change=True)).verdict is Verdict.FLAG


@pytest.mark.parametrize("case", NOTABLE)
def test_a_column_that_changed_notably_is_flagged(url: str, write: Write, case: str) -> None:
    change, field = NOTABLE[case]
    bring_in(url, write(csv_text(ROWS[:2_000])))
    judgement = judged(bring_in(url, write(csv_text([change(row) for row in ROWS[:2_000]]))))
    assert judgement.verdict is Verdict.FLAG, judgement
    assert any(why.startswith(f"{field}: ") for why in judgement.reasons), judgement


@pytest.mark.parametrize(
    "case", [case for case in GROSS if "inverted" not in case or "partner" not in case]
)
def test_a_file_of_other_customers_is_compared_with_the_last_loads(
    url: str, write: Write, case: str
) -> None:
    change, field = GROSS[case]
    bring_in(url, write(csv_text(_as_company(ROWS[:3_000], "a"))))
    others = [change(row) for row in _as_company(ROWS[3_000:6_000], "b")]
    judgement = judged(bring_in(url, write(csv_text(others))))
    if case == "gender inverted":  # half are women: other customers do not show it
        assert judgement.verdict is Verdict.PASS
    else:
        assert any(why.startswith(field) for why in judgement.reasons), judgement


def test_amounts_of_a_third_of_the_customers_in_cents_are_flagged(url: str, write: Write) -> None:
    bring_in(url, CHURN_CSV)
    rows = [_times("MonthlyCharges", 100)(row) if i % 3 == 0 else row for i, row in enumerate(ROWS)]
    judgement = judged(bring_in(url, write(csv_text(rows))))
    assert any(why.startswith("monthly_charges: ") for why in judgement.reasons)


def test_a_repaired_night_after_an_allowed_change_is_possible(url: str, write: Write) -> None:
    path = write(csv_text(ROWS[:2_000]))
    bring_in(url, path)
    cents = csv_text([_times("MonthlyCharges", 100)(row) for row in ROWS[:2_000]])
    bring_in(url, write(cents, "cents.csv"), allow_change=True)
    assert judged(bring_in(url, path, again=True)).verdict is Verdict.STOP
    assert judged(bring_in(url, path, again=True, allow_change=True)).verdict is Verdict.FLAG
    assert judged(bring_in(url, path, again=True)).reasons == ()


def _a_month_later(row: Row) -> Row:
    total = float(row["TotalCharges"].strip() or 0) + float(row["MonthlyCharges"])
    return {**row, "tenure": str(int(row["tenure"]) + 1), "TotalCharges": f"{total:.2f}"}


def _next_night(rows: list[Row], chance: np.random.Generator, night: int) -> list[Row]:
    kept = [row for row in rows if chance.random() > 0.005]
    changed = [
        {**row, "Contract": "Two year", "PaperlessBilling": "No"} if chance.random() < 0.01 else row
        for row in kept
    ]
    if night == 5:  # the month turns
        changed = [_a_month_later(row) for row in changed]
    new = [{**ROWS[chance.integers(len(ROWS))], "customerID": f"n{night}-{i}"} for i in range(20)]
    return [*changed, *new]


def test_ten_ordinary_nights_pass_without_a_word(url: str, write: Write) -> None:
    chance, rows = np.random.default_rng(7), ROWS[:4_000]
    bring_in(url, write(csv_text(rows)), day=TODAY - timedelta(days=11))
    for night in range(10):
        rows = _next_night(rows, chance, night)
        day = TODAY - timedelta(days=10 - night)
        report = bring_in(url, write(csv_text(rows)), day=day, again=True)
        assert judged(report).reasons == (), night


@pytest.mark.parametrize("size", [50, 150, 400])
def test_small_files_of_changed_or_new_customers_pass_without_a_word(
    url: str, write: Write, size: int
) -> None:
    bring_in(url, write(csv_text(ROWS[:7_000])))
    for seed in range(5):
        places = np.random.default_rng(seed).choice(7_000, size, replace=False)
        chosen = [ROWS[place] for place in places]
        changed = [
            {**row, "MonthlyCharges": f"{float(row['MonthlyCharges']) + 1:.2f}"} for row in chosen
        ]
        new = _as_company(chosen[: size // 3], f"s{seed}-")
        for rows in (changed, new):
            assert judged(bring_in(url, write(csv_text(rows)))).reasons == (), (size, seed)


def test_a_campaign_that_changes_fifty_customers_alike_passes(url: str, write: Write) -> None:
    bring_in(url, write(csv_text(ROWS[:7_000])))
    monthly = [row for row in ROWS if row["Contract"] == "Month-to-month"]
    moved = [{**row, "Contract": "Two year"} for row in monthly[:50]]
    assert judged(bring_in(url, write(csv_text(moved)))).reasons == ()
