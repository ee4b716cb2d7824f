"""What the simulated PingOne has too much of: sizes and rates, by sections 3, 6 and 11 of the fact sheet."""

from collections.abc import AsyncIterator

import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from tests.clocks import FakeClock
from tests.providers.pingone.support import Api, api_of, connected, detail


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox(clock: FakeClock) -> Sandbox:
    return Sandbox(users=20, groups=4, clock=clock)


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[Api]:
    async with api_of(sandbox) as found:
        yield found


async def test_a_whole_profile_has_16_kb_at_most(api: Api, sandbox: Sandbox) -> None:
    wide = {"externalId": "\N{GRINNING FACE}" * 1024, "username": "ana"}
    user = (await api("POST", "/users", wide)).json()
    names = ("formatted", "family", "given", "middle", "honorificPrefix", "honorificSuffix")
    name = {each: "\N{CJK UNIFIED IDEOGRAPH-20000}" * 256 for each in names}
    address = {each: "\N{CJK UNIFIED IDEOGRAPH-20000}" * 256 for each in ("streetAddress", "locality", "region")}
    assert (await api("PATCH", f"/users/{user['id']}", {"name": name})).status_code == 200
    more = {"address": address, "title": "\N{CJK UNIFIED IDEOGRAPH-20000}" * 256, "nickname": "x" * 256}
    more["type"] = more["department"] = more["costCenter"] = more["title"]
    answer = await api("PATCH", f"/users/{user['id']}", more)
    assert (answer.status_code, detail(answer)[0]) == (400, "SIZE_LIMIT_EXCEEDED")
    assert "address" not in sandbox.store.users[user["id"]].data


async def test_a_group_holds_so_many_groups(api: Api, sandbox: Sandbox) -> None:
    sandbox.knobs.nested_groups = 2
    parent, *children = [(await api("POST", "/groups", {"name": f"G{each}"})).json()["id"] for each in range(4)]
    answers = [await api("POST", f"/groups/{each}/memberOfGroups", {"id": parent}) for each in children]
    assert [each.status_code for each in answers] == [201, 201, 400]
    assert detail(answers[2])[0] == "CONSTRAINT_VIOLATION"


async def test_a_filter_has_to_fit_a_requests_headers(api: Api) -> None:
    """Section 4: 6 KB, as they are sent."""
    assert (await api("GET", "/users", filter=f'username eq "{"x" * 5_900}"')).status_code == 200
    answer = await api("GET", "/users", filter=f'username eq "{"ü" * 1_000}"')
    assert detail(answer) == ("INVALID_FILTER", "filter")


async def test_reads_and_writes_are_limited_by_the_second(api: Api, sandbox: Sandbox, clock: FakeClock) -> None:
    sandbox.knobs.reads_per_second, sandbox.knobs.writes_per_second = 2, 1
    clock.advance(1)
    assert [(await api("GET", "/groups")).status_code for _ in range(3)] == [200, 200, 429]
    made = [await api("POST", "/groups", {"name": f"G{each}"}) for each in range(2)]
    assert [each.status_code for each in made] == [201, 429]
    body = made[1].json()
    assert (body["code"], detail(made[1])[0], made[1].headers["Retry-After"]) == (
        "REQUEST_LIMITED",
        "LIMIT_EXCEEDED",
        "1",
    )
    clock.advance(1)
    assert (await api("GET", "/groups")).status_code == 200


async def test_a_crawl_waits_for_the_limit_and_misses_nobody() -> None:
    clock = FakeClock()
    sandbox = Sandbox(users=60, clock=clock)
    sandbox.knobs.user_page_cap, sandbox.knobs.reads_per_second = 5, 3
    async with connected(sandbox, clock=clock) as connection:
        assert len(await connection.find("")) == 60
    assert len(sandbox.calls) > 12 and sum(clock.slept) >= 3
