"""What a SCIM client is told when its upstream fails, over loopback ports: the promised error, or a later success."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from scim2_server.cursor import Cursors

from scim_bridge.app import create_app
from scim_bridge.config import from_document
from scim_bridge.connections import Connection, provider_by_name
from scim_bridge.registry import Registry
from tests.clocks import FakeClock
from tests.protocol.memory import error_of
from tests.upstream import faults
from tests.upstream.faults import FaultServer, Step, answer

ENVIRONMENT = "cd613e30-d8f1-4adf-91b7-584a2265b1f5"
USER = "7eed8d14-f06d-4fef-b019-66a0c381e88f"
TOKEN_PATH = f"/{ENVIRONMENT}/as/token"
USERS = f"/v1/environments/{ENVIRONMENT}/users"
FOUND: dict[str, Any] = {"id": USER, "username": "bjensen", "enabled": True}
SECRETS = ("up-s3cret-value", "token-1", "token-2", "client-t0ken")


@pytest.fixture(autouse=True)
def nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level("DEBUG")
    yield
    logged = caplog.text + "".join(str(each.__dict__) for each in caplog.records)
    assert not any(secret in logged for secret in SECRETS)


class Asked:
    """A bridge over a server that follows a script; ``ask`` is a SCIM client's request."""

    def __init__(self, connection: Connection, server: FaultServer) -> None:
        self.server = server
        self._app = create_app(Registry({"acme": connection}))

    async def ask(self, method: str, path: str, json: Any = None) -> httpx.Response:
        transport = httpx.ASGITransport(app=self._app)
        headers = {"Authorization": "Bearer client-t0ken"}
        async with httpx.AsyncClient(transport=transport, base_url="http://bridge.test", headers=headers) as client:
            response = await client.request(method, f"/scim/acme/v2{path}", json=json)
        assert not any(secret in f"{response.text}{response.headers}" for secret in SECRETS)
        return response

    def sent(self, method: str) -> list[str]:
        """The paths of users that were asked with a method."""
        return [each.path for each in self.server.requests if each.method == method and each.path.startswith(USERS)]


@asynccontextmanager
async def bridged(*steps: Step, tokens: Sequence[Step] = (), **settings: Any) -> AsyncIterator[Asked]:
    """The PingOne provider over a server whose API answers by ``steps``."""
    paths = {
        TOKEN_PATH: tokens or [faults.token()],
        f"/v1/environments/{ENVIRONMENT}/populations": [answer(403, {"code": "ACCESS_FAILED", "message": "no"})],
    }
    async with faults.upstream(*steps, paths=paths) as server:
        document = {
            "provider": "pingone",
            "token": "client-t0ken",
            "settings": {
                "environment_id": ENVIRONMENT,
                "client_id": "worker",
                "client_secret": "up-s3cret-value",
                "api_url": f"{server.origin}/v1",
                "auth_url": server.origin,
                **settings,
            },
        }
        config = from_document({"connections": {"acme": document}}, "test", provider_by_name)
        connection = Connection(config.connections["acme"], Cursors(b"s" * 32), clock=FakeClock())
        try:
            yield Asked(connection, server)
        finally:
            await connection.aclose()


@pytest.mark.parametrize(
    "steps",
    [
        [answer(500, {"code": "UNEXPECTED_ERROR"}), answer(200, FOUND)],
        [answer(503), answer(502), answer(200, FOUND)],
        [answer(429, {"code": "REQUEST_LIMITED"}, Retry_After="2"), answer(200, FOUND)],
        [faults.cut_body(), answer(200, FOUND)],
        [faults.cut_headers(), answer(200, FOUND)],
        [faults.reset(), answer(200, FOUND)],
        [faults.disconnect(), answer(200, FOUND)],
        [faults.garbage(), answer(200, FOUND)],
    ],
)
async def test_a_read_is_repeated_and_succeeds(steps: list[Step]) -> None:
    async with bridged(*steps) as bridge:
        response = await bridge.ask("GET", f"/Users/{USER}")
        assert (response.status_code, response.json()["userName"]) == (200, "bjensen")
        assert bridge.sent("GET") == [f"{USERS}/{USER}"] * len(steps)
        assert f'desc="{len(bridge.server.requests)}"' in response.headers["Server-Timing"]


async def test_a_refused_token_is_renewed_once() -> None:
    tokens = [faults.token("token-1"), faults.token("token-2")]
    async with bridged(answer(401, {"code": "ACCESS_FAILED"}), answer(200, FOUND), tokens=tokens) as bridge:
        assert (await bridge.ask("GET", f"/Users/{USER}")).status_code == 200
        assert len(bridge.server.to(TOKEN_PATH)) == 2


FAULTS: list[tuple[str, Callable[[], Step], int]] = [
    ("cut body", faults.cut_body, 502),
    ("HTML", faults.page, 502),
    ("a page of 404", lambda: faults.page(404), 502),
    ("redirect", lambda: answer(302, Location="https://elsewhere.test/"), 502),
    ("forbidden", lambda: answer(403, {"code": "ACCESS_FAILED"}), 502),
    ("500", lambda: answer(500, {"code": "UNEXPECTED_ERROR"}), 503),
    ("reset", faults.reset, 503),
]


@pytest.mark.parametrize(("fault", "status"), [each[1:] for each in FAULTS], ids=[each[0] for each in FAULTS])
async def test_a_failing_read_is_an_error_and_never_not_found(fault: Callable[[], Step], status: int) -> None:
    async with bridged(*(fault() for _ in range(4))) as bridge:
        response = await bridge.ask("GET", f"/Users/{USER}")
        assert error_of(response) == (status, None)
        assert "acme" in response.json()["detail"]
        assert response.headers["X-Request-Id"] in response.json()["detail"]


@pytest.mark.parametrize(("fault", "status"), [each[1:] for each in FAULTS], ids=[each[0] for each in FAULTS])
async def test_a_create_is_sent_once_whatever_happens(fault: Callable[[], Step], status: int) -> None:
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "bjensen"}
    async with bridged(fault(), answer(201, FOUND)) as bridge:
        response = await bridge.ask("POST", "/Users", body)
        assert error_of(response) == (status, None)
        assert bridge.sent("POST") == [USERS]
        certain = response.json()["detail"].count("answered 403") or response.json()["detail"].count("answered 404")
        assert ("not known" in response.json()["detail"]) is not bool(certain)


async def test_a_long_limit_is_passed_on_as_whole_seconds() -> None:
    async with bridged(answer(429, {"code": "REQUEST_LIMITED"}, Retry_After="600")) as bridge:
        response = await bridge.ask("GET", f"/Users/{USER}")
        assert error_of(response) == (429, None)
        assert response.headers["Retry-After"] == "600"


async def test_a_failing_page_is_no_shorter_list() -> None:
    next_link = {"_links": {"next": {"href": "https://elsewhere.test/v1/users?cursor=x"}}}
    first = {**next_link, "_embedded": {"users": [FOUND]}, "count": 2, "size": 1}
    async with bridged(answer(200, first)) as bridge:
        response = await bridge.ask("GET", "/Users?count=2")
        assert error_of(response) == (502, None)  # the link leads to another origin
        assert bridge.sent("GET")[-1] == USERS
    first["_links"] = {"next": {"href": f"{USERS}?cursor=x"}}
    async with bridged(answer(200, first), *(answer(500) for _ in range(4))) as bridge:
        assert error_of(await bridge.ask("GET", "/Users?count=2")) == (503, None)


async def test_fifty_clients_on_a_cold_connection_sign_in_once() -> None:
    async with bridged(*(answer(200, FOUND) for _ in range(50))) as bridge:
        answers = await asyncio.gather(*(bridge.ask("GET", f"/Users/{USER}") for _ in range(50)))
        assert {each.status_code for each in answers} == {200}
        assert len(bridge.server.to(TOKEN_PATH)) == 1


async def test_a_wrong_secret_is_the_bridges_fault_and_not_the_clients() -> None:
    refusal = {"error": "invalid_client", "error_description": "Request denied: up-s3cret-value"}
    async with bridged(tokens=[answer(401, refusal)]) as bridge:
        assert error_of(await bridge.ask("GET", f"/Users/{USER}")) == (502, None)


async def test_an_upstream_that_is_too_slow_is_a_timeout() -> None:
    async with faults.upstream(*(faults.silence() for _ in range(12))) as server:
        document = {
            "provider": "scim",
            "token": "client-t0ken",
            "settings": {"base_url": f"{server.origin}/v2", "token": "up-s3cret-value", "timeout_seconds": 0.1},
        }
        config = from_document({"connections": {"acme": document}}, "test", provider_by_name)
        connection = Connection(config.connections["acme"], Cursors(b"s" * 32), clock=FakeClock())
        try:
            assert error_of(await Asked(connection, server).ask("GET", "/Users")) == (504, None)
        finally:
            await connection.aclose()


async def test_an_upstream_that_is_not_there_is_unavailable() -> None:
    async with bridged() as bridge:
        origin = bridge.server.origin
    async with bridged(api_url=f"{origin}/v1", auth_url=origin) as bridge:
        assert error_of(await bridge.ask("GET", f"/Users/{USER}")) == (503, None)
