"""Every shape in which the vendor refuses, and what it becomes."""

from typing import Any

import httpx
import orjson
import pytest

from scim_bridge.providers.sailpoint_isc.errors import classify
from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from scim_bridge.query.plan import Query
from scim_bridge.upstream.errors import (
    AuthRefused,
    BadAnswer,
    Conflict,
    NotFound,
    RateLimited,
    Rejected,
    Unavailable,
    UpstreamError,
)
from scim_bridge.upstream.reply import Reply
from tests.providers.sailpoint_isc.support import connected, sandbox_of


class Answering(httpx.AsyncBaseTransport):
    """Answers requests of a method itself, as often as it is asked; sign-ins and others go to the sandbox."""

    def __init__(self, sandbox: Sandbox, method: str, status: int, body: Any, kind: str = "application/json") -> None:
        self._sandbox = httpx.ASGITransport(app=sandbox.app)
        self._answer = (method, status, body if isinstance(body, bytes) else orjson.dumps(body), kind)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        method, status, content, kind = self._answer
        if request.method == method and "oauth" not in request.url.path:
            return httpx.Response(status, content=content, headers={"Content-Type": kind})
        return await self._sandbox.handle_async_request(request)


DTO = {
    "detailCode": "400.1.3 Illegal value",
    "trackingId": "t",
    "messages": [{"locale": "en", "text": "No such owner"}],
}
OWNED = {"associationType": "ROLE_OWNER", "entities": [{"id": "1", "name": "Sales", "type": "ROLE"}]}


@pytest.mark.parametrize(
    ("status", "body", "kind", "told"),
    [
        (400, DTO, Rejected, "No such owner"),
        (409, {**DTO, "detailCode": "409.0 In use"}, Conflict, "No such owner"),
        (400, {"detailMessage": "Specified offset is invalid."}, Rejected, "Specified offset is invalid."),
        (400, {"errorMessage": "no"}, Rejected, "no"),
        (400, {"formatted_msg": "no"}, Rejected, "no"),
        (400, {"message": "no"}, Rejected, "no"),
        (400, {"error": "invalid", "error_description": "no"}, Rejected, "no"),
        (400, {"detailCode": "400.0 Bad request syntax", "messages": None}, Rejected, "400.0 Bad request syntax"),
        (400, {"messages": [None, {"text": 3}]}, Rejected, "refused"),
        (400, {"message": "Identity owns", "associationDetails": [OWNED]}, Conflict, "Identity owns: ROLE_OWNER Sales"),
        (400, {"message": "Identity owns", "associationDetails": OWNED}, Conflict, "Identity owns: ROLE_OWNER Sales"),
        (400, {"message": "Identity owns", "associationDetails": ["x"]}, Conflict, "Identity owns: "),
    ],
)
def test_a_refusal_is_read_in_each_of_its_shapes(status: int, body: Any, kind: type[UpstreamError], told: str) -> None:
    """Trap 18."""
    error = classify(Reply(status, body, httpx.Headers({"Content-Type": "application/json"})))
    assert type(error) is kind and error.detail == told
    assert error.codes == ((body["detailCode"],) if "detailCode" in body else ())


@pytest.mark.parametrize(("status", "body"), [(401, {"error": "x"}), (404, DTO), (429, {}), (400, None), (200, DTO)])
def test_what_the_status_says_is_left_to_it(status: int, body: Any) -> None:
    assert classify(Reply(status, body, httpx.Headers())) is None


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, DTO, Rejected),
        (401, {"error": "JWT validation failed: JWT is expired"}, AuthRefused),
        (403, DTO, AuthRefused),
        (404, DTO, NotFound),
        (429, {"message": " Rate Limit Exceeded "}, RateLimited),
        (500, DTO, Unavailable),
        (200, {"identities": []}, BadAnswer),
        (200, [1], BadAnswer),
    ],
)
async def test_trouble_is_never_nobody(status: int, body: Any, kind: type[UpstreamError]) -> None:
    sandbox = sandbox_of(5)
    async with connected(sandbox, transport=Answering(sandbox, "GET", status, body)) as acme:
        for directory in acme.directories.values():
            with pytest.raises(kind):
                await directory.reader.search(Query())
            with pytest.raises(BadAnswer if kind is NotFound else kind):  # or a client took it for deleted
                await directory.reader.get("05805975ed2f89d94a2f20aaf3c64af7", ())


async def test_a_page_of_html_is_no_refusal_of_a_value() -> None:
    sandbox = sandbox_of(5)
    page = Answering(sandbox, "GET", 400, b"<html>", "text/html")
    async with connected(sandbox, transport=page) as acme:
        with pytest.raises(BadAnswer):
            await acme.users.reader.search(Query())


async def test_an_ended_token_is_renewed_once() -> None:
    sandbox = sandbox_of(5)
    async with connected(sandbox) as acme:
        await acme.find("")
        sandbox.end_tokens()
        assert len(await acme.find("")) == 5
        assert len(sandbox.log.sign_ins) == 2


async def test_a_token_is_renewed_before_it_ends() -> None:
    sandbox = sandbox_of(5)
    sandbox.knobs.token_lifetime_seconds = 749
    async with connected(sandbox) as acme:
        await acme.find("")
        acme.clock.advance(700)
        await acme.find("")
        assert len(sandbox.log.sign_ins) == 2 and all(each.version == "v1" for each in sandbox.calls)


async def test_a_token_without_a_user_is_refused_and_not_taken_for_an_empty_tenant() -> None:
    """Trap 19."""
    sandbox = sandbox_of(5)
    sandbox.knobs.personal = False
    async with connected(sandbox) as acme:
        with pytest.raises(AuthRefused):
            await acme.find("")
        assert len(await acme.find("", "groups")) == 12


@pytest.mark.parametrize("retry_after", ["3", "Wed, 04 Mar 2020 10:00:03 GMT"])
async def test_a_rate_limit_is_waited_for(retry_after: str) -> None:
    sandbox = sandbox_of(5)
    async with connected(sandbox) as acme:
        sandbox.limit(2, retry_after)
        assert len(await acme.find("")) == 5
        assert len(acme.clock.slept) == 2


async def test_a_wait_that_is_too_long_is_told() -> None:
    sandbox = sandbox_of(5)
    async with connected(sandbox) as acme:
        sandbox.limit(1, retry_after="3600")
        with pytest.raises(RateLimited) as caught:
            await acme.find("")
        assert caught.value.retry_after_seconds == 3_600
