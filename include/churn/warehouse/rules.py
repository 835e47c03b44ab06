"""The cleaning rules in SQL, derived from the description of a customer.

Staging columns are text as it came; each field has an expression that gives its value, or NULL
where the text is not one of the field's, and each rule one that gives NULL or the reason in words.
"""

import zlib
from collections.abc import Collection, Iterable

from psycopg import sql

from churn.customer import (
    COLUMNS,
    CUSTOMER_ID,
    DEPENDENCIES,
    SNAPSHOT_DATE,
    TENURE,
    TOTAL_CHARGES,
    Dependency,
)
from churn.field import Field, Kind
from churn.warehouse.header import raw_column

_SEPARATOR = sql.Literal("\x1f")
REPEATED = "customer_id: appears again further down, where the last row counts"


class Rules:
    """The rules for one file: which fields it has, and how it writes numbers."""

    def __init__(self, present: Collection[Field], *, decimal_mark: str) -> None:
        self._fields = [field for field in COLUMNS if field in present]
        self._has_snapshot = SNAPSHOT_DATE in present
        self._decimal_mark = decimal_mark

    @property
    def looked_at(self) -> tuple[str, ...]:
        """The staging columns that the rules between fields look at as they came."""
        return (raw_column(TOTAL_CHARGES),) if TOTAL_CHARGES in self._fields else ()

    def typed_columns(self) -> sql.Composable:
        """Return every customer column, typed; a column that the file lacks is NULL."""
        return _listed(self._typed(field) for field in COLUMNS)

    def columns(self) -> sql.Composable:
        """Return the names of the customer columns."""
        return _listed(map(_name, COLUMNS))

    def customer_id(self) -> sql.Composable:
        """Return the id as it is compared."""
        return _trimmed(CUSTOMER_ID)

    def snapshot_date(self, of_load: sql.Composable) -> sql.Composable:
        """Return the day that a row speaks of: its own, or that of the load."""
        if not self._has_snapshot:
            return sql.SQL("{}::date").format(of_load)
        return sql.SQL(
            "CASE WHEN {raw} ~ {pattern} AND pg_input_is_valid({raw}, 'date') THEN {raw}::date END"
        ).format(raw=_trimmed(SNAPSHOT_DATE), pattern=sql.Literal(r"^\d{4}-\d\d-\d\d$"))

    def is_valid(self) -> sql.Composable:
        """Return whether a typed row breaks no rule."""
        known: list[sql.Composable] = [
            sql.SQL("{} IS NOT NULL").format(_name(field)) for field in self._fields
        ]
        known += [sql.SQL("malformed IS NULL"), sql.SQL("snapshot_date IS NOT NULL")]
        holds = [_all_hold(dependency) for dependency in DEPENDENCIES]
        return sql.SQL(" AND ").join([*known, *holds, self._first_month_holds()])

    def reasons(self) -> sql.Composable:
        """Return one expression per rule: NULL where it holds, else the reason."""
        rules = [self._domain_rule(field) for field in self._fields]
        if self._has_snapshot:
            rules.append(self._domain_rule(SNAPSHOT_DATE))
        rules.append(self._first_month_rule())
        rules += [_dependency_rule(d, child) for d in DEPENDENCIES for child in d.children]
        return _listed(rules)

    def source_hash(self) -> sql.Composable:
        """Return a hash of a row's text: equal hashes were cleaned by equal rules before."""
        raw = _listed(_raw(field) for field in self._fields)
        text = self.typed_columns().as_string(None) + self.is_valid().as_string(None)
        seed = sql.Literal(zlib.crc32(text.encode()))
        return sql.SQL("hashtextextended(concat_ws({}, {}), {})").format(_SEPARATOR, raw, seed)

    def _typed(self, field: Field) -> sql.Composable:
        if field not in self._fields:
            return sql.SQL("NULL::numeric AS {}").format(_name(field))
        return sql.SQL("{} AS {}").format(self.value(field), _name(field))

    def value(self, field: Field) -> sql.Composable:
        """Return the value of a field, NULL where the text is not one of the field's."""
        if field.kind is Kind.IDENTIFIER:
            return _identifier(field)
        return self._number(field) if field.is_number else _choice(field)

    def _number(self, field: Field) -> sql.Composable:
        """Short plain numbers, which are nearly all, are not trimmed and need no second cast."""
        plain = r"^[0-9]+$" if field.kind is Kind.COUNT else r"^[0-9]+\.?[0-9]*$"
        full = r"^[0-9]+(\.0*)?$" if field.kind is Kind.COUNT else r"^[0-9]*\.?[0-9]+$|^[0-9]+\.$"
        blank = sql.SQL("WHEN {} = '' THEN 0 ").format(_trimmed(field))
        return sql.SQL(
            'CASE WHEN length({own}) <= {short} AND {own} COLLATE "C" ~ {plain} '
            "THEN {own}::{type} {blank}"
            'WHEN length({raw}) <= 20 AND {raw} COLLATE "C" ~ {full} '
            "AND {raw}::numeric <= {maximum} THEN {raw}::numeric::{type} END"
        ).format(
            own=_raw(field),
            short=sql.Literal(len(str(int(field.maximum or 0))) - 1),
            plain=sql.Literal(plain),
            type=sql.SQL("integer" if field.kind is Kind.COUNT else "numeric"),
            blank=blank if field is TOTAL_CHARGES else sql.SQL(""),
            raw=self._decimal(field),
            full=sql.Literal(full),
            maximum=sql.Literal(field.maximum),
        )

    def _decimal(self, field: Field) -> sql.Composable:
        if self._decimal_mark == ".":
            return _trimmed(field)
        return sql.SQL("replace(replace({}, '.', ''), ',', '.')").format(_trimmed(field))

    def _domain_rule(self, field: Field) -> sql.Composable:
        return sql.SQL("CASE WHEN {} IS NULL THEN {} || quote_literal({}) END").format(
            _name(field), sql.Literal(f"{field.name}: expected {field.allowed}, got "), _raw(field)
        )

    def _first_month_holds(self) -> sql.Composable:
        if TOTAL_CHARGES not in self._fields:
            return sql.SQL("true")
        return sql.SQL("({} != '' OR {} = 0)").format(_trimmed(TOTAL_CHARGES), _name(TENURE))

    def _first_month_rule(self) -> sql.Composable:
        reason = f"{TOTAL_CHARGES.name}: blank, which means {TENURE.name} 0, but {TENURE.name} is "
        return sql.SQL("CASE WHEN NOT {} THEN {} || {} END").format(
            self._first_month_holds(), sql.Literal(reason), _name(TENURE)
        )


def _listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(",\n").join(parts)


def _name(field: Field) -> sql.Identifier:
    return sql.Identifier(field.name)


def _raw(field: Field) -> sql.Identifier:
    return sql.Identifier(raw_column(field))


def _trimmed(field: Field) -> sql.Composable:
    return sql.SQL("btrim({}, E' \\t')").format(_raw(field))


def _identifier(field: Field) -> sql.Composable:
    """Printable ASCII without blanks, which nearly all ids are, is taken as it is."""
    return sql.SQL(
        "CASE WHEN length({own}) <= 200 AND {own} COLLATE \"C\" ~ '^[!-~]+$' THEN {own} "
        "WHEN length({raw}) BETWEEN 1 AND 200 AND {raw} !~ '[[:cntrl:]]' THEN {raw} END"
    ).format(own=_raw(field), raw=_trimmed(field))


def _choice(field: Field) -> sql.Composable:
    """Return the value of a spelling; the file's own spellings are looked at first, untrimmed."""
    own = [(field.label(value), value) for value in field.values]
    own += [(code, v) for code, v in field.spellings.items() if code in ("0", "1")]
    return sql.SQL("CASE {} {} ELSE CASE lower({}) {} END END").format(
        _raw(field), _whens(own), _trimmed(field), _whens(field.spellings.items())
    )


def _whens(pairs: Iterable[tuple[str, object]]) -> sql.Composable:
    return sql.SQL(" ").join(
        sql.SQL("WHEN {} THEN {}").format(sql.Literal(text), sql.Literal(value))
        for text, value in pairs
    )


def _all_hold(dependency: Dependency) -> sql.Composable:
    """Return whether every child agrees with the parent, which is looked at once."""
    forced = sql.Literal(dependency.forced)
    names = [_name(child) for child in dependency.children]
    return sql.SQL("CASE WHEN {} = {} THEN {} ELSE {} END").format(
        _name(dependency.parent),
        sql.Literal(dependency.value),
        sql.SQL(" AND ").join(sql.SQL("{} = {}").format(name, forced) for name in names),
        sql.SQL(" AND ").join(sql.SQL("{} != {}").format(name, forced) for name in names),
    )


def _holds(dependency: Dependency, child: Field) -> sql.Composable:
    return sql.SQL("({} = {}) = ({} = {})").format(
        _name(dependency.parent),
        sql.Literal(dependency.value),
        _name(child),
        sql.Literal(dependency.forced),
    )


def _dependency_rule(dependency: Dependency, child: Field) -> sql.Composable:
    parent = dependency.parent
    reason = (
        f"{child.name}: must be {dependency.forced!r} exactly when "
        f"{parent.name} is {parent.label(dependency.value)}"
    )
    return sql.SQL("CASE WHEN NOT ({}) THEN {} END").format(
        _holds(dependency, child), sql.Literal(reason)
    )
