"""The JSON schema of a customer: exactly what the parser takes, derived from the same description.

Exactly, because schemathesis sends what the schema allows and expects an answer, and what it
forbids and expects a refusal. Values in any case become patterns, rules between fields conditions.
"""

from collections.abc import Callable, Iterable, Mapping

from churn.customer.description import (
    CUSTOMER_ID,
    DEPENDENCIES,
    FEATURES,
    TENURE,
    TOTAL_CHARGES,
    Dependency,
)
from churn.customer.field import Field, Kind, Value
from churn.customer.identifier import BLANKS, CONTROLS, INVISIBLE, LONGEST_IDENTIFIER

Schema = dict[str, object]
Naming = Callable[[Field], str]

_CONTROLS = rf"\u0000{CONTROLS}"
_UNSEEN = f"{INVISIBLE}{BLANKS}".encode().decode("unicode_escape")  # schemas have no \U
_IDENTIFIER = rf"^[^{_CONTROLS}]*[^\s{_CONTROLS}{_UNSEEN}][^{_CONTROLS}]*$"
_ZERO = r"^\s*(?:0{1,12}(?:\.0*)?|\.0+)\s*$"
_UNKNOWN: list[Schema] = [{"type": "null"}, {"type": "string", "pattern": r"^\s*$"}]
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
        "anyOf": [_present(naming(field), {"not": {"anyOf": _UNKNOWN}}) for field in FEATURES],
        "allOf": [
            _first_month(naming),
            *(rule for one in DEPENDENCIES for rule in _rules(one, naming)),
        ],
    }


def _property(field: Field) -> Schema:
    about = f"{field.description} {field.allowed.capitalize()}; null or a blank text: not known."
    if field.kind is Kind.IDENTIFIER:
        return {"description": about, "anyOf": [*_identifiers(), *_UNKNOWN]}
    if field.is_number:
        return {"description": about, "anyOf": [*_numbers(field), *_UNKNOWN]}
    labels: Schema = {"enum": [field.label(value) for value in field.values]}
    return {"description": about, "anyOf": [labels, *_spelled(field, field.values), *_UNKNOWN]}


def _identifiers() -> list[Schema]:
    text: Schema = {"type": "string", "maxLength": LONGEST_IDENTIFIER, "pattern": _IDENTIFIER}
    return [text, {"type": "integer"}]


def _numbers(field: Field) -> list[Schema]:
    kind = "integer" if field.kind is Kind.COUNT else "number"
    fraction = r"(?:\.0*)?" if field.kind is Kind.COUNT else r"(?:\.[0-9]*)?"
    only_fraction = r"\.0+" if field.kind is Kind.COUNT else r"\.[0-9]+"
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


def _spelled(field: Field, values: Iterable[Value]) -> list[Schema]:
    """Return what stands for some of the values of a choice or flag: words in any case, codes."""
    words = [word for word, value in field.spellings.items() if value in tuple(values)]
    pattern = rf"^\s*(?:{'|'.join(map(_any_case, words))})\s*$"
    codes: list[object] = [int(word) for word in words if word.isdigit()]
    codes += [word == "true" for word in words if word in {"true", "false"}]
    text: Schema = {"type": "string", "pattern": pattern}
    return [text, {"enum": codes}] if codes else [text]


def _any_case(word: str) -> str:
    return "".join(_letter(letter) for letter in word)


def _letter(letter: str) -> str:
    if letter.isalpha():
        return f"[{letter.upper()}{letter}]"
    return f"\\{letter}" if letter in "()." else letter


def _rules(dependency: Dependency, naming: Naming) -> Iterable[Schema]:
    """Yield what says: the parent has the value exactly when every child is forced."""
    parent, value = dependency.parent, dependency.value
    others = [other for other in parent.values if other != value]

    def is_forced(child: Field) -> list[Schema]:
        return _spelled(child, (dependency.forced,))

    forced = _every(dependency, naming, lambda child: {"anyOf": [*is_forced(child), *_UNKNOWN]})
    none = _every(dependency, naming, lambda child: {"not": {"anyOf": is_forced(child)}})
    yield {"if": _present(naming(parent), {"anyOf": _spelled(parent, (value,))}), "then": forced}
    yield {"if": _present(naming(parent), {"anyOf": _spelled(parent, others)}), "then": none}
    if len(dependency.children) > 1:
        yield {"anyOf": [forced, none]}


def _every(dependency: Dependency, naming: Naming, schema: Callable[[Field], Schema]) -> Schema:
    return {"properties": {naming(child): schema(child) for child in dependency.children}}


def _first_month(naming: Naming) -> Schema:
    """Nothing has been billed in the first month (tenure 0)."""
    zero: list[Schema] = [{"const": 0}, {"type": "string", "pattern": _ZERO}]
    nothing = {"properties": {naming(TOTAL_CHARGES): {"anyOf": [*zero, *_UNKNOWN]}}}
    return {"if": _present(naming(TENURE), {"anyOf": zero}), "then": nothing}


def _present(name: str, schema: Schema) -> Schema:
    return {"required": [name], "properties": {name: schema}}
