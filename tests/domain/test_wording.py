import re
from dataclasses import fields

import pytest

from churn.customer.description import FEATURES
from churn.customer.field import Field
from churn.customer.parsing import parse_customer
from churn.model.explanation import INTERNET_ADD_ONS, PHONE, Reason, explain
from churn.model.phrases import PHRASES, Language
from churn.model.what_if import Change, what_if
from churn.model.wording import change_text, described, worded
from tests.customer_file import conditioner, customers, customers_of

EN, PT = Language.ENGLISH, Language.PORTUGUESE
SENTENCES = ("raises", "lowers", "change", "months", "without")


def _described(name: str, raw: dict[str, object], language: Language = EN) -> str:
    return described(name, parse_customer(raw), language)


@pytest.mark.parametrize("language", Language)
def test_every_field_and_every_value_has_words_in_every_language(language: Language) -> None:
    phrases = PHRASES[language]
    assert set(phrases.names) == {field.name for field in FEATURES} | {INTERNET_ADD_ONS, PHONE}
    assert set(phrases.labels) == {field.name for field in FEATURES if field.values}
    for field in FEATURES:
        if field.values:
            assert set(phrases.labels[field.name]) == set(map(field.label, field.values))


def test_the_languages_have_the_same_parts_in_every_sentence() -> None:
    for name in SENTENCES:
        parts = [set(re.findall(r"{(\w+)}", getattr(PHRASES[one], name))) for one in Language]
        assert parts[0], name
        assert all(part == parts[0] for part in parts), name


def test_no_sentence_of_one_language_is_left_in_another() -> None:
    english, portuguese = PHRASES[EN], PHRASES[PT]
    names = {field.name for field in fields(english)} - {"names", "labels", "decimal"}
    assert [name for name in names if getattr(english, name) == getattr(portuguese, name)] == []
    assert {f.name for f in FEATURES if english.names[f.name] == portuguese.names[f.name]} == set()


@pytest.mark.parametrize("language", Language)
def test_whatever_is_known_every_reason_and_change_has_a_text(language: Language) -> None:
    for row in customers_of(customers().iloc[::100]):
        for some in (row, {"streaming_tv": row["streaming_tv"]}, dict(list(row.items())[::2])):
            known = parse_customer(some)
            score = conditioner().score(known)
            reasons = explain(known, score, protected=True).reasons
            told = [worded(reason, known, language).text for reason in reasons]
            changes = what_if(known, conditioner().changed)
            told += [change_text(change, language) for change in changes]
            assert all(text and "{" not in text for text in told)


@pytest.mark.parametrize(
    ("language", "months", "told"),
    [
        (EN, 1, "tenure: 1 month raises the risk"),
        (EN, 5, "tenure: 5 months raises the risk"),
        (PT, 1, "tempo de casa: 1 mês aumenta o risco"),
        (PT, 5, "tempo de casa: 5 meses aumenta o risco"),
    ],
)
def test_a_reason_is_a_sentence(language: Language, months: int, told: str) -> None:
    assert worded(Reason("tenure", 1.0), parse_customer({"tenure": months}), language).text == told


def test_a_reason_against_leaving_lowers_the_risk() -> None:
    told = worded(Reason("contract", -1.0), parse_customer({"contract": "Two year"}), PT).text
    assert told == "contrato: dois anos reduz o risco"


def test_an_amount_has_the_decimal_sign_of_its_language() -> None:
    assert _described("monthly_charges", {"monthly_charges": 95.5}) == "95.50"
    assert _described("monthly_charges", {"monthly_charges": 95.5}, PT) == "95,50"


@pytest.mark.parametrize("field", [f for f in FEATURES if f.values], ids=lambda f: f.name)
def test_english_spells_a_value_as_the_file_does(field: Field) -> None:
    for value in field.values:
        assert described(field.name, parse_customer({field.name: value})) == field.label(value)


@pytest.mark.parametrize(
    ("raw", "english", "portuguese"),
    [
        (
            {"online_security": "Yes", "tech_support": "Yes"},
            "online security, tech support",
            "segurança on-line, suporte técnico",
        ),
        ({"online_backup": "No"}, "no online backup", "sem backup on-line"),
    ],
)
def test_the_add_ons_are_named(raw: dict[str, object], english: str, portuguese: str) -> None:
    assert _described(INTERNET_ADD_ONS, raw) == english
    assert _described(INTERNET_ADD_ONS, raw, PT) == portuguese


def test_six_add_ons_refused_are_described_as_none() -> None:
    names = [f.name for f in FEATURES if "No internet service" in f.values]
    assert _described(INTERNET_ADD_ONS, dict.fromkeys(names, "No")) == "none"
    assert _described(INTERNET_ADD_ONS, dict.fromkeys(names, "No"), PT) == "nenhum"


def test_internet_that_is_known_in_part_is_described_as_what_it_can_be() -> None:
    assert _described("internet_service", {"tech_support": "No"}) == "DSL or Fiber optic"
    assert _described("internet_service", {"tech_support": "No"}, PT) == "DSL ou fibra óptica"


@pytest.mark.parametrize(
    ("raw", "english", "portuguese"),
    [
        ({"phone_service": "No"}, "no phone service", "sem telefone"),
        ({"multiple_lines": "Yes"}, "multiple lines", "várias linhas"),
        ({"multiple_lines": "No"}, "single line", "uma linha"),
        ({"phone_service": "Yes"}, "phone service", "com telefone"),
    ],
)
def test_the_phone_is_described_in_words(
    raw: dict[str, object], english: str, portuguese: str
) -> None:
    assert _described(PHONE, raw) == english
    assert _described(PHONE, raw, PT) == portuguese


def test_a_change_is_described_as_an_association() -> None:
    change = Change("contract", "Two year", probability=0.1234, difference=-0.4)
    assert change_text(change) == (
        "contract: Two year: 12.3 % instead of 52.3 % among customers who are otherwise alike "
        "(association, not cause)"
    )
    assert change_text(change, PT) == (
        "contrato: dois anos: 12,3 % em vez de 52,3 % entre clientes que no mais são iguais "
        "(associação, não causa)"
    )
