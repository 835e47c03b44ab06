"""The words of each language, by the names and labels of the customer's description."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from churn.customer import description
from churn.customer.description import ADD_ONS, FEATURES, NO_INTERNET, NO_PHONE
from churn.customer.field import NO, YES
from churn.model.explanation import INTERNET_ADD_ONS, PHONE


class Language(StrEnum):
    """The languages that answers are given in."""

    ENGLISH = "en"
    PORTUGUESE = "pt"


@dataclass(frozen=True)
class Phrases:
    """One language: names of fields and groups, labels of values, and sentences with {parts}."""

    names: Mapping[str, str]
    labels: Mapping[str, Mapping[str, str]]
    raises: str
    lowers: str
    change: str
    one_month: str
    months: str
    decimal: str
    either: str
    nothing: str
    without: str
    phone: str
    no_phone: str
    single_line: str


_ENGLISH_NAMES = {f.name: f.name.replace("_", " ").replace("tv", "TV") for f in FEATURES}

ENGLISH = Phrases(
    names={
        **_ENGLISH_NAMES,
        INTERNET_ADD_ONS: "internet add-ons",
        PHONE: "phone",
    },
    labels={f.name: {f.label(v): f.label(v) for v in f.values} for f in FEATURES if f.values},
    raises="{name}: {value} raises the risk",
    lowers="{name}: {value} lowers the risk",
    change="{name}: {value}: {then} % instead of {now} % among customers who are otherwise alike "
    "(association, not cause)",
    one_month="1 month",
    months="{count} months",
    decimal=".",
    either=" or ",
    nothing="none",
    without="no {name}",
    phone="phone service",
    no_phone="no phone service",
    single_line="single line",
)

_ADICIONAIS = (
    "segurança on-line",
    "backup on-line",
    "proteção de aparelhos",
    "suporte técnico",
    "TV por streaming",
    "filmes por streaming",
)
_SIM_OU_NAO = {YES: "sim", NO: "não"}

PORTUGUESE = Phrases(
    names={
        description.GENDER.name: "gênero",
        description.SENIOR_CITIZEN.name: "65 anos ou mais",
        description.PARTNER.name: "mora com parceiro ou parceira",
        description.DEPENDENTS.name: "tem dependentes",
        description.TENURE.name: "tempo de casa",
        description.PHONE_SERVICE.name: "telefone",
        description.MULTIPLE_LINES.name: "várias linhas",
        description.INTERNET_SERVICE.name: "internet",
        **dict(zip((field.name for field in ADD_ONS), _ADICIONAIS, strict=True)),
        description.CONTRACT.name: "contrato",
        description.PAPERLESS_BILLING.name: "fatura digital",
        description.PAYMENT_METHOD.name: "forma de pagamento",
        description.MONTHLY_CHARGES.name: "mensalidade",
        description.TOTAL_CHARGES.name: "total cobrado",
        INTERNET_ADD_ONS: "adicionais de internet",
        PHONE: "telefone",
    },
    labels={
        description.GENDER.name: {"Female": "feminino", "Male": "masculino"},
        description.SENIOR_CITIZEN.name: _SIM_OU_NAO,
        description.PARTNER.name: _SIM_OU_NAO,
        description.DEPENDENTS.name: _SIM_OU_NAO,
        description.PHONE_SERVICE.name: _SIM_OU_NAO,
        description.PAPERLESS_BILLING.name: _SIM_OU_NAO,
        description.MULTIPLE_LINES.name: {**_SIM_OU_NAO, NO_PHONE: "sem telefone"},
        description.INTERNET_SERVICE.name: {"DSL": "DSL", "Fiber optic": "fibra óptica", NO: "não"},
        **{field.name: {**_SIM_OU_NAO, NO_INTERNET: "sem internet"} for field in ADD_ONS},
        description.CONTRACT.name: {
            "Month-to-month": "mensal",
            "One year": "um ano",
            "Two year": "dois anos",
        },
        description.PAYMENT_METHOD.name: {
            "Electronic check": "cheque eletrônico",
            "Mailed check": "cheque pelo correio",
            "Bank transfer (automatic)": "transferência bancária (automática)",
            "Credit card (automatic)": "cartão de crédito (automático)",
        },
    },
    raises="{name}: {value} aumenta o risco",
    lowers="{name}: {value} reduz o risco",
    change="{name}: {value}: {then} % em vez de {now} % entre clientes que no mais são iguais "
    "(associação, não causa)",
    one_month="1 mês",
    months="{count} meses",
    decimal=",",
    either=" ou ",
    nothing="nenhum",
    without="sem {name}",
    phone="com telefone",
    no_phone="sem telefone",
    single_line="uma linha",
)

PHRASES: Mapping[Language, Phrases] = {
    Language.ENGLISH: ENGLISH,
    Language.PORTUGUESE: PORTUGUESE,
}
