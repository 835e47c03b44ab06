import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from churn.model.phrases import Language
from serving.api.languages import preferred

EN, PT = Language.ENGLISH, Language.PORTUGUESE


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", EN), ("pt", PT), ("pt-BR", PT), ("PT-br,en;q=0.8", PT), ("en,pt", EN),
        ("en;q=0.5, pt;q=0.9", PT), ("fr, pt;q=0.1", PT), ("fr", EN), ("*", EN), ("pt;q=0", EN),
        ("pt;q=nan, en;q=0.1", EN), ("ptx", EN), ("pt;q=2", EN),
    ],
)  # fmt: skip
def test_the_language_that_is_wanted_most_is_chosen(header: str, language: Language) -> None:
    assert preferred(header.encode()) is language


@given(st.binary(max_size=300))
def test_any_header_gives_a_language(header: bytes) -> None:
    assert preferred(header) in Language


def test_the_texts_of_an_answer_are_in_the_requested_language(client: TestClient) -> None:
    body = {"tenure": 5, "contract": "Two year"}
    answers = {
        language: client.post("/predict", json=body, headers={"Accept-Language": language})
        for language in ("pt-BR", "en")
    }
    texts = {language: answer.json()["reasons"][0]["text"] for language, answer in answers.items()}
    assert "contrato" in texts["pt-BR"]
    assert "contract" in texts["en"]
    assert answers["pt-BR"].headers["content-language"] == "pt"
    assert answers["pt-BR"].headers["vary"] == "accept-language"
