"""The cleaning rules in SQL, derived from the description of a customer."""

from psycopg import sql

from churn.customer import COLUMNS, CUSTOMER_ID, DEPENDENCIES, TENURE, TOTAL_CHARGES, Dependency
from churn.field import Field, Kind
from churn.warehouse.load import raw_column

_WHOLE = sql.Literal(r"^\d{1,12}(\.0*)?$")
_DECIMAL = sql.Literal(r"^\d{1,12}(\.\d*)?$|^\.\d+$")
REPEATED = "customer_id: appears again further down, where the last row counts"


def typed_columns() -> sql.Composable:
    """Return one typed column per field; NULL where the text is not one of the field's."""
    return sql.SQL(",\n").join(
        sql.SQL("{} AS {}").format(_typed(field), sql.Identifier(field.name)) for field in COLUMNS
    )


def reasons() -> sql.Composable:
    """Return one expression per rule: NULL where it holds, else the reason in words."""
    rules = [*map(_domain_rule, COLUMNS), _first_month_rule()]
    rules += [_dependency_rule(d, child) for d in DEPENDENCIES for child in d.children]
    return sql.SQL(",\n").join(rules)


def _raw(field: Field) -> sql.Composable:
    return sql.SQL("btrim({})").format(sql.Identifier(raw_column(field.name)))


def _typed(field: Field) -> sql.Composable:
    if field.kind is Kind.IDENTIFIER:
        return sql.SQL("CASE WHEN length({0}) BETWEEN 1 AND 200 THEN {0} END").format(_raw(field))
    return _typed_number(field) if field.is_number else _typed_choice(field)


def _typed_choice(field: Field) -> sql.Composable:
    whens = [
        sql.SQL("WHEN {} THEN {}").format(sql.Literal(spelling), sql.Literal(value))
        for spelling, value in field.spellings.items()
    ]
    return sql.SQL("CASE lower({}) {} END").format(_raw(field), sql.SQL(" ").join(whens))


def _typed_number(field: Field) -> sql.Composable:
    raw, maximum = _raw(field), sql.Literal(field.maximum)
    pattern, cast = (_WHOLE, "integer") if field.kind is Kind.COUNT else (_DECIMAL, "numeric")
    blank = "WHEN {raw} = '' THEN 0" if field is TOTAL_CHARGES else ""
    number = "WHEN {raw} ~ {pattern} AND {raw}::numeric <= {maximum} THEN {raw}::numeric::{cast}"
    return sql.SQL(f"CASE {blank} {number} END").format(
        raw=raw, pattern=pattern, maximum=maximum, cast=sql.SQL(cast)
    )


def _domain_rule(field: Field) -> sql.Composable:
    expected = f"{field.name}: expected {field.allowed}, got "
    return sql.SQL(
        "CASE WHEN {} IS NULL THEN {} || coalesce(quote_literal({}), 'nothing') END"
    ).format(
        sql.Identifier(field.name), sql.Literal(expected), sql.Identifier(raw_column(field.name))
    )


def _first_month_rule() -> sql.Composable:
    reason = f"{TOTAL_CHARGES.name}: blank, which means {TENURE.name} 0, but {TENURE.name} is "
    return sql.SQL("CASE WHEN {} = '' AND {tenure} != 0 THEN {} || {tenure} END").format(
        _raw(TOTAL_CHARGES), sql.Literal(reason), tenure=sql.Identifier(TENURE.name)
    )


def _dependency_rule(dependency: Dependency, child: Field) -> sql.Composable:
    parent = dependency.parent
    reason = (
        f"{child.name}: must be {dependency.forced!r} exactly when "
        f"{parent.name} is {parent.label(dependency.value)}"
    )
    return sql.SQL("CASE WHEN ({} = {}) != ({} = {}) THEN {} END").format(
        sql.Identifier(parent.name),
        sql.Literal(dependency.value),
        sql.Identifier(child.name),
        sql.Literal(dependency.forced),
        sql.Literal(reason),
    )


def raw_pairs() -> sql.Composable:
    """Return ``'name', raw_name`` pairs: a rejected row as it came, for ``jsonb_build_object``."""
    return sql.SQL(", ").join(
        sql.SQL("{}, {}").format(sql.Literal(f.header), sql.Identifier(raw_column(f.name)))
        for f in COLUMNS
    )


def assignments() -> sql.Composable:
    """Return the SET list of the merge."""
    names = [sql.Identifier(f.name) for f in COLUMNS if f is not CUSTOMER_ID]
    return sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(name) for name in names)


def columns(table: str | None = None) -> sql.Composable:
    """Return the customer columns, of one table if it is named."""
    names = [(table, f.name) if table else (f.name,) for f in COLUMNS]
    return sql.SQL(", ").join(sql.Identifier(*name) for name in names)
