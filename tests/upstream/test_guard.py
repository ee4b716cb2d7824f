"""Connections of strangers lead to public addresses only, whatever the address is called."""

import logging
import socket
from collections.abc import Callable
from typing import Any

import pytest

from scim_bridge.protocol.errors import scim_error
from scim_bridge.upstream.auth import ClientCredentials
from scim_bridge.upstream.client import ClientOptions, UpstreamClient
from scim_bridge.upstream.errors import AddressRefused, Unavailable
from scim_bridge.upstream.guard import is_public, literal
from scim_bridge.upstream.redact import Secret
from tests.clocks import FakeClock
from tests.servers import free_port
from tests.upstream import faults
from tests.upstream.faults import answer, token, upstream
from tests.upstream.stubs import connected, failure

PUBLIC = ClientOptions(public_only=True)

PRIVATE_ADDRESSES = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::",
    "2002:0a00:0001::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "no address",
    "",
]
PUBLIC_ADDRESSES = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
    "2606:4700::1111",
    "2a00:1450:4001::1",
]


@pytest.mark.parametrize("address", PRIVATE_ADDRESSES)
def test_an_address_of_a_private_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0177.0.0.01", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("::1", "::1"),
        ("[::ffff:127.0.0.1]", "::ffff:7f00:1"),
        ("fe80::1%25eth0", "fe80::1"),
        ("localhost", None),
        ("api.example.com", None),
        ("1.example.com", None),
        ("", None),
    ],
)
def test_a_host_that_is_an_address_is_known_in_each_spelling(host: str, address: str | None) -> None:
    assert literal(host) == address


# -- over a socket ----------------------------------------------------------------------------------------------------

HOSTS = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "0x7f.1",
    "0x7f000001",
    "2130706433",
    "0177.1",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::1]",
    "0.0.0.0",
    "0",
    "localhost",
    "LOCALHOST",
]


@pytest.mark.parametrize("host", HOSTS)
async def test_nothing_reaches_the_bridges_own_machine(host: str) -> None:
    async with upstream(answer(200, {"id": "1"})) as server:
        async with connected(None, base=f"http://{host}:{server.port}", options=PUBLIC) as client:
            error = await failure(client, "POST", "/users", json={})
        assert (server.connections, server.requests) == (0, [])
    assert isinstance(error, AddressRefused)
    assert (error.upstream, error.sent) == ("acme", False)


@pytest.mark.parametrize("host", ["0177.0.0.1", "127.0.0.256", "\N{FULLWIDTH DIGIT ONE}27.0.0.1", "[::1%eth0"])
def test_what_only_looks_like_an_address_is_no_base_url(host: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        UpstreamClient("acme", f"http://{host}", options=PUBLIC)


async def test_the_same_server_answers_where_private_addresses_are_allowed() -> None:
    async with upstream(answer(200, {"id": "1"})) as server, connected(None, base=server.origin) as client:
        assert (await client.send("GET", "/users/1")).body == {"id": "1"}


async def test_a_refusal_is_told_in_plain_words_and_logged_with_the_address(caplog: pytest.LogCaptureFixture) -> None:
    async with connected(None, base="http://localhost:9", options=PUBLIC) as client:
        error = await failure(client)
    assert error.detail == "localhost has a private address, which needs [server] allow_private_upstreams"
    logged = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert {each.__dict__["connection"] for each in logged} == {"acme"}
    assert {each.__dict__["address"] for each in logged} <= {"127.0.0.1", "::1"}
    assert scim_error(error, "r-1", "acme").status == 502


Names = Callable[[str, str], None]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """What names lead to: each look-up of one takes its next address, and the last one for good."""
    known: dict[str, list[str]] = {}

    def getaddrinfo(host: Any, port: Any, *_: Any, **__: Any) -> list[Any]:
        found = known[host]
        address = found.pop(0) if len(found) > 1 else found[0]
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in address.split()
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return lambda name, addresses: known.setdefault(name, []).append(addresses)


@pytest.mark.parametrize("name", ["inside.example.com", "inside.example.com."])
async def test_a_name_that_leads_to_a_private_address_is_refused_and_not_tried_again(name: str, names: Names) -> None:
    names(name, "169.254.169.254")
    clock = FakeClock()
    async with connected(None, base=f"http://{name}", clock=clock, options=PUBLIC) as client:
        assert isinstance(await failure(client), AddressRefused)
        assert (client.usage.retries, clock.slept) == (0, [])


async def test_a_name_is_looked_at_again_with_each_connection(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may lead to a public address when the connection is made, and to a private one the next time."""
    monkeypatch.setattr("scim_bridge.upstream.guard.is_public", lambda address: address == "127.0.0.1")
    monkeypatch.setattr("aiohttp.connector._DNSCacheTable.expired", lambda *_: True)  # after some seconds, really
    async with upstream(faults.then_close(answer(200, {"id": "1"})), answer(200, {"id": "1"})) as server:
        names("rebound.example.com", "127.0.0.1")
        names("rebound.example.com", "127.0.0.2")
        base = f"http://rebound.example.com:{server.port}"
        async with connected(None, base=base, options=PUBLIC) as client:
            assert (await client.send("GET", "/users/1")).body == {"id": "1"}
            assert isinstance(await failure(client), AddressRefused)
        assert server.connections == 1


async def test_of_several_addresses_the_private_ones_are_left_out(
    names: Names, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loopback counts as public here, for one port of it to be reachable."""
    monkeypatch.setattr("scim_bridge.upstream.guard.is_public", lambda address: address == "127.0.0.1")
    async with upstream(answer(200, {"id": "1"})) as server:
        names("two.example.com", "127.0.0.2 127.0.0.1")
        async with connected(None, base=f"http://two.example.com:{server.port}", options=PUBLIC) as client:
            assert (await client.send("GET", "/users/1")).body == {"id": "1"}
    assert [each.__dict__["address"] for each in caplog.records if each.levelno == logging.WARNING] == ["127.0.0.2"]


async def test_a_sign_in_goes_to_public_addresses_only(names: Names) -> None:
    names("api.example.com", "8.8.8.8")
    async with upstream(paths={"/token": [token()]}) as server:
        auth = ClientCredentials(f"{server.origin}/token", "id", Secret("sesame"), clock=FakeClock())
        client = UpstreamClient("acme", "http://api.example.com", auth=auth, options=PUBLIC, clock=FakeClock())
        try:
            error = await failure(client)
        finally:
            await client.aclose()
        assert (type(error), server.connections) == (AddressRefused, 0)
    assert error.detail.startswith("127.0.0.1 ")


@pytest.mark.parametrize("base", ["http://api.example.com", "https://api.example.com"])
async def test_a_proxy_has_a_public_address(base: str) -> None:
    async with upstream(answer(200)) as proxy:
        options = ClientOptions(public_only=True, proxy=f"http://joe:sesame@localhost:{proxy.port}")
        async with connected(None, base=base, options=options) as client:
            error = await failure(client)
        assert (type(error), proxy.connections) == (AddressRefused, 0)
    assert error.detail.startswith("the proxy has a private address")


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "[::ffff:169.254.169.254]", "0xa9.0xfe.0xa9.0xfe"])
async def test_a_proxy_is_not_asked_for_a_private_address(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with upstream(answer(200)) as proxy:
        options = ClientOptions(public_only=True, proxy=proxy.origin)
        async with connected(None, base=f"http://{host}", options=options) as client:
            monkeypatch.setattr("scim_bridge.upstream.guard.is_public", lambda address: address == "127.0.0.1")
            assert isinstance(await failure(client), AddressRefused)
        assert proxy.connections == 0


async def test_a_public_address_that_does_not_answer_is_unreachable_as_ever(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scim_bridge.upstream.guard.is_public", lambda address: True)
    names("api.example.com", "127.0.0.1")
    async with connected(None, base=f"http://api.example.com:{free_port()}", options=PUBLIC) as client:
        assert type(await failure(client)) is Unavailable
