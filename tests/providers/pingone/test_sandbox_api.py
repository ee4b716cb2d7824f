"""The simulated PingOne's sign-in, errors and pages, against the statements of the vendor's pages."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.clocks import FakeClock
from tests.providers.pingone.support import ORIGIN, Api, api_of, detail, sign_in


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox(clock: FakeClock) -> Sandbox:
    return Sandbox(users=450, clock=clock)


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[Api]:
    async with api_of(sandbox) as found:
        yield found


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sandbox.app)) as found:
        yield found


# -- section 1: auth ---------------------------------------------------------------------------------------------------


async def test_a_token_comes_with_its_lifetime(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    answer = await sign_in(client, sandbox)
    assert answer.status_code == 200
    assert answer.json() == {"access_token": answer.json()["access_token"], "token_type": "Bearer", "expires_in": 3600}


async def test_exactly_the_configured_client_authentication_is_taken(
    client: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    """Trap 20: the same words for a wrong secret and for a wrong method, in OAuth's own shape, with 401."""
    form = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
    by_form = await sign_in(client, sandbox, **form)
    wrong = await sign_in(client, sandbox, client_id=sandbox.client_id, client_secret="no")
    for answer in (by_form, wrong):
        assert answer.status_code == 401
        assert answer.json()["error"] == "invalid_client"
        text = "Request denied: Unsupported authentication method (Correlation ID: "
        assert answer.json()["error_description"].startswith(text)
    sandbox.knobs.token_auth_method = "client_secret_post"
    assert (await sign_in(client, sandbox)).status_code == 401
    assert (await sign_in(client, sandbox, **form)).status_code == 200


async def test_another_environment_issues_no_token(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    other = sandbox.new_id()
    answer = await client.post(
        f"{ORIGIN}/{other}/as/token",
        data={"grant_type": "client_credentials"},
        auth=(sandbox.client_id, sandbox.client_secret),
    )
    assert answer.status_code == 401


async def test_a_token_expires(api: Api, clock: FakeClock) -> None:
    assert (await api("GET", "/groups")).status_code == 200
    clock.advance(3600)
    answer = await api("GET", "/groups")
    assert (answer.status_code, answer.json()["code"]) == (401, "ACCESS_FAILED")
    assert detail(answer)[0] == "INVALID_TOKEN"


async def test_without_a_token_nothing_is_answered(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    answer = await client.get(f"{ORIGIN}/v1/environments/{sandbox.environment_id}/users")
    assert answer.status_code == 401


async def test_a_wrong_environment_is_forbidden(api: Api, sandbox: Sandbox) -> None:
    """Trap 22: a wrong environment id can answer 403 rather than 404."""
    answer = await api("GET", f"{ORIGIN}/v1/environments/{sandbox.new_id()}/users")
    assert answer.status_code == 403
    assert answer.json()["message"].startswith("The actor attempting to perform the request is not authorized.")


# -- section 10: errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/users/00000000-0000-4000-8000-000000000000", 404, "NOT_FOUND"),
        ("GET", "/users/joe", 400, "INVALID_REQUEST"),
        ("GET", "/nothing", 404, "NOT_FOUND"),
        ("PATCH", "/groups/00000000-0000-4000-8000-000000000000", 405, "INVALID_REQUEST"),  # trap 7: no PATCH
        ("GET", "/users?sortBy=username", 400, "INVALID_REQUEST"),
        ("GET", "/users?limit=0", 400, "INVALID_REQUEST"),
        ("GET", "/users?limit=1001", 400, "INVALID_REQUEST"),
        ("GET", "/users?limit=1&limit=2", 400, "INVALID_REQUEST"),
        ("GET", "/users?cursor=x", 400, "INVALID_REQUEST"),
        ("GET", "/users?include=memberOfGroupIDs", 400, "INVALID_REQUEST"),  # trap 11: single users only
        ("GET", "/groups?order=name", 400, "INVALID_REQUEST"),  # section 5: no order
        ("GET", '/users?filter=userName eq "x"', 400, "INVALID_REQUEST"),  # trap 17
    ],
)
async def test_refusals_have_the_vendors_shape(api: Api, method: str, path: str, status: int, code: str) -> None:
    answer = await api(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert UUID(answer.json()["id"])
    assert answer.headers["Correlation-Id"] == answer.json()["id"]


async def test_success_carries_a_correlation_id_too(api: Api) -> None:
    assert UUID((await api("GET", "/populations")).headers["Correlation-Id"])


async def test_a_rate_limit_says_when_to_come_back(api: Api, sandbox: Sandbox) -> None:
    sandbox.limit(times=1, retry_after="7")
    answer = await api("GET", "/users")
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (429, "REQUEST_LIMITED", "7")
    assert (await api("GET", "/users")).status_code == 200


@pytest.mark.parametrize("content", [b"{", b"[]", b"null", b""])
async def test_a_body_has_to_be_a_json_object(sandbox: Sandbox, api: Api, content: bytes) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sandbox.app)) as client:
        url = f"{ORIGIN}/v1/environments/{sandbox.environment_id}/users"
        headers = {**api.headers, "Content-Type": "application/json"}
        answer = await client.post(url, content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/scim+json", "application/vnd.pingidentity.password.set+json"]
)
async def test_content_types_are_checked(api: Api, kind: str) -> None:
    answer = await api("POST", "/users", {"username": "joe"}, kind=kind)
    assert (answer.status_code, answer.json()["code"]) == (415, "INVALID_REQUEST")


# -- section 5: paging -------------------------------------------------------------------------------------------------


async def walk(api: Api, path: str, name: str, **query: Any) -> list[dict[str, Any]]:
    """Each page of a list."""
    pages, link = [], path
    while link:
        body = (await api("GET", link, **query)).json()
        pages.append(body)
        link, query = body["_links"].get("next", {}).get("href"), {}
    return pages


def ids(pages: list[dict[str, Any]], name: str) -> list[str]:
    return [each["id"] for page in pages for each in page["_embedded"][name]]


async def test_pages_of_users_hold_200_at_most(api: Api, sandbox: Sandbox) -> None:
    """Section 5: 1000 is accepted as a limit, 200 is the page size; without a limit it is the maximum too."""
    for query in ({"limit": 1000}, {}):
        pages = await walk(api, "/users", "users", **query)
        assert [page["size"] for page in pages] == [200, 200, 50]
        assert ids(pages, "users") == [*reversed(sandbox.store.users)]


async def test_pages_of_groups_hold_1000(sandbox: Sandbox, api: Api) -> None:
    for number in range(1100):
        sandbox.store.put_group({"id": sandbox.new_id(), "name": f"Many {number}"})
    pages = await walk(api, "/groups", "groups")
    assert [page["size"] for page in pages] == [1000, 124]


async def test_links_are_absolute_and_follow_the_requests_origin(api: Api) -> None:
    body = (await api("GET", "/users", limit=2)).json()
    assert body["_links"]["next"]["href"].startswith(f"{ORIGIN}/v1/environments/")
    assert "cursor=" in body["_links"]["next"]["href"]


async def test_a_page_may_be_shorter_than_asked_and_only_a_missing_link_is_the_end(api: Api, sandbox: Sandbox) -> None:
    """Trap 14."""
    sizes = iter([3, 0, 7, 1] + [200] * 10)
    sandbox.knobs.page_size = lambda asked: min(asked, next(sizes))
    pages = await walk(api, "/users", "users", limit=100)
    assert [page["size"] for page in pages] == [3, 0, 7, 1, 100, 100, 100, 100, 39]
    assert len(set(ids(pages, "users"))) == 450


async def test_a_cursor_goes_on_where_it_was_whatever_is_written_meanwhile(api: Api, sandbox: Sandbox) -> None:
    everyone = [*reversed(sandbox.store.users)]
    first = (await api("GET", "/users", limit=10)).json()
    for user_id in everyone[3:12]:
        sandbox.store.remove_user(user_id)
    second = (await api("GET", first["_links"]["next"]["href"])).json()
    assert ids([second], "users")[:3] == everyone[12:15]


async def test_the_count_is_of_all_matches_and_may_be_missing(api: Api, sandbox: Sandbox) -> None:
    """Trap 15: optional."""
    assert (await api("GET", "/users", limit=1)).json()["count"] == 450
    sandbox.knobs.states_count = False
    assert "count" not in (await api("GET", "/users", limit=1)).json()


async def test_an_empty_result_may_come_without_the_list(api: Api) -> None:
    body = (await api("GET", "/users", filter='username eq "nobody"')).json()
    assert "_embedded" not in body and body["size"] == 0


async def test_a_cursor_brings_its_filter_along(api: Api, sandbox: Sandbox) -> None:
    wanted = [each.data["id"] for each in reversed(sandbox.store.users.values()) if each.data["enabled"]]
    pages = await walk(api, "/users", "users", filter="enabled eq true", limit=150)
    assert ids(pages, "users") == wanted
    answer = await api("GET", pages[0]["_links"]["next"]["href"] + "&filter=enabled+eq+true")
    assert detail(answer) == ("INVALID_PARAMETER", "filter")


async def test_a_cursor_expands_as_its_first_page_did_and_is_good_for_its_list_only(api: Api, sandbox: Sandbox) -> None:
    pages = await walk(api, "/users", "users", expand="population", limit=300)
    assert all(each["_embedded"]["population"]["name"] for page in pages for each in page["_embedded"]["users"])
    link = pages[0]["_links"]["next"]["href"]
    assert detail(await api("GET", f"{link}&expand=population")) == ("INVALID_PARAMETER", "expand")
    assert detail(await api("GET", link.replace("/users", "/groups"))) == ("INVALID_VALUE", "cursor")


async def test_requests_are_recorded(api: Api, sandbox: Sandbox) -> None:
    sandbox.log.clear()
    await api("GET", "/users", limit=3)
    call = sandbox.calls[0]
    assert (call.method, call.path, call.query) == ("GET", "/users", {"limit": "3"})


def test_the_same_seed_makes_the_same_people() -> None:
    one, other, third = Sandbox(users=60, seed=4), Sandbox(users=60, seed=4), Sandbox(users=60, seed=5)
    shown = [[item.data for item in each.store.users.values()] for each in (one, other, third)]
    assert shown[0] == shown[1] != shown[2]
    assert one.settings == other.settings
