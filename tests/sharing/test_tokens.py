"""Access tokens of several nodes: one signs in, the others use its token, and nobody waits for one that is gone."""

import asyncio
from typing import Any

import httpx
import pytest

from scim_bridge.sharing.node import Sharing
from scim_bridge.sharing.tokens import TURN_SECONDS
from scim_bridge.upstream.auth import ClientCredentials
from scim_bridge.upstream.client import UpstreamClient
from scim_bridge.upstream.errors import AuthRefused
from scim_bridge.upstream.redact import Secret
from tests.sharing.conftest import Nodes
from tests.upstream.stubs import BASE, TOKEN_URL, Stub, failure, ok, status, token


class Upstream(Stub):
    """A token endpoint that gives a new token each time, in front of an API that takes the last one only."""

    def __init__(self) -> None:
        super().__init__(handler=self._answer)
        self.valid = ""

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if str(request.url) != TOKEN_URL:
            return ok() if request.headers["Authorization"] == f"Bearer {self.valid}" else status(401)
        self.valid = f"token-{self.sign_ins}"
        return token(self.valid)

    @property
    def sign_ins(self) -> int:
        return len(self.to(TOKEN_URL))


def client(nodes: Nodes, upstream: Stub, sharing: Sharing, *, secret: str = "sesame", **more: Any) -> UpstreamClient:
    """A node's client of the upstream."""
    auth = ClientCredentials(TOKEN_URL, "client", Secret(secret), clock=nodes.clock, **more)
    auth.share(sharing.tokens("acme"))
    return UpstreamClient("acme", BASE, auth=auth, transport=upstream, clock=nodes.clock)


async def test_one_node_signs_in_and_the_others_use_its_token(nodes: Nodes) -> None:
    upstream = Upstream()
    clients = [client(nodes, upstream, nodes.node()) for _ in range(3)]
    for each in (*clients, *clients):
        await each.send("GET", "/users")
    assert (upstream.sign_ins, len(upstream.calls)) == (1, 7)


async def test_nodes_that_begin_together_sign_in_once(nodes: Nodes) -> None:
    upstream = Upstream()
    clients = [client(nodes, upstream, nodes.node()) for _ in range(3)]
    await asyncio.gather(*(each.send("GET", "/users") for each in clients))
    assert upstream.sign_ins == 1


async def test_a_token_that_is_refused_is_renewed_once_for_all(nodes: Nodes) -> None:
    upstream = Upstream()
    clients = [client(nodes, upstream, nodes.node()) for _ in range(2)]
    for each in clients:
        await each.send("GET", "/users")
    upstream.valid = "revoked"
    for each in clients:
        await each.send("GET", "/users")
    assert upstream.sign_ins == 2


async def test_a_token_is_good_for_as_long_as_it_was_for_the_node_that_fetched_it(nodes: Nodes) -> None:
    upstream = Upstream()
    first, second = (client(nodes, upstream, nodes.node()) for _ in range(2))
    await first.send("GET", "/users")
    await nodes.pass_by(1000, "shared_tokens.made", "shared_tokens.renew")
    await second.send("GET", "/users")
    age = second.token_age_seconds()
    assert age is not None and 1000 <= age < 1010
    nodes.clock.advance(2500)  # it has 3600 s, of which it is used for 3540 s
    await second.send("GET", "/users")
    assert upstream.sign_ins == 1
    nodes.clock.advance(100)
    await nodes.pass_by(2600, "shared_tokens.renew")
    await second.send("GET", "/users")
    assert upstream.sign_ins == 2


async def test_other_credentials_get_a_token_of_their_own(nodes: Nodes) -> None:
    upstream = Upstream()
    await client(nodes, upstream, nodes.node()).send("GET", "/users")
    await client(nodes, upstream, nodes.node(), secret="changed").send("GET", "/users")
    assert upstream.sign_ins == 2


async def test_a_sign_in_that_fails_leaves_the_turn_to_the_next_node(nodes: Nodes) -> None:
    refused, good = Stub(status(401, {"error": "invalid_client"})), Upstream()
    error = await failure(client(nodes, refused, nodes.node()))
    assert isinstance(error, AuthRefused)
    await client(nodes, good, nodes.node()).send("GET", "/users")
    assert good.sign_ins == 1


async def test_a_node_that_hangs_in_its_turn_holds_up_the_others_for_some_seconds_only(nodes: Nodes) -> None:
    upstream, stuck = Upstream(), nodes.node().tokens("acme")
    credentials = Secret(f"{TOKEN_URL}\nclient\nsesame\n")
    async with stuck.turn(credentials, None) as found:
        assert found is None
        before = nodes.clock.now()
        await client(nodes, upstream, nodes.node()).send("GET", "/users")
    assert upstream.sign_ins == 1
    assert nodes.clock.now() - before == pytest.approx(TURN_SECONDS, abs=0.5)


async def test_tokens_are_stored_encrypted_and_for_nodes_with_the_same_key(nodes: Nodes) -> None:
    upstream = Upstream()
    await client(nodes, upstream, nodes.node()).send("GET", "/users")
    stored = repr(await nodes.stored("shared_tokens"))
    assert upstream.valid not in stored and "sesame" not in stored
    await client(nodes, upstream, nodes.node(b"another" + b"k" * 25)).send("GET", "/users")
    assert upstream.sign_ins == 2


async def test_what_somebody_wrote_into_the_table_is_no_token(nodes: Nodes) -> None:
    upstream = Upstream()
    await client(nodes, upstream, nodes.node()).send("GET", "/users")
    await nodes.run("UPDATE shared_tokens SET token = ?", b"x" * 40)
    await client(nodes, upstream, nodes.node()).send("GET", "/users")
    assert upstream.sign_ins == 2


async def test_tokens_that_are_over_are_taken_away(nodes: Nodes) -> None:
    upstream = Upstream()
    await client(nodes, upstream, nodes.node()).send("GET", "/users")
    await nodes.pass_by(4000, "shared_tokens.renew")
    await client(nodes, upstream, nodes.node(), secret="changed").send("GET", "/users")
    assert len(await nodes.stored("shared_tokens")) == 1


async def test_without_the_database_each_node_signs_in_by_itself(nodes: Nodes) -> None:
    upstream = Upstream()
    first, second = (client(nodes, upstream, nodes.node()) for _ in range(2))
    nodes.ways[0].cut = True
    await first.send("GET", "/users")
    await second.send("GET", "/users")
    assert upstream.sign_ins == 2
