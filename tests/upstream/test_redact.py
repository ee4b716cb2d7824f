"""Secrets stay out of texts, logs and serialised objects."""

import copy
import json
import logging
import pickle
from dataclasses import asdict, dataclass

import orjson
import pytest

from scim_bridge.upstream.redact import Secret, redact, safe_text, silence_http_library

SESAME = Secret("open se/same+ü")


@dataclass
class _Settings:
    token: Secret


def test_a_secret_shows_itself_only_when_asked() -> None:
    shown = [repr(SESAME), str(SESAME), f"{SESAME}", f"{SESAME:>5}", repr(_Settings(SESAME)), str([SESAME])]
    assert not any("same" in text for text in shown)
    assert f"{SESAME:>5}" == "  ***"
    assert SESAME.reveal() == "open se/same+ü"


def test_a_secret_cannot_be_serialised() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(SESAME)
    with pytest.raises(TypeError):
        json.dumps({"token": SESAME})
    with pytest.raises(TypeError):
        orjson.dumps({"token": SESAME})


def test_a_copy_of_a_secret_is_the_same_object() -> None:
    assert copy.copy(SESAME) is SESAME
    assert copy.deepcopy({"a": SESAME})["a"] is SESAME
    assert asdict(_Settings(SESAME))["token"] is SESAME


def test_secrets_compare_by_value_and_only_with_each_other() -> None:
    same, other, text = Secret(SESAME.reveal()), Secret("other"), SESAME.reveal()
    assert same == SESAME
    assert len({SESAME, same}) == 1
    assert other != SESAME
    assert text != SESAME
    assert not Secret("")
    assert SESAME


@pytest.mark.parametrize(
    "text",
    [
        "open se/same+ü",
        "open%20se%2Fsame%2B%C3%BC",
        "open+se%2Fsame%2B%C3%BC",
        "b3BlbiBzZS9zYW1lK8O8",
    ],
)
def test_a_secret_is_masked_in_every_form_it_travels_in(text: str) -> None:
    assert redact(f"before {text} after", [SESAME]) == "before *** after"


def test_a_secret_that_holds_another_is_masked_whole() -> None:
    assert redact("abcdef abc", [Secret("abc"), Secret("abcdef")]) == "*** ***"


def test_an_empty_secret_masks_nothing() -> None:
    assert redact("text", [Secret("")]) == "text"


def test_safe_text_is_one_short_line() -> None:
    assert safe_text("a\r\nb\x00c\u202ed\ud800") == "a  b c d "
    assert safe_text("x" * 300) == "x" * 300
    assert safe_text("x" * 301) == "x" * 299 + "…"


def test_a_secret_is_masked_before_the_text_is_cut() -> None:
    assert "sesa" not in safe_text("x" * 295 + "sesame", [Secret("sesame")])
    assert safe_text("a\nb", [Secret("a\nb")]) == "***"


def test_the_http_librarys_own_log_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    silence_http_library()
    silence_http_library()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("httpx").info("HTTP Request: GET https://h/users?filter=joe")
    assert not caplog.records
