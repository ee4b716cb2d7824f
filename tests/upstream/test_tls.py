"""Whom we trust, who we are, and the way through a proxy; on loopback ports."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from scim_bridge.upstream.client import ClientOptions, UpstreamClient
from scim_bridge.upstream.errors import NotTrusted, Rejected, Unavailable, UpstreamError
from scim_bridge.upstream.reply import Reply
from scim_bridge.upstream.trust import trust
from tests.clocks import FakeClock
from tests.upstream import faults
from tests.upstream.certificates import Authority, authority
from tests.upstream.faults import answer, upstream
from tests.upstream.stubs import connected, failure


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return authority(tmp_path)


async def test_only_the_named_authority_is_trusted(ours: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = authority(tmp_path / "other")
    async with upstream(answer(200, {"id": "1"}), tls=ours.server_context()) as server:
        for options in (ClientOptions(), ClientOptions(ca_bundle=other.bundle)):
            async with connected(None, base=server.origin, options=options) as stranger:
                error = await failure(stranger, "POST")
                assert (type(error), error.sent) == (NotTrusted, False)
                assert str(error) == "acme: not reachable (ClientConnectorCertificateError)"
        assert server.requests == []
        async with connected(None, base=server.origin, options=ClientOptions(ca_bundle=ours.bundle)) as client:
            assert (await client.send("GET", "/users")).body == {"id": "1"}


async def test_what_speaks_no_tls_is_not_trusted() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        base, options = f"https://127.0.0.1:{port}", ClientOptions(attempts=1)
        async with connected(None, base=base, options=options) as client:
            error = await failure(client)
    assert (type(error), error.sent) == (NotTrusted, False)


async def test_a_server_may_ask_who_we_are(ours: Authority) -> None:
    tls = ours.server_context(client_certificate=True)
    async with upstream(answer(), tls=tls) as server:
        nobody = ClientOptions(ca_bundle=ours.bundle, attempts=1)
        async with connected(None, base=server.origin, options=nobody) as client:
            assert type(await failure(client)) is Unavailable
        assert server.requests == []
        named = ClientOptions(ca_bundle=ours.bundle, client_cert=ours.issue("bridge"))
        async with connected(None, base=server.origin, options=named) as client:
            await client.send("GET", "/users")
        (request,) = server.requests
    assert request.peer_certificate is not None
    assert request.peer_certificate["subject"] == ((("commonName", "bridge"),),)


@pytest.mark.parametrize(
    ("option", "make"),
    [
        ("ca_bundle", lambda path: ClientOptions(ca_bundle=path)),
        ("client_cert", lambda path: ClientOptions(client_cert=path)),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_name(
    option: str, make: Callable[[str], ClientOptions], tmp_path: Path
) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for path in (str(empty), str(tmp_path / "missing.pem")):
        with pytest.raises(ValueError, match=f"^{option} cannot be used: "):
            UpstreamClient("acme", "https://h", options=make(path))


def test_an_encrypted_key_is_refused_and_its_password_not_asked_for(ours: Authority) -> None:
    with pytest.raises(ValueError, match=r"^client_cert cannot be used: "):
        UpstreamClient("acme", "https://h", options=ClientOptions(client_cert=ours.issue("locked", password=b"x")))


# -- proxies ----------------------------------------------------------------------------------------------------------


async def test_a_proxy_gets_the_whole_address_and_its_credentials() -> None:
    async with upstream(answer(200, {"id": "1"})) as proxy:
        options = ClientOptions(proxy=f"http://joe:ses%2Fame@127.0.0.1:{proxy.port}")
        async with connected(None, base="http://api.example.com/v1", options=options) as client:
            assert (await client.send("GET", "/users", params={"q": "a/b"})).body == {"id": "1"}
    (request,) = proxy.requests
    assert request.target == "http://api.example.com/v1/users?q=a%2Fb"
    assert request.headers["host"] == "api.example.com"
    assert request.headers["proxy-authorization"] == "Basic am9lOnNlcy9hbWU="


async def test_a_tunnel_takes_tls_through_and_keeps_the_credentials_to_itself(ours: Authority) -> None:
    async with upstream(answer(), tls=ours.server_context()) as server, upstream(faults.tunnel()) as proxy:
        options = ClientOptions(proxy=f"http://joe:sesame@127.0.0.1:{proxy.port}", ca_bundle=ours.bundle)
        async with connected(None, base=server.origin, options=options) as client:
            await client.send("GET", "/users")
        assert [(each.method, each.target) for each in proxy.requests] == [("CONNECT", f"127.0.0.1:{server.port}")]
        assert "proxy-authorization" in proxy.requests[0].headers
        assert "proxy-authorization" not in server.requests[0].headers


async def test_a_proxy_that_refuses_is_unavailable_and_nothing_was_sent(ours: Authority) -> None:
    async with upstream(answer(407), answer(407)) as proxy:
        options = ClientOptions(proxy=f"http://joe:sesame@127.0.0.1:{proxy.port}", attempts=2)
        async with connected(None, base="https://api.example.com", options=options) as client:
            error = await failure(client, "POST")
        assert [each.method for each in proxy.requests] == ["CONNECT", "CONNECT"]
    assert (type(error), error.sent) == (Unavailable, False)
    assert str(error) == "acme: not reachable through the proxy (ClientHttpProxyError)"


async def test_a_proxy_that_is_not_there_is_unavailable() -> None:
    async with upstream() as proxy:
        port = proxy.port
    async with connected(
        None, base="http://api.example.com", options=ClientOptions(proxy=f"http://127.0.0.1:{port}")
    ) as client:
        error = await failure(client, "POST")
    assert (type(error), error.sent) == (Unavailable, False)
    assert str(error) == "acme: not reachable through the proxy (ClientProxyConnectionError)"


async def test_the_proxys_password_is_masked_like_any_secret(caplog: pytest.LogCaptureFixture) -> None:
    def classify(reply: Reply) -> UpstreamError:
        return Rejected("", f"{reply.body}")

    echo = answer(400, {"password": "ses/ame", "header": "am9lOnNlcy9hbWU="})
    with caplog.at_level(logging.DEBUG):
        async with upstream(echo) as proxy:
            client = UpstreamClient(
                "acme",
                "http://api.example.com",
                options=ClientOptions(proxy=f"http://joe:ses%2Fame@127.0.0.1:{proxy.port}"),
                classify=classify,
                clock=FakeClock(),
            )
            error = await failure(client)
            await client.aclose()
    assert error.detail == "{'password': '***', 'header': '***'}"
    assert "am9l" not in caplog.text


@pytest.mark.parametrize("proxy", ["socks5://joe:sesame@h", "h:8080", "http://", "http://joe:ses#ame@h"])
def test_an_address_that_is_no_proxys_is_refused_without_quoting_it(proxy: str) -> None:
    with pytest.raises(ValueError, match=r"^the proxy has to be") as caught:
        UpstreamClient("acme", "https://h", options=ClientOptions(proxy=proxy))
    assert "ses" not in str(caught.value)


async def test_an_ipv6_proxy_or_upstream_is_an_address_like_any_other() -> None:
    options = ClientOptions(proxy="http://[::1]:3128")
    async with connected(None, base="https://[::1]:8443/v1", options=options):
        pass  # closed without having been used


def test_the_usual_authorities_are_read_once_and_who_has_files_of_its_own_shares_nothing(ours: Authority) -> None:
    usual = [trust(None, None) for _ in range(2)]
    own = [trust(None, ours.issue("bridge")), trust(ours.bundle, None)]
    assert usual[0] is usual[1]
    assert len({id(each) for each in (usual[0], *own)}) == 3
