"""Answers decoded and judged by their status."""

from typing import Any

import httpx
import pytest

from scim_bridge.upstream.errors import (
    AuthRefused,
    BadAnswer,
    Conflict,
    NotFound,
    RateLimited,
    Rejected,
    TimedOut,
    Unavailable,
    UpstreamError,
)
from scim_bridge.upstream.reply import Reply, decode, error_by_status, read_body


def _response(content: bytes, status: int = 200, kind: str | None = "application/json", method: str = "GET") -> Any:
    headers = {} if kind is None else {"Content-Type": kind}
    return httpx.Response(status, headers=headers, content=content, request=httpx.Request(method, "https://h/"))


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "Application/SCIM+JSON; charset=utf-8",
        "application/vnd.pingidentity.x.y+json",
        "text/json",
        None,
    ],
)
def test_json_is_decoded_whatever_its_name(kind: str | None) -> None:
    assert decode(_response(b'{"id": 1}', kind=kind), b'{"id": 1}').body == {"id": 1}


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "application/xml", "application/jsonp"])
def test_a_success_of_another_type_is_a_bad_answer(kind: str) -> None:
    with pytest.raises(BadAnswer, match=f"answered {kind} instead of JSON"):
        decode(_response(b"{}", kind=kind), b"{}")


@pytest.mark.parametrize("content", [b'{"id": ', b"<html>", b"{}x", b"\xff"])
def test_a_success_that_is_not_json_is_a_bad_answer_that_quotes_nothing(content: bytes) -> None:
    with pytest.raises(BadAnswer) as caught:
        decode(_response(content, kind=None), content)
    assert str(caught.value) == "answered invalid JSON"
    assert caught.value.status == 200


def test_an_error_that_is_not_json_has_no_body() -> None:
    assert decode(_response(b"<html>", 502, "text/html"), b"<html>").body is None
    assert decode(_response(b"{", 400), b"{").body is None


@pytest.mark.parametrize(
    ("method", "status"), [("DELETE", 204), ("GET", 204), ("HEAD", 200), ("POST", 200), ("PUT", 200)]
)
def test_an_empty_answer_is_none(method: str, status: int) -> None:
    assert decode(_response(b"", status, None, method), b"").body is None


def test_a_read_that_brings_nothing_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer, match="answered nothing"):
        decode(_response(b""), b"")
    assert decode(_response(b"", 404), b"").body is None


def test_a_reply_shows_neither_body_nor_headers() -> None:
    assert repr(decode(_response(b'{"id": 1}'), b'{"id": 1}')) == "Reply(status=200)"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, None),
        (299, None),
        (301, BadAnswer),
        (304, BadAnswer),
        (400, Rejected),
        (401, AuthRefused),
        (403, AuthRefused),
        (404, NotFound),
        (408, TimedOut),
        (409, Conflict),
        (410, NotFound),
        (412, Rejected),
        (418, Rejected),
        (429, RateLimited),
        (500, Unavailable),
        (501, Unavailable),
        (503, Unavailable),
        (599, Unavailable),
    ],
)
def test_a_status_says_what_went_wrong(status: int, kind: type[UpstreamError] | None) -> None:
    error = error_by_status(Reply(status, None, httpx.Headers()))
    assert (None if error is None else type(error)) is kind
    assert error is None or (error.status == status and str(status) in error.detail)


@pytest.mark.parametrize("kind", ["text/html", "TEXT/HTML;charset=x", "application/xhtml+xml"])
@pytest.mark.parametrize("status", [400, 404, 409, 410, 422])
def test_a_page_is_nobodys_judgement_of_a_value(status: int, kind: str) -> None:
    error = error_by_status(Reply(status, None, httpx.Headers({"Content-Type": kind})))
    assert type(error) is BadAnswer


async def test_a_body_is_limited_by_what_it_announces_and_by_what_comes() -> None:
    async def chunks() -> Any:
        yield b"12345"
        yield b"67890"

    request = httpx.Request("GET", "https://h/")
    assert await read_body(httpx.Response(200, content=chunks(), request=request), 10) == b"1234567890"
    with pytest.raises(BadAnswer, match="larger than 9 bytes"):
        await read_body(httpx.Response(200, content=chunks(), request=request), 9)
    announced = httpx.Response(200, headers={"Content-Length": "10"}, content=chunks(), request=request)
    with pytest.raises(BadAnswer, match="larger than 9 bytes"):
        await read_body(announced, 9)
    assert not announced.is_stream_consumed


async def test_a_head_answer_may_announce_a_body_of_any_size() -> None:
    head = httpx.Response(200, headers={"Content-Length": "10"}, request=httpx.Request("HEAD", "https://h/"))
    assert await read_body(head, 9) == b""


def test_an_error_tells_its_name_once_it_has_one() -> None:
    error = Rejected("", "no good", codes=("A", "B"), target="email")
    assert (str(error), error.sent, error.retry_after_seconds) == ("no good", False, 0)
    error.reword("acme", "bad")
    assert (str(error), repr(error)) == ("acme: bad", "Rejected('acme', 'bad')")
