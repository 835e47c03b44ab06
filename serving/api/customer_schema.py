"""The JSON schema of a customer: exactly what the parser takes, derived from the same description.

Exactly, because schemathesis sends what the schema allows and expects an answer, and what it
forbids and expects a refusal. Values in any case become patterns, rules between fields conditions.
"""

from collections.abc import Callable, Iterator, Mapping

from churn.customer.description import BY_NAME, CUSTOMER_ID, FEATURES
from churn.customer.field import Field, FieldKind, Value
from churn.customer.identifier import BLANKS, CONTROLS, INVISIBLE, LONGEST_IDENTIFIER
from churn.customer.implications import RULES, Rule

Schema = dict[str, object]
Naming = Callable[[Field], str]

_CONTROLS = rf"\u0000{CONTROLS}"
_UNSEEN = f"{INVISIBLE}{BLANKS}".encode().decode("unicode_escape")  # schemas have no \U
_IDENTIFIER = rf"^[^{_CONTROLS}]*[^\s{_CONTROLS}{_UNSEEN}][^{_CONTROLS}]*$"
_ZERO = r"^\s*(?:0{1,12}(?:\.0*)?|\.0+)\s*$"
UNKNOWN: list[Schema] = [{"type": "null"}, {"type": "string", "pattern": r"^\s*$"}]
_MOST_DIGITS = 12


def snake_case(field: Field) -> str:
    """Our name of a field."""
    return field.name


def as_in_file(field: Field) -> str:
    """The customer file's name of a field."""
    return field.header


def customer_schema(naming: Naming, extra: Mapping[str, Schema] | None = None) -> Schema:
    """Return the schema of a customer: any subset of the fields, at least one."""
    return {
        "type": "object",
        "properties": {
            **{naming(field): _property(field) for field in (CUSTOMER_ID, *FEATURES)},
            **(extra or {}),
        },
        "additionalProperties": False,
        "anyOf": [_present(naming(field), {"not": {"anyOf": UNKNOWN}}) for field in FEATURES],
        "allOf": [one for rule in RULES for one in _conditions(rule, naming)],
    }


def _property(field: Field) -> Schema:
    about = f"{field.description} {field.allowed.capitalize()}; null or a blank text: not known."
    if field.kind is FieldKind.IDENTIFIER:
        return {"description": about, "anyOf": [*identifiers(), *UNKNOWN]}
    if field.is_number:
        return {"description": about, "anyOf": [*_numbers(field), *UNKNOWN]}
    labels: Schema = {"enum": [field.label(value) for value in field.values]}
    return {"description": about, "anyOf": [labels, *_spelled(field, *field.values), *UNKNOWN]}


def identifiers() -> list[Schema]:
    """Return what an identifier may be."""
    text: Schema = {"type": "string", "maxLength": LONGEST_IDENTIFIER, "pattern": _IDENTIFIER}
    return [text, {"type": "integer"}]


def _numbers(field: Field) -> list[Schema]:
    kind = "integer" if field.kind is FieldKind.COUNT else "number"
    fraction = r"(?:\.0*)?" if field.kind is FieldKind.COUNT else r"(?:\.[0-9]*)?"
    only_fraction = r"\.0+" if field.kind is FieldKind.COUNT else r"\.[0-9]+"
    most = int(field.maximum or 0)
    below = rf"(?:{_below(most)}){fraction}|0{{0,{_MOST_DIGITS - len(str(most))}}}{most}(?:\.0*)?"
    text: Schema = {"type": "string", "pattern": rf"^\s*(?:{below}|{only_fraction})\s*$"}
    return [{"type": kind, "minimum": 0, "maximum": most}, text]


def _below(most: int) -> str:
    """Return a pattern for the whole numbers below one, with leading zeros, 12 digits in all."""
    digits = str(most)
    parts = []
    for place, digit in enumerate(digits):
        rest = len(digits) - place - 1
        zeros = _MOST_DIGITS - len(digits)
        if digit == "0":
            continue
        lower = f"[0-{int(digit) - 1}]" if digit != "1" else "0"
        parts.append(f"0{{0,{zeros}}}{digits[:place]}{lower}[0-9]{{{rest}}}")
    shorter = f"[0-9]{{1,{len(digits) - 1}}}"
    return "|".join([*parts, shorter])


def _spelled(field: Field, *values: Value) -> list[Schema]:
    """Return what stands for some of the values of a choice or flag: words in any case, codes."""
    words = [word for word, value in field.spellings.items() if value in values]
    pattern = rf"^\s*(?:{'|'.join(map(_any_case, words))})\s*$"
    codes: list[object] = [int(word) for word in words if word.isdigit()]
    codes += [word == "true" for word in words if word in {"true", "false"}]
    text: Schema = {"type": "string", "pattern": pattern}
    return [text, {"enum": codes}] if codes else [text]


def flag_words(field: Field) -> list[Schema]:
    """Return every spelling of a flag's values."""
    return _spelled(field, *field.values)


def _any_case(word: str) -> str:
    return "".join(_letter(letter) for letter in word)


def _letter(letter: str) -> str:
    if letter.isalpha():
        return f"[{letter.upper()}{letter}]"
    return f"\\{letter}" if letter in "()." else letter


def _conditions(rule: Rule, naming: Naming) -> Iterator[Schema]:
    """Yield what excludes contradictions: by the rule's first field, and among the others.

    Conditions, as generators of test data cannot satisfy one ``anyOf`` over all fields.
    """
    (first, value), *others = [(BY_NAME[name], value) for name, value in rule.values.items()]
    holds = {naming(f): {"anyOf": [*_equal(f, v), *UNKNOWN]} for f, v in others}
    exact = [(field, value) for field, value in others if field.name not in rule.either]
    fails = {naming(f): {"not": {"anyOf": _equal(f, v)}} for f, v in exact}
    yield _if(naming(first), _equal(first, value), holds)
    if fails:
        other_values = [other for other in first.values if other != value]
        yield _if(naming(first), _spelled(first, *other_values), fails)
    if len(fails) > 1:
        yield {"anyOf": [{"properties": holds}, {"properties": fails}]}


def _if(name: str, values: list[Schema], properties: Mapping[str, object]) -> Schema:
    return {"if": _present(name, {"anyOf": values}), "then": {"properties": properties}}


def _equal(field: Field, value: Value) -> list[Schema]:
    """Return what stands for one value; of a number, for 0."""
    zero: list[Schema] = [{"const": 0}, {"type": "string", "pattern": _ZERO}]
    return zero if field.is_number else _spelled(field, value)


def _present(name: str, schema: Schema) -> Schema:
    return {"required": [name], "properties": {name: schema}}
