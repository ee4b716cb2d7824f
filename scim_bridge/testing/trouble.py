"""The part of the contract on upstreams in trouble."""

import httpx
import pytest

from scim_bridge.query.plan import Query
from scim_bridge.testing.base import Contract
from scim_bridge.upstream.errors import AuthRefused, RateLimited, Unavailable, UpstreamError


class TroubleContract(Contract):
    """An upstream in trouble never looks like an empty one."""

    @pytest.mark.parametrize(
        "status, kind",
        [(401, AuthRefused), (403, AuthRefused), (429, RateLimited), (500, Unavailable), (503, Unavailable)],
    )
    async def test_trouble_is_never_an_empty_list(self, status: int, kind: type[UpstreamError]) -> None:
        async with self.connected() as acme:
            acme.wire.instead = lambda request: _trouble(request, status)
            for directory in acme.directories.values():
                with pytest.raises(UpstreamError) as caught:
                    await directory.reader.search(Query())
                assert isinstance(caught.value, kind), (status, type(caught.value))

    @pytest.mark.parametrize("content", [b"", b"<html>", b"null", b"{}", b"[", b'"text"', b"17"])
    async def test_an_answer_that_is_no_list_is_an_error(self, content: bytes) -> None:
        async with self.connected() as acme:
            acme.wire.instead = lambda request: _instead(request, 200, content)
            for directory in acme.directories.values():
                with pytest.raises(UpstreamError):
                    await directory.reader.search(Query())


def _trouble(request: httpx.Request, status: int) -> httpx.Response | None:
    return _instead(request, status, b"{}")


def _instead(request: httpx.Request, status: int, content: bytes) -> httpx.Response | None:
    """An answer in place of the upstream's own, save to a sign-in."""
    if "token" in request.url.path:
        return None
    headers = {"Content-Type": "application/json", **({"Retry-After": "3600"} if status == 429 else {})}
    return httpx.Response(status, content=content, headers=headers)
