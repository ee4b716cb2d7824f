"""Whatever arrives at the proxy, behind any server: an answer, and nothing upstream but below the connection's URL."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scim2_server.cursor import Cursors
from starlette.types import Message, Scope

from scim_bridge.admin.proxy import Proxy
from scim_bridge.config import from_document
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.registry import Registry
from scim_bridge.upstream.target import stays

SECRET = "upstream-s3cret"


class World:
    """Two connections, each with a token of its own, and what was sent to their upstreams."""

    def __init__(self) -> None:
        self.sent: list[httpx.Request] = []
        self.told: list[Mapping[str, Any]] = []
        known = {name: self._connection(name) for name in ("acme", "other")}
        self.proxy = Proxy(Registry(known), None, self.told.append)

    def _connection(self, name: str) -> Connection:
        table = {
            "provider": "scim",
            "token": f"scim-{name}",
            "proxy_tokens": [f"proxy-{name}"],
            "settings": {"base_url": f"https://{name}.example.com/base/v2", "token": SECRET},
        }
        config = from_document({"connections": {name: table}}, "test", provider_by_name)
        transport = httpx.MockTransport(self._answer)
        return Connection(config.connections[name], Cursors(b"s" * 32), transport=transport)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        return httpx.Response(200, stream=httpx.ByteStream(b"{}"))

    def ask(
        self, raw_path: bytes, query: bytes = b"", *, token: str = "proxy-acme", fields: Sequence[Any] = ()
    ) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        self.sent.clear()
        self.told.clear()
        return asyncio.run(self._asked(raw_path, query, token, fields))

    async def _asked(self, raw_path: bytes, query: bytes, token: str, fields: Sequence[Any]) -> tuple[int, bytes]:
        answers: list[Message] = []
        arriving: list[Message] = [{"type": "http.request"}]

        async def receive() -> Message:
            if not arriving:
                await asyncio.sleep(3600)
            return arriving.pop()

        async def send(message: Message) -> None:
            answers.append(message)

        scope: Scope = {
            "type": "http",
            "method": "GET",
            "path": raw_path.decode("latin-1"),
            "raw_path": raw_path,
            "query_string": query,
            "root_path": "/proxy",
            "headers": [(b"authorization", f"Bearer {token}".encode()), *fields],
        }
        await self.proxy(scope, receive, send)
        assert answers[0]["type"] == "http.response.start"
        assert not answers[-1].get("more_body")
        return answers[0]["status"], b"".join(each.get("body", b"") for each in answers[1:])


world = World()
PIECES = b"/ /users /.. . %2e %2F %5C %25 %0d %C3%A9 \\ ; a ? # \xe9".split()
PATHS = st.lists(st.sampled_from(PIECES), max_size=8).map(lambda pieces: b"/" + b"".join(pieces))
QUERIES = st.from_regex(rb"[!-~]{0,12}", fullmatch=True)
NAMES = b"X-A x-b Accept Connection Content-Length Cookie Host Proxy-A Transfer-Encoding".split()
VALUES = [b"", b"1", b"x-a, x-b", b"chunked", b"\xc3\xa9", b"\xe9", b"a\r\nb", b"\x00"]
FIELDS = st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)) | st.tuples(
    st.binary(max_size=12), st.binary(max_size=20)
)


@given(
    path=PATHS | st.binary(max_size=40), query=st.from_regex(rb"[!-~]{0,12}", fullmatch=True) | st.binary(max_size=30)
)
@example(path=b"/../other", query=b"")
@example(path=b"/%2e%2e/%2e%2e/", query=b"")
@example(path=b"/\xc0\xae\xc0\xae/", query=b"")
@example(path=b"/a?b", query=b"#c")
@settings(deadline=None, max_examples=300)
def test_any_bytes_for_a_path_and_a_query_lead_below_the_base_or_nowhere(path: bytes, query: bytes) -> None:
    status, body = world.ask(b"/proxy/acme" + path, query)
    assert len(world.told) == 1
    assert SECRET.encode() not in body
    if not world.sent:
        assert status in (400, 404)
        return
    [sent] = world.sent
    raw = path + (b"?" + query if query else b"")
    assert (status, sent.url.scheme, sent.url.host, sent.url.port) == (200, "https", "acme.example.com", None)
    assert sent.url.raw_path == b"/base/v2" + raw
    assert stays(path.decode("ascii"))


@given(st.lists(FIELDS, max_size=4))
@settings(deadline=None, max_examples=300)
def test_any_bytes_for_header_fields_are_passed_on_as_they_are_or_refused(fields: list[tuple[bytes, bytes]]) -> None:
    status, _ = world.ask(b"/proxy/acme/x", fields=fields)
    if not world.sent:
        assert status in (400, 401)
        return
    [sent] = world.sent
    given_ = [(name.lower(), value) for name, value in fields]
    added = [(name.lower(), value) for name, value in sent.headers.raw if (name.lower(), value) not in given_]
    assert {name for name, _ in added} <= {b"authorization", b"host"}
    assert not {name for name, _ in sent.headers.raw} & {b"cookie", b"connection", b"proxy-a", b"transfer-encoding"}
    assert sent.headers.get("host") in (None, "acme.example.com")
    assert [value for name, value in added if name == b"authorization"] == [f"Bearer {SECRET}".encode()]


@pytest.mark.parametrize(("name", "token"), [("acme", "proxy-other"), ("other", "proxy-acme"), ("acme", "scim-other")])
def test_a_token_of_another_connection_is_none(name: str, token: str) -> None:
    status, _ = world.ask(f"/proxy/{name}/x".encode(), token=token)
    assert (status, world.sent) == (401, [])
    assert world.ask(f"/proxy/{name}/x".encode(), token=f"proxy-{name}")[0] == 200
