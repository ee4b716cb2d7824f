"""The example configurations of reverse proxies, run in front of a bridge."""

import re
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from scim_bridge.app import create_app, server_options
from scim_bridge.config import ServerConfig
from scim_bridge.protocol.auth import CHALLENGE
from scim_bridge.protocol.endpoint import MAX_BODY_BYTES
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.registry import Registry
from tests.deploy.files import DEPLOY
from tests.real.installed import needed
from tests.servers import free_port, running
from tests.test_metrics import connection
from tests.upstream.certificates import authority

pytestmark = pytest.mark.slow
PUBLIC: Final = "https://scim.example.com"
HEADERS: Final = {"Authorization": "Bearer t"}
Arrange = Callable[[str, int, str, str, Path], list[str]]
"""Makes a configuration listen on a port, with a certificate, for a bridge elsewhere, and gives the command."""


def nginx(text: str, port: int, certificate: str, bridge: str, folder: Path) -> list[str]:
    text = text.replace("443 ssl", f"127.0.0.1:{port} ssl").replace("127.0.0.1:8000", bridge)
    text = re.sub(r"(ssl_certificate(?:_key)?) \S+;", rf"\1 {certificate};", text)
    text = f"daemon off; pid {folder}/pid; error_log stderr; events {{}} http {{ access_log {folder}/log; {text} }}"
    (folder / "proxy").write_text(text, "utf-8")
    return [needed("nginx", "nginx-light"), "-p", str(folder), "-c", str(folder / "proxy")]


def haproxy(text: str, port: int, certificate: str, bridge: str, folder: Path) -> list[str]:
    text = text.replace("bind :443", f"bind 127.0.0.1:{port}").replace("127.0.0.1:8000", bridge)
    text = text.replace("/etc/haproxy/scim.example.com.pem", certificate)
    (folder / "proxy").write_text(text, "utf-8")
    return [needed("haproxy", "haproxy"), "-db", "-f", str(folder / "proxy")]


def caddy(text: str, port: int, certificate: str, bridge: str, folder: Path) -> list[str]:
    text = text.replace("scim.example.com {", f"https://127.0.0.1:{port} {{\n\ttls {certificate} {certificate}", 1)
    text = f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{text.replace('127.0.0.1:8000', bridge)}"
    (folder / "proxy").write_text(text, "utf-8")
    return [needed("caddy", "caddy"), "run", "--adapter", "caddyfile", "--config", str(folder / "proxy")]


@contextmanager
def proxied(name: str, arrange: Arrange, folder: Path, bridge: str) -> Iterator[httpx.Client]:
    """A client of a bridge behind a proxy."""
    authorities, port = authority(folder), free_port()
    text = (DEPLOY / "proxies" / name).read_text("utf-8")
    command = arrange(text, port, authorities.issue("proxy"), bridge.removeprefix("http://"), folder)
    trusted = ssl.create_default_context(cafile=authorities.bundle)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={"HOME": str(folder), "XDG_DATA_HOME": str(folder)}
        )
        try:
            with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trusted, timeout=60) as client:
                _wait(client, process, folder / "log")
                yield client
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait(client: httpx.Client, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < end:
        try:
            if client.get("/healthz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text("utf-8"))


PROXIES: Final = pytest.mark.parametrize(
    ("name", "arrange"), [("nginx.conf", nginx), ("haproxy.cfg", haproxy), ("Caddyfile", caddy)], ids=lambda each: each
)


@PROXIES
def test_answers_through_a_proxy_are_the_bridges_own(tmp_path: Path, name: str, arrange: Arrange) -> None:
    app = create_app(Registry({"acme": connection(Sandbox(users=5))}), public_url=PUBLIC)
    with running(app) as bridge, proxied(name, arrange, tmp_path, bridge) as client:
        for path in ("/Users?count=3", "/Users/a%2Fb%20%C3%A4%3B", "/Users/..%2FGroups", "//Users"):
            through = client.get(f"/scim/acme/v2{path}", headers=HEADERS)
            direct = httpx.get(f"{bridge}/scim/acme/v2{path}", headers=HEADERS)
            assert (through.status_code, through.content) == (direct.status_code, direct.content), path
        [first, *_] = client.get("/scim/acme/v2/Users", headers=HEADERS).json()["Resources"]
        assert first["meta"]["location"].startswith(f"{PUBLIC}/scim/acme/v2/Users/")
        refused = client.get("/scim/acme/v2/Users")
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, CHALLENGE["WWW-Authenticate"])
        large = client.post("/scim/acme/v2/Users", headers=HEADERS, content=b" " * (MAX_BODY_BYTES + 1))
        assert large.status_code == 413
        assert large.json()["detail"] == f"The request body is larger than {MAX_BODY_BYTES} bytes"
        for path in ("/metrics", "/readyz"):
            assert client.get(path).status_code == 404
            assert httpx.get(f"{bridge}{path}").status_code in (200, 503)


async def _told(request: Request) -> Response:
    """What is known of who asks."""
    sent = len(await request.body())
    return JSONResponse([request.client.host if request.client else "", request.url.scheme, sent])


@PROXIES
def test_a_proxy_tells_who_asks_and_keeps_the_addresses_of_link_sessions(
    tmp_path: Path, name: str, arrange: Arrange
) -> None:
    app = Starlette(routes=[Route("/{path:path}", _told, methods=["GET", "POST"])])
    options = server_options(ServerConfig(trusted_proxies=("127.0.0.1",)))
    with running(app, **options) as bridge, proxied(name, arrange, tmp_path, bridge) as client:
        forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"}
        for path in ("/scim/acme/v2/Users", "/link/s3cret", "/proxy/acme/x"):
            assert client.get(path, headers=forged).json() == ["127.0.0.1", "https", 0]
        large = client.post("/proxy/acme/x", content=b" " * (MAX_BODY_BYTES + 2_000_000))
        assert large.json()[2] == MAX_BODY_BYTES + 2_000_000
    log = (tmp_path / "log").read_text("utf-8")
    assert "s3cret" not in log
    assert name == "Caddyfile" or "/scim/acme" in log  # which logs nothing of its own


def test_without_trusted_proxies_nobody_is_believed() -> None:
    app = Starlette(routes=[Route("/", _told)])
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    with running(app, **server_options(ServerConfig())) as bridge:
        assert httpx.get(bridge, headers=forged).json() == ["127.0.0.1", "http", 0]
    with running(app, **server_options(ServerConfig(trusted_proxies=("10.0.0.0/8",)))) as bridge:
        assert httpx.get(bridge, headers=forged).json() == ["127.0.0.1", "http", 0]
    with running(app, **server_options(ServerConfig(trusted_proxies=("127.0.0.0/8",)))) as bridge:
        assert httpx.get(bridge, headers=forged).json() == ["203.0.113.9", "https", 0]
