"""The simulated tenant keeps the vendor's facts: sign-in, versions, limits, refusals."""

from typing import Any

import httpx
import pytest

from tests.clocks import FakeClock
from tests.providers.sailpoint_isc.support import ORIGIN, api_of, code, sandbox_of, sign_in


async def test_a_token_lives_as_long_as_it_says_and_then_is_refused_in_its_own_words() -> None:
    sandbox = sandbox_of(3)
    sandbox.knobs.token_lifetime_seconds = 749
    clock = sandbox.store.clock
    assert isinstance(clock, FakeClock)
    async with api_of(sandbox) as api:
        assert (await api("GET", "/identities")).status_code == 200
        clock.advance(749)
        answer = await api("GET", "/identities")
    assert (answer.status_code, answer.json()) == (401, {"error": "JWT validation failed: JWT is expired"})


async def test_the_token_endpoint_takes_forms_and_queries_of_its_one_client() -> None:
    sandbox = sandbox_of(1)
    form = {"grant_type": "client_credentials", "client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sandbox.app)) as client:
        granted = (await sign_in(client, sandbox)).json()
        assert granted["token_type"] == "bearer" and granted["expires_in"] == 43_200 and "identity_id" in granted
        assert (await client.post(f"{ORIGIN}/oauth/token", params=form)).status_code == 200
        parts = {name: (None, value) for name, value in form.items()}
        assert (await client.post(f"{ORIGIN}/oauth/token", files=parts)).status_code == 200
        wrong_part = await client.post(f"{ORIGIN}/oauth/token", files={**parts, "client_secret": (None, "x")})
        assert wrong_part.status_code == 401
        basic = httpx.BasicAuth(sandbox.client_id, sandbox.client_secret)
        headers = await client.post(f"{ORIGIN}/oauth/token", data={"grant_type": "client_credentials"}, auth=basic)
        assert headers.status_code == 401
        wrong = await sign_in(client, sandbox, client_secret="x")
        assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
        assert (await sign_in(client, sandbox, grant_type="password")).json()["error"] == "unsupported_grant_type"
        info = (await client.get(f"{ORIGIN}/oauth/info")).json()
        assert info["tokenEndpoint"] == f"{ORIGIN}/oauth/token"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/identities", 403),
        ("GET", "/identities/{user}", 403),
        ("GET", "/identities/{user}/role-assignments", 403),
        ("GET", "/public-identities", 403),
        ("POST", "/identities/{user}/set-lifecycle-state", 403),
        ("GET", "/workgroups", 200),
        ("GET", "/roles", 200),
        ("POST", "/search", 200),
        ("POST", "/identities-accounts/{user}/disable", 202),
    ],
)
async def test_a_token_without_a_user_may_not_do_everything(method: str, path: str, status: int) -> None:
    """Trap 19: the refusal looks like a scope problem."""
    sandbox = sandbox_of(3)
    sandbox.knobs.personal = False
    body: dict[str, Any] | None = {} if path in ("/search", "/identities/{user}/set-lifecycle-state") else None
    async with api_of(sandbox) as api:
        answer = await api(method, path.format(user=next(iter(sandbox.store.identities))), body)
    assert answer.status_code == status
    if status == 403:
        assert code(answer) == "403 Forbidden"


@pytest.mark.parametrize("prefix", ["v1", "beta", "v2024", "v2025", "v2026"])
async def test_most_versions_have_identities_and_workgroups(prefix: str) -> None:
    async with api_of(sandbox_of(3), prefix) as api:
        for path in ("/identities", "/workgroups", "/roles", "/identity-profiles"):
            assert (await api("GET", path)).status_code == 200, path


async def test_version_3_has_neither_identities_nor_workgroups() -> None:
    """Trap 26."""
    async with api_of(sandbox_of(3), "v3") as api:
        for path in ("/identities", "/workgroups"):
            answer = await api("GET", path)
            assert (answer.status_code, code(answer)) == (404, "404 Not found")
        assert (await api("GET", "/roles")).status_code == 200


async def test_beta_has_no_search() -> None:
    async with api_of(sandbox_of(3), "beta") as api:
        assert (await api("POST", "/search", {})).status_code == 404


async def test_each_client_has_100_requests_in_10_s_for_each_version() -> None:
    sandbox = sandbox_of(3)
    sandbox.knobs.requests_per_window = 100
    clock = sandbox.store.clock
    assert isinstance(clock, FakeClock)
    async with api_of(sandbox) as api, api_of(sandbox, "v2025") as other:
        answers = [await api("GET", "/roles") for _ in range(101)]
        assert [each.status_code for each in answers] == [200] * 100 + [429]
        assert answers[-1].json() == {"message": " Rate Limit Exceeded "}
        assert answers[-1].headers["Retry-After"] == "10"
        assert (await other("GET", "/roles")).status_code == 200  # another version, another budget
        clock.advance(10)
        assert (await api("GET", "/roles")).status_code == 200


async def test_experimental_services_ask_for_their_header() -> None:
    sandbox = sandbox_of(3)
    sandbox.knobs.experimental = frozenset({"identities"})
    async with api_of(sandbox) as api:
        assert (await api("GET", "/identities")).status_code == 400
        api.headers["X-SailPoint-Experimental"] = "true"
        assert (await api("GET", "/identities")).status_code == 200


async def test_what_is_not_there_is_refused_with_the_standard_body() -> None:
    async with api_of(sandbox_of(3)) as api:
        answer = await api("GET", "/identities/0000")
        assert answer.status_code == 404
        body = answer.json()
        assert set(body) == {"detailCode", "trackingId", "messages", "causes"}
        assert body["messages"][0]["localeOrigin"] == "DEFAULT" and len(body["trackingId"]) == 32
        assert (await api("GET", "/nothing/here")).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_identities_are_never_created_or_changed(method: str) -> None:
    """Trap 12."""
    sandbox = sandbox_of(3)
    async with api_of(sandbox) as api:
        path = "/identities" if method == "POST" else f"/identities/{next(iter(sandbox.store.identities))}"
        assert (await api(method, path, {"name": "x"})).status_code == 405


async def test_unknown_parameters_and_wrong_bodies_are_refused() -> None:
    async with api_of(sandbox_of(3)) as api:
        assert code(await api("GET", "/identities", filter='alias eq "x"')) == "400.1 Bad request content"
        assert code(await api("POST", "/workgroups", [1])) == "400.0 Bad request syntax"
        assert code(await api("POST", "/workgroups", {"name": "x"}, kind="text/plain")) == "400.0 Bad request syntax"


async def test_faults_are_given_as_often_as_asked() -> None:
    sandbox = sandbox_of(3)
    async with api_of(sandbox) as api:
        sandbox.fail("GET /roles", times=1)
        sandbox.limit(1, retry_after="7")
        assert code(await api("GET", "/roles")) == "500.0 Internal Fault"
        assert (await api("GET", "/roles")).headers["Retry-After"] == "7"
        assert (await api("GET", "/roles")).status_code == 200
        sandbox.end_tokens()
        assert (await api("GET", "/roles")).status_code == 401
