"""One truth table: every combination of the fields of a rule, read in every way there is."""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

import jsonschema_rs
import numpy as np
import pytest

from churn.core.errors import InvalidCustomerError
from churn.customer.description import BY_NAME, DEPENDENCIES, TENURE, TOTAL_CHARGES
from churn.customer.field import Field, Value
from churn.customer.parsing import parse_customer
from churn.model.block import CHOICES, NUMBERS, UNKNOWN, completed_block
from serving.api.customer_schema import as_in_file, customer_schema, snake_case

Values = Mapping[str, Value]

ROOT = Path(__file__).parents[2]

_FIELDS: tuple[tuple[Field, ...], ...] = (
    *((d.parent, *d.children) for d in DEPENDENCIES),
    (TENURE, TOTAL_CHARGES),
)


def _values(field: Field) -> tuple[Value, ...]:
    return field.values or (0, 5, 7)


def _is_consistent(customer: Values) -> bool:
    """Whether every field of a rule, all of which are known, keeps it: the rule as it is stated."""
    for dependency in DEPENDENCIES:
        if dependency.parent.name in customer:
            holds = customer[dependency.parent.name] == dependency.value
            forced = {customer[child.name] == dependency.forced for child in dependency.children}
            return forced == {holds}
    return customer[TENURE.name] != 0 or customer[TOTAL_CHARGES.name] == 0


def _combinations(fields: tuple[Field, ...]) -> Iterator[tuple[Values, Values | None]]:
    """Yield all that can be given, and what follows: what all consistent customers share."""
    names = [field.name for field in fields]
    every = product(*map(_values, fields))
    consistent = [c for one in every if _is_consistent(c := dict(zip(names, one, strict=True)))]
    for values in product(*((None, *_values(field)) for field in fields)):
        pairs = zip(names, values, strict=True)
        given = {name: value for name, value in pairs if value is not None}
        possible = [one.items() for one in consistent if given.items() <= one.items()]
        shared = set(possible[0]).intersection(*possible[1:]) if possible else None
        yield given, None if shared is None else dict(shared)


def _parsed(given: Values) -> Values | None:
    try:
        return parse_customer(given)
    except InvalidCustomerError:
        return None


def _by_column(given: list[Values]) -> list[Values | None]:
    codes = {
        field.name: np.array(
            [field.values.index(g[field.name]) if field.name in g else UNKNOWN for g in given],
            np.int32,
        )
        for field in CHOICES
    }
    numbers = {f.name: np.array([g.get(f.name, np.nan) for g in given], float) for f in NUMBERS}
    done = completed_block(codes, numbers)
    wrong = done.contradicts.tolist()
    return [None if w else c for w, c in zip(wrong, done.block.customers(), strict=True)]


@pytest.mark.parametrize("fields", _FIELDS, ids=lambda fields: str(fields[0].name))
def test_parsing_columns_and_schema_follow_one_truth_table(fields: tuple[Field, ...]) -> None:
    combinations = [one for one in _combinations(fields) if one[0]]
    given = [one for one, _ in combinations]
    expected = [found for _, found in combinations]
    assert [_parsed(one) for one in given] == expected
    assert _by_column(given) == expected
    for naming in (snake_case, as_in_file):
        schema = jsonschema_rs.validator_for(customer_schema(naming))
        bodies = [{naming(BY_NAME[n]): BY_NAME[n].label(v) for n, v in g.items()} for g in given]
        assert [schema.is_valid(body) for body in bodies] == [f is not None for f in expected]


def test_only_parsing_and_columns_make_a_customer() -> None:
    folders = (ROOT / "include", ROOT / "serving")
    makers = {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in folder.rglob("*.py")
        if re.search(r"\bCustomer\(", path.read_text(encoding="utf-8"))
    }
    assert makers == {"include/churn/customer/parsing.py", "include/churn/model/block.py"}
