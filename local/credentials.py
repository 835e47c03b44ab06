"""Passwords and keys: generated on the first start, the same ever after."""

import base64
import os
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from local import envfile
from local.errors import StackError

COMMENT = "Made on the first start. Keep it: the database knows these passwords."


@dataclass(frozen=True, kw_only=True, repr=False)
class Credentials:
    """Every secret of one stack."""

    postgres_password: str
    airflow_database_password: str
    churn_pipeline_password: str
    churn_serving_password: str
    airflow_jwt_secret: str
    airflow_fernet_key: str
    airflow_api_secret_key: str
    airflow_admin_password: str
    stack_id: str


def generate() -> Credentials:
    """Return fresh secrets; no password needs quoting in an address or a shell."""
    values = {field.name: secrets.token_hex(24) for field in fields(Credentials)}
    values["airflow_fernet_key"] = base64.urlsafe_b64encode(os.urandom(32)).decode()
    return Credentials(**values)


def load(path: Path) -> Credentials:
    """Return the stored secrets."""
    values = {key.lower(): value for key, value in envfile.read(path).items()}
    names = [field.name for field in fields(Credentials)]
    if missing := [name.upper() for name in names if not values.get(name)]:
        raise StackError(f"{path} lacks {', '.join(missing)}: put the original file back.")
    return Credentials(**{name: values[name] for name in names})


def load_or_create(path: Path, *, database: Path) -> Credentials:
    """Return the stored secrets, or make them when there is no database yet that knows others."""
    if path.exists():
        path.chmod(0o600)
        return load(path)
    if database.exists():
        raise StackError(
            f"{path} is missing, and {database} knows only its passwords: put it back, "
            f"or move {path.parent} away to start anew."
        )
    made = generate()
    envfile.write(
        path, {name.upper(): value for name, value in asdict(made).items()}, comment=COMMENT
    )
    return made
