"""What OneLogin refuses and fails at, as a SCIM client is told of it; signing in; the rate limit."""

from typing import Any

import httpx
import pytest

from scim_bridge.providers.onelogin.errors import classify
from scim_bridge.providers.onelogin.sandbox import Sandbox
from scim_bridge.providers.onelogin.sandbox_wire import Refusal, invalid, refusal, role_refusal, v1_refusal
from scim_bridge.upstream.errors import Conflict, FilterRejected, RateLimited, Rejected, UpstreamError
from scim_bridge.upstream.reply import Reply
from tests.clocks import FakeClock
from tests.providers.onelogin.bridge import USER, bridged, step
from tests.providers.onelogin.support import TOKEN, made

HTML = {"Content-Type": "text/html"}


def classified(status: int, body: Any, **headers: str) -> UpstreamError | None:
    return classify(Reply(status, body, httpx.Headers(headers)))


@pytest.mark.parametrize(
    ("answer", "kind", "detail", "target"),
    [
        (invalid("Username must be unique within acme"), Conflict, "Username must be unique", "username"),
        (invalid("Value has already been taken"), Conflict, "already been taken", None),
        (invalid("The associated Policy with ID 0 could not be found"), Rejected, "Policy with ID 0", None),
        (refusal(400, "BadRequestError", "unknown attribute: x_y"), Rejected, "unknown attribute: x_y", "x_y"),
        (
            refusal(400, "BadRequestError", "query parameter(s) not allowed: first_login"),
            FilterRejected,
            "first_login",
            None,
        ),
        (
            refusal(422, "UnprocessableEntityFieldError", "Invalid sort field: created_at", "created_at"),
            FilterRejected,
            "Invalid sort field",
            "created_at",
        ),
        (role_refusal(400, "BadRequestError", "Expected array in request"), Rejected, "Expected array", None),
        (
            v1_refusal(400, "bad request", {"attribute": "id", "description": "ID is incorrect"}),
            Rejected,
            "ID is incorrect",
            "id",
        ),
        (v1_refusal(400, "bad request", "role_id_array is empty"), Rejected, "role_id_array is empty", None),
        (
            Refusal(
                422, {"code": 422, "message": "Validation Failed", "errors": [{"field": "name", "message": ["no"]}]}
            ),
            Rejected,
            "name",
            None,
        ),
        (Refusal(422, {"error": True, "code": 422, "type": "t", "message": "text"}), Rejected, "text", None),
        (Refusal(409, None), Conflict, "refused", None),
    ],
)
def test_each_shape_of_refusal_is_read(
    answer: Refusal, kind: type[UpstreamError], detail: str, target: str | None
) -> None:
    found = classified(answer.status, answer.body)
    assert type(found) is kind and detail in found.detail and found.target == target
    assert found.status == answer.status


@pytest.mark.parametrize("status", [200, 401, 403, 404, 500, 502])
def test_other_answers_are_judged_by_their_status(status: int) -> None:
    assert classified(status, {"message": "Value has already been taken"}) is None


def test_a_page_is_no_refusal_of_a_value() -> None:
    assert classified(400, None, **HTML) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"x-ratelimit-reset": "3293"}, 3293), ({}, 60), ({"Retry-After": "7"}, 0), ({"x-ratelimit-reset": "0"}, 1)],
)
def test_a_rate_limit_ends_when_the_hour_does(headers: dict[str, str], seconds: int) -> None:
    found = classified(429, None, **headers)
    assert isinstance(found, RateLimited) and found.retry_after_seconds == seconds


# -- through the whole program -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "status", "scim_type"),
    [
        (Refusal(502, "<html>Bad Gateway</html>", HTML), 503, None),
        (Refusal(500, {"message": "x", "name": "InternalServerError", "statusCode": 500}), 503, None),
        (refusal(401, "UnauthorizedError", "Unauthorized"), 502, None),
        (v1_refusal(403, "Forbidden", "user is not authorized to access this User"), 502, None),
        (refusal(429, "TooManyRequestsError", "slow down"), 429, None),
        (Refusal(404, "<html>Not Found</html>", HTML), 502, None),
        (Refusal(200, "<html>Sign in</html>", HTML), 502, None),
        (Refusal(200, {"message": "no list"}), 502, None),
    ],
)
async def test_trouble_of_the_list_is_never_a_shorter_list(answer: Refusal, status: int, scim_type: str | None) -> None:
    sandbox = made(120)
    sandbox.fail("GET /api/2/users", Refusal(200, None), times=0)
    async with bridged(sandbox) as bridge:
        sandbox.fail("GET /api/2/users", answer, times=9)
        found = await bridge.ask("GET", "/Users", filter='title co "e"')
    assert (found.status_code, found.json().get("scimType")) == (status, scim_type)
    assert "Bad Gateway" not in found.text


async def test_a_passing_failure_of_a_read_is_repeated_and_of_a_creation_is_not() -> None:
    """502 has been seen under load."""
    sandbox = made(20)
    async with bridged(sandbox) as bridge:
        sandbox.fail("GET /api/2/roles")
        assert (await bridge.get("/Groups", excludedAttributes="members"))["totalResults"] == 12
        sandbox.fail("POST /api/2/users")
        body = {"schemas": [USER], "userName": "a@example.com"}
        assert (await bridge.ask("POST", "/Users", body)).status_code == 503
        assert bridge.calls() == ["GET /2/roles", "GET /2/roles", "POST /2/users"]


async def test_a_path_that_is_not_there_does_not_make_it_sign_in_again_and_again() -> None:
    """Trap 10: it looks like a refused token."""
    sandbox = made(20)
    async with bridged(sandbox) as bridge:
        sandbox.fail("GET /api/2/roles.*", refusal(401, "UnauthorizedError", "Unauthorized"), times=99)
        for _ in range(3):
            assert (await bridge.ask("GET", "/Groups")).status_code == 502
        assert len(sandbox.log.sign_ins) <= 3 and len(bridge.calls()) <= 6


async def test_who_is_gone_is_not_found() -> None:
    sandbox = made(5)
    async with bridged(sandbox) as bridge:
        for method, body in (("GET", None), ("DELETE", None), ("PUT", {"schemas": [USER], "userName": "x"})):
            assert (await bridge.ask(method, "/Users/5", body)).status_code == 404
        assert (await bridge.patch("User", 5, step("replace", "title", "x"))).status_code == 404


async def test_the_accounts_rate_limit_is_passed_on() -> None:
    sandbox = made(5, calls_per_hour=4)
    async with bridged(sandbox) as bridge:  # which took two
        assert [(await bridge.ask("GET", "/Users")).status_code for _ in range(2)] == [200, 200]
        v2, v1 = await bridge.ask("GET", "/Users"), await bridge.ask("GET", "/Activities")
        assert (v2.status_code, v2.headers["Retry-After"]) == (429, "60")
        assert (v1.status_code, v1.headers["Retry-After"]) == (429, "3600")
        assert len(bridge.calls()) == 4


# -- signing in --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "form"), [("client_secret_basic", "basic"), ("client_secret_post", "form")])
async def test_either_way_to_sign_in_works(method: str, form: str) -> None:
    sandbox = made(5)
    async with bridged(sandbox, token_auth_method=method) as bridge:
        sandbox.tokens.end()
        await bridge.get("/Users")
        assert sandbox.log.sign_ins == [form]


async def test_a_token_that_was_revoked_by_another_worker_is_renewed_once() -> None:
    sandbox = made(5)
    async with bridged(sandbox) as bridge:
        sandbox.tokens.end()
        assert (await bridge.get("/Users"))["totalResults"] == 5
        assert len(sandbox.log.sign_ins) == 1 and len(bridge.calls()) == 2


async def test_a_token_is_renewed_before_it_ends_although_it_was_given_as_new() -> None:
    """Trap 20: `expires_in` of a token that is given again is that of a new one."""
    clock = FakeClock()
    sandbox = Sandbox(users=5, clock=clock)
    sandbox.knobs.dated = True
    async with bridged(sandbox, clock=clock) as first:
        await first.get("/Users")
        clock.advance(30_000)
        async with bridged(sandbox, clock=clock) as bridge:
            await bridge.get("/Users")
            sandbox.log.clear()
            clock.advance(5_990)
            await bridge.get("/Users")
            assert len(sandbox.log.sign_ins) == 1 and bridge.calls() == ["GET /2/users"]


async def test_a_refused_sign_in_is_told_without_the_secret() -> None:
    sandbox = made(5)
    async with bridged(sandbox, client_secret="wr0ng-secret") as bridge:
        answer = await bridge.ask("GET", "/Users")
    assert answer.status_code == 502 and "wr0ng-secret" not in answer.text


async def test_a_token_endpoint_that_is_busy_is_a_rate_limit_whatever_it_looks_like() -> None:
    sandbox = made(5)
    async with bridged(sandbox) as bridge:
        sandbox.tokens.end()
        sandbox.fail(f"POST {TOKEN}", Refusal(429, "<html>slow down</html>", HTML), times=99)
        answer = await bridge.ask("GET", "/Users")
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) >= 1
