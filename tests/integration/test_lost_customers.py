"""A load that would lose customers stops, and goes on only where that is allowed by hand."""

from datetime import UTC, date, timedelta
from datetime import datetime as clock

import pytest

from churn.warehouse.cleaning.gate import Verdict
from churn.warehouse.connect import Connection
from tests.customer_file import CHURN_CSV, read_rows
from tests.loading import Row, Write, bring_in, csv_text, everything, judged, number

ROWS = read_rows()
SAMPLE_DAY = date(2019, 7, 11)
OCTOBER, NOVEMBER = date(2026, 10, 31), date(2026, 11, 24)
COUNT = "SELECT count(*) FROM customers"


def _company(rows: list[Row]) -> list[Row]:
    return [{**row, "customerID": f"C{i:06d}"} for i, row in enumerate(rows)]


def test_a_truncated_replacement_stops_names_the_numbers_and_goes_on_by_hand(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, CHURN_CSV)
    half = write(csv_text(ROWS[: len(ROWS) // 2]))
    judgement = judged(bring_in(url, half, replace=True))
    assert judgement.verdict is Verdict.STOP
    assert (
        "remove 3,522 of 7,043 customers (50.0%), over the limit of 10.0%" in judgement.reasons[0]
    )
    assert "--allow-change (*Allow a large change* in the form)" in judgement.reasons[1]
    assert number(connection, COUNT) == 7_043
    allowed = bring_in(url, half, again=True, replace=True, allow_change=True)
    assert judged(allowed).verdict is Verdict.FLAG
    assert judged(allowed).reasons[0].endswith("; allowed by hand")
    assert (allowed.counts.removed, number(connection, COUNT)) == (3_522, 3_521)


@pytest.mark.parametrize(("kept", "verdict"), [(630, "pass"), (629, "stop")])
def test_a_small_base_has_the_same_limit(url: str, write: Write, kept: int, verdict: str) -> None:
    bring_in(url, write(csv_text(ROWS[:700])))
    report = bring_in(url, write(csv_text(ROWS[:kept])), replace=True)
    assert judged(report).verdict.value == verdict


def test_the_sample_is_replaced_by_a_companys_own_customers_without_a_word(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, CHURN_CSV)
    own = [{**row, "MonthlyCharges": str(9 + i % 7)} for i, row in enumerate(_company(ROWS[:900]))]
    report = bring_in(url, write(csv_text(own)), day=OCTOBER, replace=True)
    assert judged(report).reasons == ()
    assert (report.counts.removed, number(connection, COUNT)) == (7_043, 900)


def test_a_companys_customers_are_not_removed_along_with_the_sample(
    url: str, connection: Connection, write: Write
) -> None:
    own = _company(ROWS[:2_000])
    bring_in(url, CHURN_CSV)
    bring_in(url, write(csv_text(own)))
    judgement = judged(bring_in(url, write(csv_text(own[:900])), replace=True))
    assert judgement.verdict is Verdict.STOP
    assert "would remove 1,100 of 2,000 customers (55.0%)" in judgement.reasons[0]
    assert number(connection, COUNT) == 9_043


def test_customers_next_to_those_of_the_sample_are_flagged(url: str, write: Write) -> None:
    bring_in(url, CHURN_CSV)
    judgement = judged(bring_in(url, write(csv_text(_company(ROWS[:900])))))
    assert judgement.verdict is Verdict.FLAG
    assert "7,043 customers are those of the shipped sample, next to others" in judgement.reasons[0]
    assert "--replace" in judgement.reasons[0]


def test_the_sample_next_to_a_companys_customers_is_flagged(url: str, write: Write) -> None:
    bring_in(url, write(csv_text(_company(ROWS[:900]))))
    assert "shipped sample, next to others" in str(bring_in(url, CHURN_CSV))


def test_a_file_with_far_fewer_rows_stops_and_goes_on_by_hand(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, CHURN_CSV)
    half = write(csv_text(ROWS[:3_521]))
    judgement = judged(bring_in(url, half))
    assert judgement.verdict is Verdict.STOP
    fewer = "3,521 rows, where the last loads had 7,043: 50.0% fewer, over the limit of 10.0%"
    assert judgement.reasons[0] == fewer
    assert everything(connection, "SELECT DISTINCT load_id FROM customers") == [(1,)]
    assert judged(bring_in(url, half, allow_change=True)).verdict is Verdict.FLAG
    assert judged(bring_in(url, write(csv_text(ROWS[:3_500])))).verdict is Verdict.PASS


def test_a_fall_that_is_spread_over_two_nights_stops(url: str, write: Write) -> None:
    for _ in range(3):
        bring_in(url, write(csv_text(ROWS[:1_000])), again=True)
    assert judged(bring_in(url, write(csv_text(ROWS[:910])))).verdict is Verdict.PASS
    judgement = judged(bring_in(url, write(csv_text(ROWS[:830]))))
    assert "830 rows, where the last loads had 1,000: 17.0% fewer" in judgement.reasons[0]


def test_a_fall_after_growth_is_measured_from_the_last_load(url: str, write: Write) -> None:
    for rows in (1_000, 1_000, 1_400):
        bring_in(url, write(csv_text(ROWS[:rows])), again=True)
    judgement = judged(bring_in(url, write(csv_text(ROWS[:1_200]))))
    assert "1,200 rows, where the last loads had 1,400" in judgement.reasons[0]


def test_a_truncated_file_of_very_few_rows_stops_too(url: str, write: Write) -> None:
    bring_in(url, CHURN_CSV)
    assert judged(bring_in(url, write(csv_text(ROWS[:300])))).verdict is Verdict.STOP


def test_a_small_file_of_changed_and_new_customers_passes_and_is_no_measure(
    url: str, write: Write
) -> None:
    bring_in(url, CHURN_CSV)
    changed = [{**row, "Contract": "Two year", "tenure": "7"} for row in ROWS[40:75]]
    new = _company(ROWS[:15])
    assert judged(bring_in(url, write(csv_text([*changed, *new])))).reasons == ()
    assert judged(bring_in(url, write(csv_text(ROWS[:3_000])))).verdict is Verdict.STOP
    assert judged(bring_in(url, write(csv_text(ROWS[:6_900])))).reasons == ()


def test_files_of_two_regions_are_each_compared_with_their_own(url: str, write: Write) -> None:
    for night in (24, 25):
        for name, rows in (("north", ROWS[:5_000]), ("south", ROWS[5_000:])):
            path = write(csv_text(rows), f"{name}_2026-10-{night}.csv")
            assert judged(bring_in(url, path, again=True)).reasons == (), (name, night)
    cut = write(csv_text(ROWS[5_000:6_000]), "south_2026-10-26.csv")
    judgement = judged(bring_in(url, cut))
    assert "1,000 rows, where the last loads had 2,043" in judgement.reasons[0]


def test_a_replacement_that_is_older_than_what_is_known_fails(
    url: str, connection: Connection, write: Write
) -> None:
    bring_in(url, write(csv_text(ROWS[:700])), day=NOVEMBER)
    text = csv_text(_company(ROWS[:700]))
    report = bring_in(url, write(text, "export_2026-10-31.csv"), replace=True, allow_change=True)
    assert judged(report).verdict is Verdict.STOP
    assert "700 of them have a later snapshot date" in judged(report).reasons[0]
    assert number(connection, COUNT) == 700
    later = bring_in(url, write(text), day=NOVEMBER, replace=True, allow_change=True)
    assert (later.counts.removed, number(connection, COUNT)) == (700, 700)


def test_a_replacement_with_some_older_rows_fails(url: str, write: Write) -> None:
    bring_in(url, write(csv_text(ROWS[:700])), day=NOVEMBER)
    rows = [{**row, "snapshot_date": "2026-11-25"} for row in ROWS[:700]]
    for row in rows[:7]:
        row.update(snapshot_date="2026-10-31", tenure="50")
    judgement = judged(bring_in(url, write(csv_text(rows)), replace=True))
    assert judgement.verdict is Verdict.STOP
    assert "7 of them have a later snapshot date" in judgement.reasons[0]


def test_the_sample_has_the_day_of_its_publication_and_gives_way_to_any_export(
    url: str, connection: Connection, write: Write
) -> None:
    assert bring_in(url, CHURN_CSV).snapshot == "2019-07-11 (the list files.toml)"
    assert everything(connection, "SELECT DISTINCT snapshot_date FROM customers") == [(SAMPLE_DAY,)]
    own = write(csv_text(_company(ROWS[:700])), "export_2018-01-31.csv")
    assert bring_in(url, own, replace=True).counts.removed == 7_043


@pytest.mark.parametrize("by", ["hand", "name", "column"])
@pytest.mark.parametrize(
    "rows", [ROWS[:300], [{**row, "tenure": "9"} for row in ROWS[:300]]], ids=["same", "other"]
)
def test_a_file_in_which_every_row_is_older_is_flagged(
    url: str, connection: Connection, write: Write, rows: list[Row], by: str
) -> None:
    bring_in(url, write(csv_text(ROWS[:300])), day=NOVEMBER)
    if by == "column":
        rows = [{**row, "snapshot_date": f"{OCTOBER}"} for row in rows]
    path = write(csv_text(rows), "2026-10-31.csv" if by == "name" else "old.csv")
    report = bring_in(url, path, day=OCTOBER if by == "hand" else None, again=True)
    assert judged(report).verdict is Verdict.FLAG
    assert any(
        "has a later snapshot date and is not changed" in why for why in judged(report).reasons
    )
    assert everything(connection, "SELECT DISTINCT load_id FROM customers") == [(1,)]


def test_a_file_of_the_same_day_and_of_the_next_is_not_older(url: str, write: Write) -> None:
    bring_in(url, write(csv_text(ROWS[:300])), day=NOVEMBER)
    for day in (NOVEMBER, NOVEMBER + timedelta(days=1)):
        assert judged(bring_in(url, write(csv_text(ROWS[:300])), day=day, again=True)).reasons == ()


def test_many_older_rows_among_newer_ones_are_flagged_and_a_few_are_not(
    url: str, write: Write
) -> None:
    bring_in(url, write(csv_text(ROWS[:100])), day=OCTOBER)
    for older, flagged in ((10, False), (30, True)):
        rows = [
            {**row, "tenure": f"{older}", "snapshot_date": f"{OCTOBER - timedelta(days=i < older)}"}
            for i, row in enumerate(ROWS[:100])
        ]
        reasons = judged(bring_in(url, write(csv_text(rows)))).reasons
        assert any("are older than the customers' own" in why for why in reasons) == flagged


def test_after_a_shrinking_that_was_allowed_the_next_nights_are_as_usual(
    url: str, write: Write
) -> None:
    bring_in(url, CHURN_CSV)
    bring_in(url, write(csv_text(ROWS[:3_000])), replace=True, allow_change=True)
    today = clock.now(UTC).date()
    for _ in range(2):
        report = bring_in(url, write(csv_text(ROWS[:2_990])), day=today, again=True)
        assert judged(report).reasons == ()


@pytest.mark.parametrize("replace", [False, True])
def test_a_fall_over_two_nights_stops_also_soon_after_the_first_load_and_by_replacements(
    url: str, write: Write, *, replace: bool
) -> None:
    bring_in(url, write(csv_text(ROWS[:1_000])))
    assert judged(bring_in(url, write(csv_text(ROWS[:910])), replace=replace)).reasons == ()
    judgement = judged(bring_in(url, write(csv_text(ROWS[:830])), replace=replace))
    assert judgement.verdict is Verdict.STOP
    assert "830 rows, where the last loads had 1,000: 17.0% fewer" in judgement.reasons[0]


def test_a_few_changed_customers_of_a_small_base_are_no_fall(url: str, write: Write) -> None:
    bring_in(url, write(csv_text(ROWS[:300])))
    changed = [{**row, "PaperlessBilling": "Yes", "tenure": "9"} for row in ROWS[:50]]
    assert judged(bring_in(url, write(csv_text(changed)))).reasons == ()
    assert judged(bring_in(url, write(csv_text(ROWS[100:150])))).verdict is Verdict.STOP
