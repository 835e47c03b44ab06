"""The reference: a bare FastAPI route with the request model of ``/predict``; answers a constant.

The model has every field by its file's name or ours, and checks its type and values, as the usual
service does; it knows no spellings and no rules between fields.
"""

from typing import Any, Literal

from fastapi import FastAPI
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, create_model

from churn.customer.description import CUSTOMER_ID, FEATURES
from churn.customer.field import Field as CustomerField
from churn.customer.field import FieldKind

_KINDS: dict[FieldKind, Any] = {
    FieldKind.IDENTIFIER: str,
    FieldKind.COUNT: int,
    FieldKind.MONEY: float,
}
_CONSTANT = {"prediction": 0, "probability_churn": 0.5}


def _kind(field: CustomerField) -> Any:
    if not field.values:
        return _KINDS[field.kind]
    return Literal[tuple(map(field.label, field.values))]


def _part(field: CustomerField) -> Any:
    bounds: dict[str, Any] = {"ge": 0, "le": field.maximum} if field.is_number else {}
    names = AliasChoices(field.name, field.header)
    return (_kind(field) | None, Field(None, validation_alias=names, **bounds))


Customer: type[BaseModel] = create_model(
    "Customer",
    __config__=ConfigDict(extra="forbid"),
    **{field.name: _part(field) for field in (CUSTOMER_ID, *FEATURES)},
)

app = FastAPI()


@app.post("/predict", response_model=None)
async def predict(customer: Customer) -> dict[str, float]:  # type: ignore[valid-type]
    """Answer the constant."""
    assert customer  # noqa: S101 - it was read
    return _CONSTANT
