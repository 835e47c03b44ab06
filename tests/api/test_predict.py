import json
import math
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from churn.core.settings import Settings
from churn.customer.description import FEATURES
from churn.customer.parsing import parse_customer
from churn.model.score import ModelFamily
from churn.registry.store import ModelStore
from churn.training.features import probabilities
from serving.api.limits import Limits
from tests.api.conftest import running
from tests.customer_file import conditioner, customers, customers_of, package, read_rows, trained
from tests.trees import BOOSTING, FOREST, tree_package
from tests.trees import model as tree_model

ORIGIN = {"tenure": 5, "monthly_charges": 95.5, "gender": 1, "partner": 0}
PROBLEM = "application/problem+json"


def _predict(client: TestClient, body: object) -> dict[str, Any]:
    answer = client.post("/predict", json=body)
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


JSON = {"Content-Type": "application/json"}


def _refused(client: TestClient, content: str | bytes, *, status: int = 422) -> dict[str, Any]:
    answer = client.post("/predict", content=content, headers=JSON)
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == PROBLEM
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["type"]
    assert problem["title"]
    assert problem["detail"]
    return problem


def _settled(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "prediction_id"}


def test_whether_a_customer_churns_and_whether_to_contact_them_are_two_answers(
    client: TestClient,
) -> None:
    seen = set()
    for row in customers_of(customers().iloc[::100]):
        answer = _predict(client, row)
        assert answer["prediction"] == (answer["probability_churn"] >= 0.5)
        assert answer["contact"] is (answer["expected_profit"] > 0)
        assert answer["contact"] is (answer["probability_churn"] > answer["threshold"])
        assert answer["expected_profit"] == pytest.approx(_profit(answer, row["monthly_charges"]))
        seen.add((answer["prediction"], answer["contact"]))
    assert seen == {(0, False), (0, True), (1, True)}


def _profit(answer: dict[str, Any], charges: Any) -> float:
    """Return the expected profit as a reader of the answer would work it out."""
    p, assumed = answer["probability_churn"], answer["assumptions"]
    value = assumed["margin"] * assumed["months"] * float(charges)
    won = p * assumed["acceptance"] * (value - assumed["incentive"])
    given_away = (1 - p) * assumed["retained_acceptance"] * assumed["incentive"]
    return float(won - given_away - assumed["cost"])


def test_the_origins_curl_is_answered(client: TestClient) -> None:
    answer = client.post(
        "/predict",
        content='{"tenure": 5, "monthly_charges": 95.5, "gender": 1, "partner": 0}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 200
    body = answer.json()
    assert body["prediction"] == 1
    known = parse_customer(
        {"tenure": 5, "monthly_charges": 95.5, "gender": "Male", "partner": False}
    )
    assert body["probability_churn"] == conditioner().score(known).probability


@pytest.mark.parametrize(
    "body",
    [
        {"tenure": 5, "monthly_charges": 95.5, "gender": "Male", "partner": "No"},
        {"tenure": "5", "MonthlyCharges": "95.5", "gender": "male", "Partner": False},
        {"TENURE": 5.0, "Monthly Charges": 95.5, "Gender": "M", "partner": "0", "contract": None},
    ],
)
def test_spelled_out_forms_give_the_same_answer_as_codes(
    client: TestClient, body: dict[str, object]
) -> None:
    assert _settled(_predict(client, body)) == _settled(_predict(client, ORIGIN))


@pytest.mark.slow
def test_every_customer_scores_as_in_the_scikit_learn_pipeline(client: TestClient) -> None:
    expected = probabilities(trained().model, customers())
    rows = read_rows()
    assert len(rows) == 7_043
    for row, probability in zip(rows, expected, strict=True):
        body = {name: value for name, value in row.items() if name != "Churn"}
        answer = _predict(client, body)
        assert abs(answer["probability_churn"] - probability) <= 1e-9, row["customerID"]


def test_an_answer_carries_the_version_and_an_id_of_its_own(client: TestClient) -> None:
    answers = [_predict(client, ORIGIN) for _ in range(2)]
    assert {a["model_version"] for a in answers} == {package().manifest.version}
    assert len({uuid.UUID(str(a["prediction_id"])) for a in answers}) == 2


def test_an_answer_lists_the_fields_that_were_not_known(client: TestClient) -> None:
    answer = _predict(client, {"internet_service": "No", "tenure": 5})
    known = parse_customer({"internet_service": "No", "tenure": 5})
    assert answer["unknown_fields"] == [f.name for f in FEATURES if f.name not in known]


def test_the_probability_lies_within_its_interval(client: TestClient) -> None:
    answer = _predict(client, ORIGIN)
    low, high = answer["interval"]
    assert 0 < low < answer["probability_churn"] < high < 1


def _whole(number: int = 0) -> dict[str, str]:
    return {name: value for name, value in read_rows()[number].items() if name != "Churn"}


def _asked(client: TestClient, body: object, **parameters: str) -> dict[str, Any]:
    answer = client.post("/predict", json=body, params=parameters)
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def _fields(answer: dict[str, Any]) -> set[str]:
    return {reason["field"] for reason in answer["reasons"]}


def test_the_reasons_are_the_strongest_three_and_name_no_protected_attribute(
    client: TestClient,
) -> None:
    reasons = _predict(client, _whole())["reasons"]
    assert len(reasons) == 3
    sizes = [abs(reason["log_odds"]) for reason in reasons]
    assert sizes == sorted(sizes, reverse=True)
    assert {"gender", "senior_citizen"}.isdisjoint(reason["field"] for reason in reasons)


def test_a_full_explanation_has_every_reason_and_what_could_be_changed(client: TestClient) -> None:
    short, full = (_asked(client, _whole(), explain=how) for how in ("short", "full"))
    assert full["reasons"][:3] == short["reasons"]
    assert len(full["reasons"]) > 6
    assert "what_if" not in short
    assert {change["field"] for change in full["what_if"]} >= {"contract", "payment_method"}
    assert all("association, not cause" in change["text"] for change in full["what_if"])


def test_a_change_has_the_probability_that_the_changed_customer_gets(client: TestClient) -> None:
    for change in _asked(client, _whole(), explain="full")["what_if"]:
        body = {**parse_customer(_whole()), change["field"]: change["value"]}
        then = _predict(client, body)["probability_churn"]
        assert change["probability_churn"] == pytest.approx(then, abs=1e-12)


def test_without_an_explanation_only_the_verdict_is_given(client: TestClient) -> None:
    answer = _asked(client, ORIGIN, explain="none")
    assert {"reasons", "log_odds", "what_if"}.isdisjoint(answer)
    assert answer["probability_churn"] == _predict(client, ORIGIN)["probability_churn"]


@pytest.mark.parametrize("explain", ["short", "full"])
@pytest.mark.parametrize("body", [ORIGIN, _whole(0), _whole(3), {"internet_service": "No"}])
def test_the_parts_of_an_answer_add_up_to_its_probability(
    client: TestClient, body: dict[str, object], explain: str
) -> None:
    answer = _asked(client, body, explain=explain)
    parts = answer["log_odds"]
    total = sum(parts[name] for name in ("average_customer", "other", "uncertainty"))
    total += sum(reason["log_odds"] for reason in answer["reasons"])
    assert abs(total - parts["total"]) <= 1e-9
    assert abs(1 / (1 + math.exp(-total)) - answer["probability_churn"]) <= 1e-9


def test_protected_attributes_are_reasons_only_for_those_who_ask(client: TestClient) -> None:
    hidden = _asked(client, _whole(), explain="full")
    shown = _asked(client, _whole(), explain="full", protected="true")
    assert _fields(shown) - _fields(hidden) == {"gender", "senior_citizen"}


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [("explain", "all", "'none', 'short' or 'full'"), ("protected", "perhaps", "boolean")],
)
def test_an_unknown_way_of_explaining_is_refused_as_a_problem(
    client: TestClient, parameter: str, value: str, expected: str
) -> None:
    answer = client.post("/predict", json=ORIGIN, params={parameter: value})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == PROBLEM
    (error,) = answer.json()["errors"]
    assert (error["field"], error["value"]) == (parameter, value)
    assert expected in error["expected"]


def test_the_field_most_worth_asking_next_is_named_until_all_are_known(client: TestClient) -> None:
    body: dict[str, object] = {"gender": "Male"}
    whole = {**parse_customer(_whole(3)), "customer_id": None}
    asked = []
    while (field := _predict(client, body)["ask_next"]) is not None:
        asked.append(field)
        body[field] = whole[field]
    assert asked[0] == "contract"
    assert len(asked) == len(set(asked)) > 10
    assert {"gender", "senior_citizen"}.isdisjoint(asked)
    assert body.keys().isdisjoint({"senior_citizen"})


def test_a_field_that_follows_from_the_known_ones_is_not_unknown(client: TestClient) -> None:
    unknown = _predict(client, {"internet_service": "No", "phone_service": 0})["unknown_fields"]
    assert {"tech_support", "streaming_tv", "multiple_lines"}.isdisjoint(unknown)
    assert "tenure" in unknown


def test_a_scorecard_reports_that_it_scored_and_that_it_stood_in_for_nothing(
    client: TestClient,
) -> None:
    answer = _predict(client, ORIGIN)
    assert (answer["scored_by"], answer["fallback"]) == ("scorecard", False)


@pytest.mark.parametrize("family", [BOOSTING, FOREST])
def test_trees_give_the_same_answers_and_report_when_the_scorecard_stood_in(
    settings: Settings, empty_store: ModelStore, family: ModelFamily
) -> None:
    version = tree_package(family)
    empty_store.write_candidate(version.manifest, version.files)
    empty_store.publish(version.manifest.version)
    with running(settings) as client:
        whole, part = _asked(client, _whole(3), explain="full"), _asked(client, ORIGIN)
    known = parse_customer(_whole(3))
    assert whole["probability_churn"] == tree_model(family).score(known).probability
    assert (whole["scored_by"], whole["fallback"]) == (family.value, False)
    assert whole["interval"] == [whole["probability_churn"]] * 2
    assert len(whole["what_if"]) > 5
    parts = whole["log_odds"]
    total = parts["average_customer"] + parts["other"]
    total += sum(reason["log_odds"] for reason in whole["reasons"])
    assert abs(total - parts["total"]) <= 1e-9
    assert (part["scored_by"], part["fallback"]) == ("scorecard", True)
    assert part["ask_next"] == "contract"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"tenure": -1},
            {"field": "tenure", "value": -1, "expected": "a whole number from 0 to 1,200"},
        ),
        (
            {"Contract": "Month to month"},
            {
                "field": "contract",
                "value": "Month to month",
                "expected": "Month-to-month | One year | Two year",
                "nearest": "Month-to-month",
            },
        ),
        (
            {"gender": 2},
            {"field": "gender", "value": 2, "expected": "Female | Male (or 1, 0)"},
        ),
        (
            {"partner": "perhaps"},
            {
                "field": "partner",
                "value": "perhaps",
                "expected": "No | Yes (or true, false, 1, 0)",
            },
        ),
        (
            {"monthly_charges": True},
            {
                "field": "monthly_charges",
                "value": True,
                "expected": "a number from 0 to 1,000,000",
            },
        ),
        (
            {"customer_id": "a\nb", "tenure": 1},
            {
                "field": "customer_id",
                "value": "a\nb",
                "expected": "a text of 1 to 200 characters",
            },
        ),
        (
            {"internet_service": "No", "tech_support": "Yes"},
            {
                "field": "tech_support",
                "value": "Yes",
                "expected": "No internet service, as internet_service=No",
            },
        ),
        (
            {"tenure": 1, "churn": "No"},
            {
                "field": "churn",
                "value": "No",
                "expected": "to be left out: it is what is predicted",
            },
        ),
        (
            {"TotalCharges": 100, "tenure": 0},
            {"field": "total_charges", "value": "100.0", "expected": "0, as tenure=0"},
        ),
    ],
)
def test_a_wrong_field_is_named_with_its_value_and_what_is_allowed(
    client: TestClient, body: dict[str, object], expected: dict[str, object]
) -> None:
    problem = _refused(client, json.dumps(body))
    assert problem["errors"] == [expected]
    assert str(expected["field"]) in problem["detail"]


def test_an_unknown_field_is_answered_with_the_nearest_one(client: TestClient) -> None:
    (error,) = _refused(client, '{"tenur": 5}')["errors"]
    assert (error["field"], error["value"], error["nearest"]) == ("tenur", 5, "tenure")


def test_every_wrong_field_is_named_at_once(client: TestClient) -> None:
    body = {"tenure": "long", "contract": "forever", "partner": True}
    errors = _refused(client, json.dumps(body))["errors"]
    assert [error["field"] for error in errors] == ["tenure", "contract"]


@pytest.mark.parametrize("body", ["{}", '{"customer_id": "7590-VHVEG"}', '{"tenure": null}'])
def test_a_customer_without_a_known_field_is_refused(client: TestClient, body: str) -> None:
    assert "give at least one of gender" in str(_refused(client, body)["detail"])


@pytest.mark.parametrize("body", ["", "{", "tenure=5", '{"tenure": 5', "\xff", '{"tenure": 05}'])
def test_a_body_that_is_not_json_is_refused(client: TestClient, body: str) -> None:
    assert "the body is not JSON" in str(_refused(client, body.encode("latin-1"))["detail"])


@pytest.mark.parametrize("body", ["[]", '[{"tenure": 5}]', "null", "5", '"tenure"', "true"])
def test_json_that_is_no_object_is_refused(client: TestClient, body: str) -> None:
    assert "not a JSON object such as" in str(_refused(client, body)["detail"])


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400, "1" + "0" * 5_000]
)
def test_a_number_that_is_none_or_far_too_large_is_refused(client: TestClient, value: str) -> None:
    _refused(client, f'{{"tenure": {value}}}')
    _refused(client, f'{{"monthly_charges": {value}}}')


@pytest.mark.parametrize(
    "body",
    [
        r'{"customer_id": "\ud800", "tenure": 5}',
        r'{"\ud800": 5}',
        r'{"contract": "\udfff"}',
        r'{"customer_id": "\u0000", "tenure": 5}',
    ],
)
def test_text_that_no_database_can_hold_is_refused(client: TestClient, body: str) -> None:
    assert _refused(client, body)["errors"]


@pytest.mark.parametrize("depth", [50, 500, 5_000, 20_000])
@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_is_refused(client: TestClient, left: str, right: str, depth: int) -> None:
    content = f'{{"tenure": {left * depth}1{right * depth}}}'
    answer = client.post("/predict", content=content, headers=JSON)
    assert 400 <= answer.status_code < 500, answer.text[:200]
    assert answer.headers["content-type"] == PROBLEM


def test_nesting_of_any_depth_is_refused(client: TestClient) -> None:
    depths = range(850, 1_000)
    bodies = [f'{{"tenure": {"[" * depth}{"]" * depth}}}' for depth in depths]
    assert {client.post("/predict", content=body, headers=JSON).status_code for body in bodies} == {
        422
    }


def test_a_body_of_a_megabyte_is_too_large(client: TestClient) -> None:
    problem = _refused(client, b'{"tenure": "' + b"5" * 1_000_000 + b'"}', status=413)
    assert f"{Limits().body_bytes:,} bytes" in str(problem["detail"])


def test_a_body_just_within_the_limit_is_read(client: TestClient) -> None:
    body = b'{"tenure": 5}'
    padded = body + b" " * (Limits().body_bytes - len(body))
    assert client.post("/predict", content=padded, headers=JSON).status_code == 200
    assert client.post("/predict", content=padded + b" ", headers=JSON).status_code == 413


def test_a_refusal_is_not_many_times_as_long_as_the_request(client: TestClient) -> None:
    body = json.dumps({f"a{number}": 1 for number in range(4_000)}).encode()
    assert len(client.post("/predict", content=body, headers=JSON).content) < 10 * len(body)


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_VALUES = (
    _SCALARS | st.lists(_SCALARS, max_size=3) | st.dictionaries(st.text(), _SCALARS, max_size=2)
)
_NAMES = st.sampled_from([field.name for field in FEATURES]) | st.text()


@given(st.dictionaries(_NAMES, _VALUES, max_size=6) | _VALUES)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_is_answered_or_refused_and_never_breaks_the_service(
    client: TestClient, body: object
) -> None:
    assert client.post("/predict", content=json.dumps(body), headers=JSON).status_code in (200, 422)


@given(st.binary(max_size=200))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_answered_or_refused_and_never_break_the_service(
    client: TestClient, body: bytes
) -> None:
    assert client.post("/predict", content=body, headers=JSON).status_code in (200, 422)


def test_a_field_that_is_given_twice_is_refused(client: TestClient) -> None:
    answer = client.post("/predict", content=b'{"tenure": 1, "tenure": 2}', headers=JSON)
    assert answer.status_code == 422
    assert "'tenure' is there twice" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("application/vnd.crm+json", 200),
        ("text/plain", 415),
        ("text/plain; x=application/json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/jsonp", 415),
        ("", 415),
        (None, 415),
    ],
)
def test_a_body_that_is_not_sent_as_json_is_refused(
    client: TestClient, kind: str | None, status: int
) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = client.post("/predict", content=b'{"tenure": 5}', headers=headers)
    assert answer.status_code == status
    if status == 415:
        assert answer.headers["content-type"] == PROBLEM
        assert "expected application/json" in answer.json()["detail"]


def test_a_number_of_thousands_of_digits_is_named_as_a_wrong_value(client: TestClient) -> None:
    for digits in (401, 4_301, 50_000):
        (error,) = _refused(client, f'{{"tenure": 1{"0" * digits}}}')["errors"]
        assert (error["field"], error["expected"]) == ("tenure", "a whole number from 0 to 1,200")
