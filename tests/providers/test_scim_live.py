"""The main job over a real socket: the `scim` provider in front of the `scim2-server` program, from creation to the
last page."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from scim_bridge.clock import SYSTEM_CLOCK
from scim_bridge.filters import parse
from scim_bridge.providers.scim import Settings
from scim_bridge.providers.scim.sandbox import ENTERPRISE, GROUP, USER, people
from scim_bridge.query.directory import Changes, Directory, MemberChanges
from scim_bridge.query.plan import Query, Sort
from scim_bridge.upstream.errors import AuthRefused
from scim_bridge.upstream.redact import Secret
from scim_bridge.upstream.trace import tracing
from tests.programs import scim2_server
from tests.providers.scim_server import opened

pytestmark = pytest.mark.slow

PEOPLE = 120
TOKEN = "live-token"


@pytest.fixture
def base_url() -> Iterator[str]:
    """The address of the program, on a free port."""
    with scim2_server(TOKEN) as base:
        yield base


async def _ids(directory: Directory, count: int, **query: Any) -> list[str]:
    """The ids of all pages."""
    ids: list[str] = []
    while True:
        page = await directory.reader.search(Query(offset=len(ids), count=count, **query))
        ids += [each["id"] for each in page.resources]
        assert page.total is not None
        if len(ids) >= page.total:
            return ids


async def _created(directories: Mapping[str, Directory]) -> dict[str, dict[str, Any]]:
    """The people, created through the bridge, by the id each got."""
    rows = {}
    for each in people(PEOPLE):
        values = {name: value for name, value in each.items() if value is not None}
        row = await directories["/Users"].create(values, {})
        rows[str(row["id"])] = values
    return rows


async def test_a_server_that_others_wrote_is_read_and_written_exactly(base_url: str) -> None:
    settings = Settings(base_url=base_url, token=Secret(TOKEN))
    directories, client = await opened(settings, SYSTEM_CLOCK)
    made = await _created(directories)
    await client.aclose()
    directories, client = await opened(settings, SYSTEM_CLOCK)  # again, now that there are rows to prove things on
    users, groups = directories["/Users"], directories["/Groups"]
    try:
        await _reads(users, made)
        await _writes(users, groups, made)
    finally:
        await client.aclose()


async def _reads(users: Directory, made: Mapping[str, Mapping[str, Any]]) -> None:
    with tracing(SYSTEM_CLOCK) as trace:
        ids = await _ids(users, 50)
    assert sorted(ids) == sorted(made)
    assert trace.upstream_count == 3
    user_id, values = next(iter(made.items()))
    with tracing(SYSTEM_CLOCK) as trace:
        node = parse(f'userName eq "{values["userName"].upper()}"')
        assert await _ids(users, 50, filter=node) == [user_id]
    assert trace.upstream_count == 1
    text = f'{ENTERPRISE}:department eq "sales" and (title co "ENG" or not (active eq true))'
    expected = [
        each
        for each, user in made.items()
        if user[ENTERPRISE]["department"] == "Sales" and ("Eng" in user.get("title", "") or not user["active"])
    ]
    assert expected
    assert sorted(await _ids(users, 10, filter=parse(text))) == sorted(expected)
    ordered = await _ids(users, 50, sort=Sort("displayName", descending=True))
    names = [str(made[each]["displayName"]).lower() for each in ordered]
    assert names == sorted(names, reverse=True)


async def _writes(users: Directory, groups: Directory, made: Mapping[str, Mapping[str, Any]]) -> None:
    user_id = next(iter(made))
    row = await users.row(user_id)
    assert row is not None
    before = users.collection.decode(row)
    after = {**before, "title": "Chief", ENTERPRISE: {"department": "Board"}}
    with tracing(SYSTEM_CLOCK) as trace:
        await users.change(user_id, row, Changes(before, after))
    assert [call.method for call in trace.calls] == ["PATCH"]
    user = await users.reader.get(user_id, ())
    assert user is not None
    assert (user["schemas"], user["title"], user[ENTERPRISE]) == ([USER, ENTERPRISE], "Chief", {"department": "Board"})
    group = await groups.create({"schemas": [GROUP], "displayName": "Everyone"}, {})
    members = tuple({"value": each, "type": "User"} for each in made)
    with tracing(SYSTEM_CLOCK) as trace:
        await groups.change(group["id"], None, Changes(members={"members": MemberChanges(added=members)}))
        await groups.change(group["id"], None, Changes(members={"members": MemberChanges(removed=members[1:3])}))
    assert [call.method for call in trace.calls] == ["PATCH", "PATCH"]
    assert len(await groups.members(group["id"], "members")) == PEOPLE - 2
    user = await users.reader.get(user_id, ["groups"])
    assert user is not None
    assert user["groups"] == [{"value": group["id"], "display": "Everyone", "type": "direct"}]
    await users.delete(user_id)
    assert await users.reader.get(user_id, ()) is None


async def test_a_wrong_token_is_refused_at_once(base_url: str) -> None:
    with pytest.raises(AuthRefused) as refused:
        await opened(Settings(base_url=base_url, token=Secret("wr0ng-token")), SYSTEM_CLOCK)
    assert "wr0ng-token" not in str(refused.value)
