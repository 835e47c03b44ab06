"""Reads the JSON documents of a version."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from churn.core.errors import ModelRefusedError

Document = TypeVar("Document", bound=BaseModel)


def read_document(kind: type[Document], content: bytes, file: str) -> Document:
    """Parse a file of a version.

    Raises:
        ModelRefusedError: naming the file, the place in it and what is wrong there.
    """
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        message = f"{place}: {first['msg']}" if place else first["msg"]
        raise ModelRefusedError(f"{file}: {message}") from None
