"""The simulated /auth endpoints, by the vendor's pages on tokens and rate limits."""

import pytest

from scim_bridge.providers.onelogin.sandbox import Sandbox
from scim_bridge.providers.onelogin.sandbox_wire import Refusal
from tests.clocks import FakeClock
from tests.providers.onelogin.support import GRANT, TOKEN, api_of, made, unsigned


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox(clock: FakeClock) -> Sandbox:
    return Sandbox(users=3, clock=clock)


@pytest.mark.parametrize("blank", [" ", ""])
async def test_the_vendors_own_header_signs_in(sandbox: Sandbox, blank: str) -> None:
    header = f"client_id:{sandbox.client_id},{blank}client_secret:{sandbox.client_secret}"
    async with unsigned(sandbox) as client:
        answer = await client.post(TOKEN, json=GRANT, headers={"Authorization": header})
    assert answer.status_code == 200
    assert set(answer.json()) == {
        "access_token", "created_at", "expires_in", "refresh_token", "token_type", "account_id",
    }  # fmt: skip
    assert answer.json()["expires_in"] == 36_000 and sandbox.log.sign_ins == ["header"]


async def test_basic_and_form_and_a_grant_in_the_query_sign_in(sandbox: Sandbox) -> None:
    client_of = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
    async with unsigned(sandbox) as client:
        basic = (sandbox.client_id, sandbox.client_secret)
        assert (await client.post(TOKEN, json=GRANT, auth=basic)).status_code == 200
        assert (await client.post(TOKEN, data={**GRANT, **client_of})).status_code == 200
        assert (await client.post(TOKEN, params=GRANT, auth=basic)).status_code == 200
    assert sandbox.log.sign_ins == ["basic", "form", "basic"]


async def test_wrong_sign_ins_are_refused_in_the_first_shape(sandbox: Sandbox) -> None:
    async with unsigned(sandbox) as client:
        wrong = await client.post(TOKEN, json=GRANT, auth=(sandbox.client_id, "wrong"))
        bare = await client.post(TOKEN, json={}, auth=(sandbox.client_id, sandbox.client_secret))
        verb = await client.get(TOKEN)
    assert (wrong.status_code, wrong.json()) == (
        401,
        {"status": {"error": True, "code": 401, "type": "Unauthorized", "message": "Authentication Failure"}},
    )
    assert bare.status_code == 400 and bare.json()["status"]["message"] == "grant_type is incorrect/absent"
    assert verb.status_code == 404 and verb.json()["status"]["message"] == "No Route Exists"


async def test_a_token_is_given_again_until_it_ends(sandbox: Sandbox, clock: FakeClock) -> None:
    async with unsigned(sandbox) as client:
        auth = (sandbox.client_id, sandbox.client_secret)
        first = (await client.post(TOKEN, json=GRANT, auth=auth)).json()
        clock.advance(20_000)
        again = (await client.post(TOKEN, json=GRANT, auth=auth)).json()
        clock.advance(16_000)
        late = (await client.post(TOKEN, json=GRANT, auth=auth)).json()
    assert again == first
    assert late["access_token"] != first["access_token"] and late["created_at"] > first["created_at"]


async def test_a_token_is_used_in_either_spelling_and_ends(sandbox: Sandbox, clock: FakeClock) -> None:
    async with api_of(sandbox) as api:
        token = api.headers["Authorization"].removeprefix("Bearer ")
        for spelling in ("bearer:", "bearer ", "Bearer ", "Bearer:"):
            api.headers["Authorization"] = spelling + token
            assert (await api("GET", "/api/2/users")).status_code == 200
        api.headers["Authorization"] = token
        assert (await api("GET", "/api/2/users")).status_code == 401
        api.headers["Authorization"] = f"Bearer {token}"
        clock.advance(36_000)
        assert (await api("GET", "/api/2/users")).status_code == 401


async def test_revoking_ends_the_token_of_all(sandbox: Sandbox) -> None:
    async with api_of(sandbox) as api:
        token = api.headers["Authorization"].removeprefix("Bearer ")
        auth = (sandbox.client_id, sandbox.client_secret)
        assert (await api.client.post("/auth/oauth2/revoke", json={}, auth=auth)).status_code == 400
        answer = await api.client.post("/auth/oauth2/revoke", json={"access_token": token}, auth=auth)
        assert answer.json() == {"status": {"error": False, "code": 200, "type": "success", "message": "Success"}}
        assert (await api("GET", "/api/2/users")).status_code == 401


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/2/users", {"message": "Unauthorized", "name": "UnauthorizedError", "statusCode": 401}),
        (
            "/api/2/roles",
            {"message": "This request requires Authentication", "name": "UnauthorizedError", "statusCode": 401},
        ),
        (
            "/api/1/events",
            {"status": {"error": True, "code": 401, "type": "Unauthorized", "message": "Authentication Failure"}},
        ),
    ],
)
async def test_each_part_refuses_a_wrong_token_in_its_own_shape(
    sandbox: Sandbox, path: str, expected: dict[str, object]
) -> None:
    async with unsigned(sandbox) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()) == (401, expected)


async def test_the_rate_limit_is_the_accounts_and_v2_does_not_tell_of_it(clock: FakeClock) -> None:
    sandbox = made(3, calls_per_hour=3)
    async with api_of(sandbox) as api:
        v2, v1 = await api("GET", "/api/2/users"), await api("GET", "/api/1/events")
        assert not [name for name in v2.headers if "ratelimit" in name]
        assert (v1.headers["x-ratelimit-limit"], v1.headers["x-ratelimit-remaining"]) == ("3", "1")
        assert int(v1.headers["x-ratelimit-reset"]) <= 3600 and "x-request-id" in v1.headers
        left = (await api("GET", "/auth/rate_limit")).json()["data"]
        assert left == {"X-RateLimit-Limit": 3, "X-RateLimit-Remaining": 1, "X-RateLimit-Reset": 3600}
        await api("GET", "/api/2/users")
        limited = [await api("GET", "/api/2/users"), await api("GET", "/api/1/events")]
    assert [each.status_code for each in limited] == [429, 429]
    assert not any("Retry-After" in each.headers for each in limited)
    assert [int(each.headers.get("x-ratelimit-reset", 0)) for each in limited] == [0, 3600]


async def test_the_rate_limit_begins_anew_every_hour(clock: FakeClock) -> None:
    sandbox = Sandbox(users=3, clock=clock)
    sandbox.knobs.calls_per_hour = 1
    async with api_of(sandbox) as api:
        answers = [(await api("GET", "/api/2/users")).status_code for _ in range(2)]
        clock.advance(3_600)
        assert [*answers, (await api("GET", "/api/2/users")).status_code] == [200, 429, 200]


async def test_a_fault_answers_instead(sandbox: Sandbox) -> None:
    sandbox.fail("GET /api/2/users")
    sandbox.fail(f"POST {TOKEN}", Refusal(429, "<html>slow down</html>", {"Content-Type": "text/html"}))
    async with unsigned(sandbox) as client:
        answer = await client.post(TOKEN, json=GRANT, auth=(sandbox.client_id, sandbox.client_secret))
        assert (answer.status_code, answer.headers["content-type"]) == (429, "text/html")
    async with api_of(sandbox) as api:
        answers = [await api("GET", "/api/2/users") for _ in range(2)]
    assert [each.status_code for each in answers] == [502, 200]
