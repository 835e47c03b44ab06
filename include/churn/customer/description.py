"""The one description of a customer.

Tables, cleaning SQL, model features, the API's request schema and the data dictionary are all
derived from the fields and rules below; a column name is spelled here and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NewType

from churn.customer.field import NO, Field, FieldKind, Value, choice, flag, service

Customer = NewType("Customer", Mapping[str, Value])
"""What is known of one customer: canonical values by field name; absent means unknown.

Only ``parsing.parse_customer``, and ``model.block`` for whole columns, make one. It is complete
(what follows from the known fields is filled in) and consistent (no rule is contradicted).
"""

NO_INTERNET: Final = "No internet service"
NO_PHONE: Final = "No phone service"

CUSTOMER_ID: Final = Field(
    name="customer_id",
    header="customerID",
    kind=FieldKind.IDENTIFIER,
    description="Identifies the customer; never a model input.",
    example="7590-VHVEG",
)
GENDER: Final = Field(
    name="gender",
    header="gender",
    kind=FieldKind.CHOICE,
    description="Gender of the account holder.",
    example="Male",
    values=("Female", "Male"),
    codes={"0": "Female", "1": "Male", "f": "Female", "m": "Male"},
    protected=True,
)
SENIOR_CITIZEN: Final = flag(
    "senior_citizen", "SeniorCitizen", "65 years or older.", protected=True
)
PARTNER: Final = flag("partner", "Partner", "Lives with a partner.")
DEPENDENTS: Final = flag("dependents", "Dependents", "Has dependents in the household.")
TENURE: Final = Field(
    name="tenure",
    header="tenure",
    kind=FieldKind.COUNT,
    description="Months with the company.",
    example=5,
    maximum=1_200,
    unit="months",
)
PHONE_SERVICE: Final = flag("phone_service", "PhoneService", "Has a phone line.", example=True)
MULTIPLE_LINES: Final = service(
    "multiple_lines", "MultipleLines", "Has more than one phone line.", NO_PHONE
)
INTERNET_SERVICE: Final = choice(
    "internet_service", "InternetService", "Internet access.", "DSL", "Fiber optic", NO
)
ADD_ONS: Final = tuple(
    service(name, header, description, NO_INTERNET)
    for name, header, description in (
        ("online_security", "OnlineSecurity", "Add-on: online security."),
        ("online_backup", "OnlineBackup", "Add-on: online backup."),
        ("device_protection", "DeviceProtection", "Add-on: device protection."),
        ("tech_support", "TechSupport", "Add-on: technical support."),
        ("streaming_tv", "StreamingTV", "Add-on: streaming television."),
        ("streaming_movies", "StreamingMovies", "Add-on: streaming movies."),
    )
)
CONTRACT: Final = choice(
    "contract", "Contract", "Contract term.", "Month-to-month", "One year", "Two year"
)
PAPERLESS_BILLING: Final = flag("paperless_billing", "PaperlessBilling", "Billing is paperless.")
PAYMENT_METHOD: Final = choice(
    "payment_method",
    "PaymentMethod",
    "How the customer pays.",
    "Electronic check",
    "Mailed check",
    "Bank transfer (automatic)",
    "Credit card (automatic)",
)
MONTHLY_CHARGES: Final = Field(
    name="monthly_charges",
    header="MonthlyCharges",
    kind=FieldKind.MONEY,
    description="Current monthly charges.",
    example=95.5,
    maximum=1_000_000,
    unit="currency units per month",
)
TOTAL_CHARGES: Final = Field(
    name="total_charges",
    header="TotalCharges",
    kind=FieldKind.MONEY,
    description="Billed so far; 0 in the first month (tenure 0).",
    example=477.5,
    maximum=1_000_000_000,
    unit="currency units",
)
CHURN: Final = flag("churn", "Churn", "Left the company: the prediction target.")

SNAPSHOT_DATE: Final = Field(
    name="snapshot_date",
    header="snapshot_date",
    kind=FieldKind.DATE,
    description="The day that the row describes; an older day never overwrites a newer one.",
    example="2026-01-31",
)

FEATURES: Final = (
    GENDER,
    SENIOR_CITIZEN,
    PARTNER,
    DEPENDENTS,
    TENURE,
    PHONE_SERVICE,
    MULTIPLE_LINES,
    INTERNET_SERVICE,
    *ADD_ONS,
    CONTRACT,
    PAPERLESS_BILLING,
    PAYMENT_METHOD,
    MONTHLY_CHARGES,
    TOTAL_CHARGES,
)
COLUMNS: Final = (CUSTOMER_ID, *FEATURES, CHURN)
OPTIONAL: Final = (TOTAL_CHARGES,)
"""Columns that a file may lack: no model input depends on them."""
BY_NAME: Final[Mapping[str, Field]] = {field.name: field for field in COLUMNS}


@dataclass(frozen=True)
class Dependency:
    """``parent`` has ``value`` exactly when every child has ``forced``."""

    parent: Field
    value: Value
    children: tuple[Field, ...]
    forced: str


DEPENDENCIES: Final = (
    Dependency(INTERNET_SERVICE, NO, ADD_ONS, NO_INTERNET),
    Dependency(PHONE_SERVICE, False, (MULTIPLE_LINES,), NO_PHONE),
)


def normalised(name: str) -> str:
    """A column name without case, spaces, dashes and underscores: how outside names are matched."""
    return "".join(letter for letter in name.lower() if letter not in " _-")


_OUTCOME_WORDS: Final = ("churn", "attrition", "cancelled", "canceled", "hasleft", "exited")
_OUTCOMES_OF_IBM: Final = frozenset(
    map(normalised, ("Customer Status", "Satisfaction Score", "CLTV"))
)
"""Columns of IBM's extended files that reveal the outcome without "churn" in their name."""


def reveals_outcome(name: str) -> bool:
    """Whether a column that is not ours was derived from the outcome, by its name."""
    plain = normalised(name)
    return plain in _OUTCOMES_OF_IBM or any(word in plain for word in _OUTCOME_WORDS)


BY_OUTSIDE_NAME: Final[Mapping[str, Field]] = {
    **{normalised(field.name): field for field in COLUMNS},
    **{normalised(field.header): field for field in COLUMNS},
}

MIN_PER_CLASS: Final = 50
"""Fewest churned and fewest retained customers that a model can be trained on."""
