"""The value of one cell in SQL, or NULL where its text is not a value of the field."""

import re
from collections.abc import Iterable
from typing import Final

from psycopg import sql

from churn.customer.description import TENURE, TOTAL_CHARGES
from churn.customer.field import Field, FieldKind
from churn.customer.identifier import BLANKS, CONTROLS, INVISIBLE, LONGEST_IDENTIFIER
from churn.warehouse.loading.header import raw_column
from churn.warehouse.loading.number_format import LONGEST_NUMBER, NumberFormat

_PLAIN_MONEY: Final = {".": r"^[0-9]+\.?[0-9]*$", ",": "^[0-9]+$"}
_MOST_LISTED: Final = 10_000


def name(field: Field) -> sql.Identifier:
    """The column that holds the value."""
    return sql.Identifier(field.name)


def known(field: Field) -> sql.Identifier:
    """The column of ``customers``."""
    return sql.Identifier("customers", field.name)


def raw(field: Field) -> sql.Identifier:
    """The staging column that holds the text of the file."""
    return sql.Identifier(raw_column(field))


def trimmed(field: Field) -> sql.Composable:
    """The text without the blanks around it."""
    return sql.SQL("btrim({}, E' \\t')").format(raw(field))


def normalised(field: Field) -> sql.Composable:
    """An identifier's text, normalised as ``churn.customer.identifier`` does."""
    return sql.SQL(
        "CASE WHEN octet_length({raw}) = length({raw}) THEN {trimmed} ELSE btrim("
        "regexp_replace(normalize(regexp_replace({raw} COLLATE \"C\", {invisible}, '', 'g'), NFC)"
        ", {blanks}, ' ', 'g'), E' \\t') END"
    ).format(
        raw=raw(field),
        trimmed=trimmed(field),
        invisible=sql.Literal(f"[{INVISIBLE}]"),
        blanks=sql.Literal(f"[{BLANKS}]"),
    )


def choice_type(field: Field) -> sql.Identifier:
    """The enum type of a choice."""
    return sql.Identifier(choice_type_name(field))


def choice_type_name(field: Field) -> str:
    """The name of a choice's enum type."""
    return f"choice_of_{field.name}"


def value(field: Field, *, numbers: NumberFormat) -> sql.Composable:
    """Return the value of a field, NULL where the text is invalid."""
    if field.kind is FieldKind.IDENTIFIER:
        return _identifier(field)
    return _number(field, numbers) if field.is_number else _choice(field)


def is_known(field: Field, *, numbers: NumberFormat) -> sql.Composable:
    """Return whether a text is the value that ``customers`` has, so that it is valid, too.

    ``IS TRUE`` keeps the planner from making each column a key of the hash join.
    """
    same = sql.SQL("({} = {}) IS TRUE").format(known(field), value(field, numbers=numbers))
    if field.is_number and numbers.decimal == ".":  # comparing texts is cheaper than a cast
        same = sql.SQL("{}::text IS NOT DISTINCT FROM {}").format(known(field), trimmed(field))
    if field is not TOTAL_CHARGES:
        return same
    return sql.SQL("CASE WHEN {} = '' THEN {} = 0 AND {} = 0 ELSE {} END").format(
        trimmed(field), known(field), known(TENURE), same
    )


def as_written(column: str, delimiter: str) -> sql.Composable:
    """Return a staging column as CSV, in quotes where it needs them (RFC 4180)."""
    special = sql.Literal('["\r\n' + re.escape(delimiter) + "]")
    return sql.SQL(
        "CASE WHEN {cell} ~ {special} THEN '\"' || replace({cell}, '\"', '\"\"') || '\"'"
        " ELSE {cell} END"
    ).format(cell=sql.Identifier("judged", column), special=special)


def _number(field: Field, numbers: NumberFormat) -> sql.Composable:
    """Short plain numbers, which most are, skip trimming and the second cast."""
    blank = sql.SQL("WHEN {} = '' THEN 0 ").format(trimmed(field))
    return sql.SQL(
        "CASE WHEN {is_plain} THEN {own}::{type} {blank}"
        'WHEN length({raw}) <= {longest} AND {raw} COLLATE "C" ~ {full} '
        "AND {number}::numeric <= {maximum} THEN {number}::numeric::{type} END"
    ).format(
        is_plain=_is_plain(field, numbers.decimal),
        own=raw(field),
        type=sql.SQL("integer" if field.kind is FieldKind.COUNT else "numeric"),
        blank=blank if field is TOTAL_CHARGES else sql.SQL(""),
        raw=trimmed(field),
        longest=sql.Literal(LONGEST_NUMBER),
        number=_with_dot(field, numbers),
        full=sql.Literal(f"^({numbers.pattern(field.kind)})$"),
        maximum=sql.Literal(field.maximum),
    )


def _is_plain(field: Field, decimal_mark: str) -> sql.Composable:
    """Return whether a text is a short plain number; PostgreSQL hashes a long list."""
    maximum = int(field.maximum or 0)
    if field.kind is FieldKind.COUNT and maximum <= _MOST_LISTED:
        listed = sql.Literal([str(number) for number in range(maximum + 1)])
        return sql.SQL("{} = ANY({}::text[])").format(raw(field), listed)
    return sql.SQL('octet_length({own}) <= {short} AND {own} COLLATE "C" ~ {plain}').format(
        own=raw(field),
        short=sql.Literal(len(str(maximum)) - 1),
        plain=sql.Literal(_PLAIN_MONEY[decimal_mark]),
    )


def _with_dot(field: Field, numbers: NumberFormat) -> sql.Composable:
    """Return a number's text with a dot before the decimals and without thousands marks."""
    marks = sql.Literal(numbers.decimal + numbers.thousands_marks)
    return sql.SQL("translate({}, {}, '.')").format(trimmed(field), marks)


def _identifier(field: Field) -> sql.Composable:
    """Printable ASCII without blanks, which most ids are, skips the normalisation."""
    return sql.SQL(
        "CASE WHEN octet_length({own}) BETWEEN 1 AND {longest}"
        " AND {own} COLLATE \"C\" !~ '[^!-~]' THEN {own} "
        "WHEN length({one}) BETWEEN 1 AND {longest} AND {one} !~ {controls} THEN {one} END"
    ).format(
        own=raw(field),
        one=normalised(field),
        longest=LONGEST_IDENTIFIER,
        controls=sql.Literal(f"[{CONTROLS}]"),
    )


def _choice(field: Field) -> sql.Composable:
    """Return the value of a spelling; labels and codes are compared first, untrimmed."""
    own = [(field.label(value), value) for value in field.values]
    own += [(code, v) for code, v in field.spellings.items() if code in ("0", "1")]
    return sql.SQL("CASE {} {} ELSE CASE lower({}) {} END END").format(
        raw(field), _whens(field, own), trimmed(field), _whens(field, field.spellings.items())
    )


def _whens(field: Field, pairs: Iterable[tuple[str, object]]) -> sql.Composable:
    kind = choice_type(field) if field.kind is FieldKind.CHOICE else sql.SQL("boolean")
    return sql.SQL(" ").join(
        sql.SQL("WHEN {} THEN {}::{}").format(sql.Literal(text), sql.Literal(value), kind)
        for text, value in pairs
    )
