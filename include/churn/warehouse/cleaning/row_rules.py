"""The cleaning rules in SQL, derived from the description of a customer.

Staging columns are text. Each field has an expression for its value, which is NULL where the text
is invalid. Each rule has an expression for the reason, which is NULL where the rule holds.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from psycopg import sql

from churn.customer.description import (
    COLUMNS,
    CUSTOMER_ID,
    DEPENDENCIES,
    SNAPSHOT_DATE,
    TENURE,
    TOTAL_CHARGES,
    Dependency,
)
from churn.customer.field import Field
from churn.warehouse.cleaning import cells
from churn.warehouse.cleaning.cells import name, raw, trimmed
from churn.warehouse.loading.header import raw_column
from churn.warehouse.loading.number_format import NumberFormat

REPEATED: Final = (
    "customer_id: duplicate; another row of this customer is later in the file or more recent"
)

_SHOWN: Final = 200
"""So many characters of an invalid value are in the reason."""


class RowRules:
    """The rules for one file, by its fields and its number format."""

    def __init__(self, present: Collection[Field], *, numbers: NumberFormat) -> None:
        self._fields = [field for field in COLUMNS if field in present]
        self._absent = [field for field in COLUMNS if field not in present]
        self._has_snapshot = SNAPSHOT_DATE in present
        self._numbers = numbers

    @property
    def needed_texts(self) -> tuple[str, ...]:
        """The staging columns whose text the rules between fields need."""
        return (raw_column(TOTAL_CHARGES),) if TOTAL_CHARGES in self._fields else ()

    def typed_columns(self) -> sql.Composable:
        """Return every customer column, typed; a column that the file lacks is NULL."""
        return _listed(self._typed(field) for field in COLUMNS)

    def customer_id(self) -> sql.Composable:
        """Return the id as it is compared."""
        return cells.normalised(CUSTOMER_ID)

    def snapshot_date(self, of_load: sql.Composable) -> sql.Composable:
        """Return a row's snapshot date: its own, or that of the load."""
        if not self._has_snapshot:
            return sql.SQL("{}::date").format(of_load)
        return sql.SQL(
            "CASE WHEN {raw} ~ {pattern} AND pg_input_is_valid({raw}, 'date')"
            " AND {raw} <= to_char(current_date + 1, 'YYYY-MM-DD') THEN {raw}::date END"
        ).format(raw=trimmed(SNAPSHOT_DATE), pattern=sql.Literal(r"^\d{4}-\d\d-\d\d$"))

    def is_valid(self) -> sql.Composable:
        """Return whether a typed row breaks no rule."""
        known: list[sql.Composable] = [
            sql.SQL("{} IS NOT NULL").format(name(field)) for field in self._fields
        ]
        known += [sql.SQL("malformed IS NULL"), sql.SQL("snapshot_date IS NOT NULL")]
        holds = [_holds(one, child) for one in DEPENDENCIES for child in one.children]
        first_month = (holds for holds, _ in self._first_month())
        return sql.SQL(" AND ").join([*known, *holds, *first_month])

    def is_known(self) -> sql.Composable:
        """Return whether a row is that of ``customers``, so that it is valid, too."""
        same = [cells.is_known(f, numbers=self._numbers) for f in self._fields[1:]]
        same += [sql.SQL("{} IS NULL").format(cells.known(f)) for f in self._absent]
        if self._has_snapshot:
            same.append(sql.SQL("({}) IS NOT NULL").format(self.snapshot_date(sql.SQL("NULL"))))
        return sql.SQL(" AND ").join(same)

    def reasons(self) -> sql.Composable:
        """Return one expression per rule: NULL where it holds, else the reason."""
        rules = [self._domain_rule(field) for field in self._fields]
        if self._has_snapshot:
            rules.append(self._domain_rule(SNAPSHOT_DATE))
        rules += [_reason(holds, reason) for holds, reason in self._first_month()]
        rules += [_dependency_rule(d, child) for d in DEPENDENCIES for child in d.children]
        return _listed(rules)

    def _typed(self, field: Field) -> sql.Composable:
        if field not in self._fields:
            return sql.SQL("NULL::numeric AS {}").format(name(field))
        return sql.SQL("{} AS {}").format(self.value(field), name(field))

    def value(self, field: Field) -> sql.Composable:
        """Return the value of a field, NULL where the text is invalid."""
        return cells.value(field, numbers=self._numbers)

    def _domain_rule(self, field: Field) -> sql.Composable:
        return sql.SQL("CASE WHEN {} IS NULL THEN {} || quote_literal({}) END").format(
            name(field),
            sql.Literal(f"{field.name}: expected {field.allowed}, got "),
            sql.SQL("left({}, {})").format(raw(field), _SHOWN),
        )

    def _first_month(self) -> Sequence[tuple[sql.Composable, sql.Composable]]:
        """Return the rules of the first month, in which nothing was billed, and their reasons."""
        if TOTAL_CHARGES not in self._fields:
            return ()
        total, months = name(TOTAL_CHARGES), name(TENURE)
        blank = f"{TOTAL_CHARGES.name}: blank, which means {TENURE.name} 0, but {TENURE.name} is "
        billed = f"{TOTAL_CHARGES.name}: expected 0, as {TENURE.name} is 0, got "
        return (
            (
                sql.SQL("({} != '' OR {} = 0)").format(trimmed(TOTAL_CHARGES), months),
                sql.SQL("{} || {}").format(sql.Literal(blank), months),
            ),
            (
                sql.SQL("({} != 0 OR {} = 0)").format(months, total),
                sql.SQL("{} || {}").format(sql.Literal(billed), total),
            ),
        )


def _listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(",\n").join(parts)


def _holds(dependency: Dependency, child: Field) -> sql.Composable:
    return sql.SQL("({} = {}) = ({} = {})").format(
        name(dependency.parent),
        sql.Literal(dependency.value),
        name(child),
        sql.Literal(dependency.forced),
    )


def _dependency_rule(dependency: Dependency, child: Field) -> sql.Composable:
    parent = dependency.parent
    reason = (
        f"{child.name}: must be {dependency.forced!r} exactly when "
        f"{parent.name} is {parent.label(dependency.value)}"
    )
    return _reason(_holds(dependency, child), sql.Literal(reason))


def _reason(holds: sql.Composable, reason: sql.Composable) -> sql.Composable:
    return sql.SQL("CASE WHEN NOT ({}) THEN {} END").format(holds, reason)
