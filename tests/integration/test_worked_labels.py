"""The worked examples of docs/outcomes.md."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from churn.warehouse.connect import connect
from churn.warehouse.outcomes.outcome import Outcome, parse_outcome
from churn.warehouse.outcomes.record import Source, record_outcomes
from local.layout import PROJECT
from tests.integration.test_labels import _log as log_predictions
from tests.integration.test_labels import labels
from tests.outcome_rule import Predicted, label

PAGE: Final = PROJECT / "docs" / "outcomes.md"
T: Final = datetime(2026, 1, 1, tzinfo=UTC)
AS_OF: Final = datetime(2026, 6, 1, tzinfo=UTC)
NOW: Final = datetime(2027, 1, 1, tzinfo=UTC)
MATURITY: Final = timedelta(days=30)
LABELS: Final = {"none": -1, "0": 0, "1": 1}
STATED: Final = re.compile(r"(left|there) on (\S+?)(?:, recorded (\S+))?")


def _examples() -> dict[str, int]:
    text = PAGE.read_text(encoding="utf-8")
    _, table = text.split("| outcomes of the customer | label |\n|---|---|\n")
    rows = table.partition("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {outcomes: LABELS[found] for outcomes, found in cells}


def _outcome(text: str) -> Outcome:
    found = STATED.fullmatch(text)
    assert found, text
    raw = {"customer_id": "A", "churned": found[1] == "left", "observed_at": found[2]}
    return parse_outcome({**raw, "recorded_at": found[3]}, NOW)


def test_the_worked_examples_are_labelled_as_the_document_states(url: str) -> None:
    prediction = Predicted(UUID(int=1), "A", T)
    examples = _examples()
    assert len(examples) == 13
    with connect(url) as connection:
        log_predictions(connection, [prediction])
        for text, expected in examples.items():
            stated = [] if text == "none" else [_outcome(one) for one in text.split("; ")]
            connection.execute("DELETE FROM outcomes")
            record_outcomes(connection, stated, Source.FILE)
            assert labels(connection, AS_OF, MATURITY)[prediction.prediction_id][0] == expected, (
                text
            )
            assert label(prediction, stated, AS_OF, MATURITY)[0] == expected, text
