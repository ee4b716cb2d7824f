"""What the proxy brings of each simulated upstream is what that answers itself, byte for byte."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scim_bridge.clock import SYSTEM_CLOCK
from scim_bridge.connections import provider_by_name, provider_names
from scim_bridge.query.plan import Query
from scim_bridge.upstream.trace import tracing
from tests.admin.passing import TOKEN, Got, asked, bridge_to, head, listening, opened

SIMULATED = [name for name in provider_names() if provider_by_name(name).simulation is not None]
TYPED = ("content-type", "content-encoding", "content-length", "etag", "link")


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived at the sandbox."""

    method: str
    target: str
    fields: Sequence[tuple[str, str]]
    body: bytes

    def field(self, name: str) -> str | None:
        return dict(self.fields).get(name)


@dataclass(slots=True)
class Watched:
    """A sandbox that remembers what arrived, and the last body that it sent."""

    app: ASGIApp
    seen: list[Seen] = field(default_factory=list)
    sent: bytes = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = [await receive()]
        while messages[-1].get("more_body"):
            messages.append(await receive())
        fields = [(name.decode(), value.decode()) for name, value in scope["headers"]]
        query = scope["query_string"].decode()
        target = scope["raw_path"].decode() + (f"?{query}" if query else "")
        self.seen.append(Seen(scope["method"], target, fields, b"".join(each["body"] for each in messages)))

        async def again() -> Message:
            return messages.pop(0) if messages else await receive()

        async def watched(message: Message) -> None:
            self.sent += message.get("body", b"")
            await send(message)

        self.sent = b""
        await self.app(scope, again, watched)

    def taken(self) -> list[Seen]:
        found, self.seen = self.seen, []
        return found


def told(seen: Seen, target: str, host: str, *fields: str, token: str | None = None) -> bytes:
    """A request like one that was seen."""
    typed = seen.field("content-type")
    more = [f"Content-Type: {typed}"] if typed else []
    more += [f"Content-Length: {len(seen.body)}"] if seen.body else []
    return head(seen.method, target, "Accept: */*", *more, *fields, token=token, host=host) + seen.body


@pytest.mark.parametrize("name", SIMULATED)
async def test_a_body_is_the_one_of_a_direct_call(name: str) -> None:
    make = provider_by_name(name).simulation
    assert make is not None
    simulation = make(20)
    sandbox = Watched(simulation.app)
    async with listening(sandbox) as port, AsyncExitStack() as held:
        connection = opened("acme", name, simulation.settings(f"http://127.0.0.1:{port}"))
        held.push_async_callback(connection.aclose)
        bridge = bridge_to(connection)
        root = urlsplit(str(connection.client.base)).path
        with tracing(SYSTEM_CLOCK):
            service = await connection.service()
            for each in service.directories.values():
                await each.reader.search(Query(count=3, need_total=False))
        reads = {
            (each.method, each.target): each
            for each in sandbox.taken()
            if each.target.startswith(f"{root}/") and b"grant_type" not in each.body
        }
        missing = Seen("GET", f"{root}/no/such%20thing?x=%2f", (), b"")
        statuses = []
        async with listening(bridge.app) as bridge.port:
            for seen in (*reads.values(), missing):
                target = f"/proxy/acme{seen.target[len(root) :]}"
                proxied = await asked(bridge.port, told(seen, target, "bridge.test", token=TOKEN))
                arrived = sandbox.taken()[-1]
                assert (arrived.method, arrived.target, arrived.body) == (seen.method, seen.target, seen.body)
                assert (proxied.body, proxied.whole) == (sandbox.sent, True)
                authorization = f"Authorization: {arrived.field('authorization')}"
                direct = await asked(port, told(seen, seen.target, f"127.0.0.1:{port}", authorization))
                assert proxied.status == direct.status
                if direct.status == 200:  # an error may have an id of its own
                    assert _shown(proxied) == _shown(direct)
                statuses.append(direct.status)
    assert statuses.count(200) >= len(service.directories)
    assert statuses[-1] >= 400


def _shown(got: Got) -> object:
    return got.body, [(name, value) for name, value in got.fields if name in TYPED]
