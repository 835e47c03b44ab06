import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from starlette.testclient import TestClient

from churn.core.settings import Settings
from churn.customer.description import CUSTOMER_ID, FEATURES
from churn.registry.store import CARD, ModelStore
from tests.api.conftest import eventually, publish, running
from tests.customer_file import package, version_of

PROBLEM = "application/problem+json"


def test_the_service_starts_without_a_model_and_reports_why_it_cannot_answer(
    settings: Settings,
) -> None:
    with running(settings) as client:
        for answer in (
            client.post("/predict", json={"tenure": 5}),
            client.get("/model"),
            client.get("/readyz"),
        ):
            assert answer.status_code == 503
            assert answer.headers["content-type"] == PROBLEM
            assert answer.headers["retry-after"].isdigit()
            assert "no model has been published yet" in answer.json()["detail"]


def test_the_service_lives_without_a_model(settings: Settings) -> None:
    with running(settings) as client:
        answer = client.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


def test_a_wrong_request_is_refused_even_without_a_model(settings: Settings) -> None:
    with running(settings) as client:
        assert client.post("/predict", json={"tenure": -1}).status_code == 422


def test_a_model_is_served_within_two_seconds_of_its_publish(
    settings: Settings, empty_store: ModelStore
) -> None:
    with running(settings) as client:
        assert client.get("/readyz").status_code == 503
        publish(empty_store, 1)
        assert eventually(lambda: client.get("/readyz").status_code == 200, seconds=2)
        assert client.post("/predict", json={"tenure": 5}).json()["model_version"] == version_of(1)


def test_a_second_version_is_swapped_in_without_a_failed_request(
    client: TestClient, store: ModelStore
) -> None:
    versions = [client.post("/predict", json={"tenure": 5}).json()["model_version"]]
    publish(store, 2)
    until = time.monotonic() + 2
    while versions[-1] == version_of(1) and time.monotonic() < until:
        answer = client.post("/predict", json={"tenure": 5})
        assert answer.status_code == 200
        versions.append(answer.json()["model_version"])
    assert versions == sorted(versions)
    assert set(versions) == {version_of(1), version_of(2)}


def test_a_truncated_version_is_refused_by_name_and_the_old_one_keeps_serving(
    client: TestClient, store: ModelStore
) -> None:
    folder = store.write_candidate(package(2).manifest, package(2).files)
    (folder / CARD).write_bytes(b"torn")
    store.publish(version_of(2))
    assert eventually(lambda: client.get("/readyz").json()["refused"] is not None, seconds=2)
    ready = client.get("/readyz").json()
    assert ready["model_version"] == version_of(1)
    assert f"{version_of(2)}/{CARD}" in ready["refused"]
    assert client.get("/model").json()["refused"] == ready["refused"]
    assert client.post("/predict", json={"tenure": 5}).json()["model_version"] == version_of(1)


def test_the_live_model_has_its_metrics_next_to_the_baseline(client: TestClient) -> None:
    model = client.get("/model").json()
    assert model["version"] == version_of(1)
    assert model["trained_on"]["customers"] == 7_043
    assert (model["trained_on"]["fitted"], model["trained_on"]["held_out"]) == (5_632, 1_411)
    assert model["policy"]["objective"] == "profit"
    assert model["cross_validation"]["roc_auc"]["mean"] >= 0.849
    assert model["majority_baseline"]["roc_auc"] == 0.5


def test_readiness_shows_what_waits_for_postgresql_and_why(client: TestClient) -> None:
    client.post("/predict", json={"tenure": 5})
    assert eventually(
        lambda: client.get("/readyz").json()["prediction_log"]["trouble"] is not None, seconds=2
    )
    log = client.get("/readyz").json()["prediction_log"]
    assert log["waiting"] == 1
    assert "CHURN_DATABASE_URL is not set" in log["trouble"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/predict", 405),
        ("DELETE", "/model", 405),
        ("POST", "/livez", 405),
    ],
)
def test_a_wrong_address_or_method_is_a_problem(
    client: TestClient, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert answer.json()["status"] == status


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_the_documentation_works_without_the_internet(client: TestClient, page: str) -> None:
    html = client.get(page).text
    assert "://" not in html
    addresses: list[str] = re.findall(r'(?:src|href|spec-url)="([^"]+)"', html)
    assert addresses
    for address in addresses:
        assert client.get(urljoin(page, address)).status_code == 200, address


def _document(client: TestClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/openapi.json").json()
    return document


def _request(client: TestClient) -> dict[str, Any]:
    body = _document(client)["paths"]["/predict"]["post"]["requestBody"]
    content: dict[str, Any] = body["content"]["application/json"]
    return content


def test_the_openapi_document_lists_every_field_of_a_customer_by_both_its_names(
    client: TestClient,
) -> None:
    schemas = _document(client)["components"]["schemas"]
    for schema, names in (
        ("Customer", [field.name for field in (CUSTOMER_ID, *FEATURES)]),
        ("CustomerAsInFile", [field.header for field in (CUSTOMER_ID, *FEATURES)]),
    ):
        properties = schemas[schema]["properties"]
        assert list(properties) == names
        for name, field in zip(names[1:], FEATURES, strict=True):
            if field.values:
                labels = [field.label(value) for value in field.values]
                assert properties[name]["anyOf"][0] == {"enum": labels}


def _customer(client: TestClient) -> Draft202012Validator:
    document = _document(client)
    return Draft202012Validator(
        {**_request(client)["schema"], "components": document["components"]}
    )


@pytest.mark.parametrize(
    "body",
    [
        {}, {"tenure": None}, {"customer_id": "a"}, {"tenur": 5}, {"tenure": -1}, {"tenure": "5.5"},
        {"tenure": 1_201}, {"tenure": "1201"}, {"gender": True}, {"partner": 2}, {"contract": 1},
        {"internet_service": "No", "online_security": "Yes"}, {"internet_service": "DSL",
        "streaming_tv": "no internet service"}, {"phone_service": 0, "multiple_lines": "No"},
        {"online_backup": "No", "tech_support": "NO INTERNET SERVICE"}, {"monthly_charges": "1e3"},
        {"tenure": 0, "total_charges": 100}, {"tenure": "0.0", "total_charges": "0.5"},
        {"total_charges": " "}, {"contract": ""}, {"total_charges": "1000000000.5"},
        {"customer_id": "a\x00", "tenure": 1},
    ],
)  # fmt: skip
def test_what_the_schema_forbids_is_refused(client: TestClient, body: dict[str, object]) -> None:
    assert not _customer(client).is_valid(body)
    assert client.post("/predict", json=body).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {"tenure": "1200"}, {"tenure": "000000000007.0"}, {"tenure": 5.0}, {"gender": " fEMALE "},
        {"partner": "T"}, {"partner": 1.0}, {"total_charges": "", "contract": "One year"},
        {"total_charges": "", "tenure": "0"}, {"total_charges": " ", "tenure": 5},
        {"tenure": 0, "total_charges": "000.0"}, {"tenure": "", "total_charges": 100},
        {"customer_id": " ", "tenure": 1}, {"contract": "\t", "partner": 1},
        {"internet_service": "no", "online_security": "No internet SERVICE"},
        {"streaming_tv": True},
        {"monthly_charges": ".5"}, {"monthly_charges": "1000000.0"}, {"phone_service": "1",
        "multiple_lines": 0}, {"TotalCharges": 0, "customerID": 7},
        {"customer_id": "é☂", "tenure": 1},
    ],
)  # fmt: skip
def test_what_the_schema_allows_is_answered(client: TestClient, body: dict[str, object]) -> None:
    assert _customer(client).is_valid(body)
    assert client.post("/predict", json=body).status_code == 200


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/model", "/readyz"])
def test_every_error_is_documented_as_a_problem(client: TestClient, path: str) -> None:
    (operation,) = _document(client)["paths"][path].values()
    errors = {s: r["content"] for s, r in operation["responses"].items() if int(s) >= 400}
    assert {"403", "408", "500", "503"} <= set(errors)
    assert all(set(content) == {PROBLEM} for content in errors.values())


def test_every_schema_of_the_openapi_document_is_valid(client: TestClient) -> None:
    document = _document(client)
    assert str(document["openapi"]).startswith("3.1")
    for schema in (_request(client)["schema"], *document["components"]["schemas"].values()):
        Draft202012Validator.check_schema(schema)


def test_the_examples_of_the_openapi_document_are_answered(client: TestClient) -> None:
    for example in _request(client)["examples"].values():
        assert client.post("/predict", json=example["value"]).status_code == 200


def test_the_examples_of_the_openapi_document_fit_its_schema(client: TestClient) -> None:
    for example in _request(client)["examples"].values():
        _customer(client).validate(example["value"])


def test_the_openapi_document_allows_null_as_the_service_does(client: TestClient) -> None:
    body = {"tenure": None, "partner": True}
    assert client.post("/predict", json=body).status_code == 200
    _customer(client).validate(body)


@pytest.mark.parametrize("explain", ["none", "short", "full"])
@pytest.mark.parametrize("number", range(2))
def test_an_answer_fits_the_documented_schema(
    client: TestClient, explain: str, number: int
) -> None:
    document = _document(client)
    schema = {"$ref": "#/components/schemas/Prediction", "components": document["components"]}
    example = list(_request(client)["examples"].values())[number]
    answer = client.post(f"/predict?explain={explain}", json=example["value"])
    Draft202012Validator(schema).validate(answer.json())
    assert answer.headers["content-type"] == "application/json"
    if explain == "full":
        assert set(answer.json()) == set(
            document["components"]["schemas"]["Prediction"]["properties"]
        )


def test_nothing_is_opened_before_the_service_starts(tmp_path: Path) -> None:
    from serving.api.app import create_app

    create_app(Settings("", tmp_path / "models", tmp_path / "data", tmp_path / "spool"))
    assert not list(tmp_path.iterdir())


def test_the_root_sends_people_to_the_documentation(client: TestClient) -> None:
    for method in ("GET", "HEAD"):
        answer = client.request(method, "/", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (307, "/docs")
    assert client.get("/").url.path == "/docs"


def test_the_documentation_groups_addresses_under_titles_and_describes_each(
    client: TestClient,
) -> None:
    document = _document(client)
    described = {tag["name"]: tag["description"] for tag in document["tags"]}
    assert list(described) == ["Predictions", "Outcomes", "Model", "Operations"]
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert {tag for one in operations for tag in one["tags"]} == set(described)
    assert all(
        len(one["tags"]) == 1 and one["summary"] and one["description"] for one in operations
    )
    assert len({one["summary"] for one in operations}) == len(operations)
