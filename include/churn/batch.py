"""Scores many customers, each alone in its error."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TextIO

from churn.customer import BY_OUTSIDE_NAME, CHURN, CUSTOMER_ID, normalised
from churn.errors import InvalidCustomerError, Problem
from churn.parsing import parse_customer
from churn.scoring import LoadedModel

_COLUMNS = (
    CUSTOMER_ID.name, "probability_churn", "prediction", "contact", "expected_profit",
    "model_version", "error",
)  # fmt: skip


@dataclass(frozen=True)
class Done:
    """How many rows were scored, and how many could not be read."""

    scored: int
    failed: int


def score_file(model: LoadedModel, rows: Iterable[Mapping[str, str]], target: TextIO) -> Done:
    """Score rows of a CSV file in a stream; blank cells and other columns tell nothing."""
    writer = csv.writer(target)
    writer.writerow(_COLUMNS)
    scored = failed = 0
    for row in rows:
        try:
            writer.writerow(_score(model, row))
            scored += 1
        except InvalidCustomerError as error:
            writer.writerow([_identifier(row), *[""] * 4, model.version, str(error)])
            failed += 1
    return Done(scored, failed)


def _score(model: LoadedModel, row: Mapping[str, str]) -> list[object]:
    if None in row:
        cells = Problem("row", row[None], "as many cells as the header has")  # type: ignore[index]
        raise InvalidCustomerError((cells,))
    known = parse_customer({k: v for k, v in row.items() if _tells(k, v)})
    score = model.score(known)
    name, decision = known.get(CUSTOMER_ID.name, ""), model.decision(score, known)
    answers = (score.probability, score.prediction, int(decision.contact), decision.expected_profit)
    return [name, *map(repr, answers), model.version, ""]


def _tells(name: str, value: str | None) -> bool:
    key = normalised(name)
    return key in BY_OUTSIDE_NAME and key != CHURN.name and bool(value and value.strip())


def _identifier(row: Mapping[str, str]) -> str:
    names = [name for name in row if name and normalised(name) == normalised(CUSTOMER_ID.name)]
    return row[names[0]] if names else ""
