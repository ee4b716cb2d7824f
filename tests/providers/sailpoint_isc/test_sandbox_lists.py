"""The simulated lists keep the vendor's facts: which filters, which orders, how they page."""

import pytest

from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from tests.providers.sailpoint_isc.support import api_of, code, sandbox_of

REFUSED = "400.1 Bad request content"


@pytest.fixture
def sandbox() -> Sandbox:
    return sandbox_of(120)


@pytest.mark.parametrize(
    "filters",
    [
        'alias EQ "x"',  # operators are in lower case (trap 5)
        'emailAddress eq "x"',  # filters have names of their own (trap 2)
        'identityStatus eq "ACTIVE"',
        'attributes.firstname eq "x"',
        'alias co "x"',  # trap 4
        'alias ne "x"',
        "pr alias",
        "created gt 2020-01-01T00:00:00Z",
        'attributes.department eq "Sales"',
        "alias eq x y",
        'alias eq "x',
        'alias eq "x" and',
        '(alias eq "x"',
        "alias eq 'x'",
        'id in "x"',
        "",
    ],
)
async def test_identities_refuse_filters_that_are_not_listed(sandbox: Sandbox, filters: str) -> None:
    async with api_of(sandbox) as api:
        answer = await api("GET", "/identities", filters=filters)
        assert (answer.status_code, code(answer)) == (400, REFUSED)


@pytest.mark.parametrize(
    ("service", "filters"),
    [
        ("/roles", 'name in ("a")'),
        ("/roles", "created lt 2020-01-01T00:00:00Z"),  # gt, ge, le: as published
        ("/roles", "modified gt 2020-01-01T00:00:00Z"),
        ("/workgroups", 'description eq "x"'),
        ("/workgroups", "created gt 2020-01-01T00:00:00Z"),
        ("/non-employee-records", 'accountName eq "x"'),
        ("/public-identities", 'name eq "x"'),
    ],
)
async def test_other_lists_have_lists_of_their_own(sandbox: Sandbox, service: str, filters: str) -> None:
    async with api_of(sandbox) as api:
        assert (await api("GET", service, filters=filters)).status_code == 400


async def test_filters_find_what_they_name(sandbox: Sandbox) -> None:
    people = [each for each in sandbox.store.identities.values() if each.correlated]
    one, other = people[0].data, people[1].data
    found = {
        f'id eq "{one["id"]}"': [one],
        f'id in ("{one["id"]}", "{other["id"]}")': [one, other],
        f'alias eq "{one["alias"].upper()}"': [one],  # most comparisons do not tell case apart
        f'alias sw "{one["alias"][:3]}" and id eq "{one["id"]}"': [one],
        f'id eq "{one["id"]}" or id eq "{other["id"]}"': [one, other],
        f'not (alias sw "") or id eq "{one["id"]}"': [one],
        'cloudStatus eq "DISABLED"': [each.data for each in people if each.data["identityStatus"] == "DISABLED"],
        "protected eq true": [each.data for each in people if each.protected],
    }
    async with api_of(sandbox) as api:
        for filters, expected in found.items():
            rows = (await api("GET", "/identities", filters=filters)).json()
            assert sorted(row["id"] for row in rows) == sorted(row["id"] for row in expected), filters


async def test_text_in_filters_is_escaped_with_backslashes(sandbox: Sandbox) -> None:
    person = next(iter(sandbox.store.identities.values()))
    person.data["name"] = 'The "Boss" \\ o/ 100% +#&'
    async with api_of(sandbox) as api:
        rows = (await api("GET", "/identities", filters=r'name eq "The \"Boss\" \\ o/ 100% +#&"')).json()
    assert [row["id"] for row in rows] == [person.data["id"]]


async def test_case_counts_where_a_tenant_has_it_so(sandbox: Sandbox) -> None:
    sandbox.knobs.sensitive = True
    person = next(iter(sandbox.store.identities.values())).data
    async with api_of(sandbox) as api:
        assert (await api("GET", "/identities", filters=f'alias eq "{person["alias"].upper()}"')).json() == []


async def test_uncorrelated_identities_are_hidden_unless_asked_for(sandbox: Sandbox) -> None:
    """Trap 3. A single read shows them in any case."""
    hidden = next(key for key, each in sandbox.store.identities.items() if not each.correlated)
    async with api_of(sandbox) as api:
        shown = await api("GET", "/identities", count="true")
        every = await api("GET", "/identities", count="true", defaultFilter="NONE")
        assert (shown.headers["X-Total-Count"], every.headers["X-Total-Count"]) == ("114", "120")
        assert (await api("GET", "/identities", filters=f'id eq "{hidden}"')).json() == []
        assert len((await api("GET", "/identities", filters="correlated eq false", defaultFilter="NONE")).json()) == 6
        assert (await api("GET", f"/identities/{hidden}")).status_code == 200
        assert (await api("GET", "/identities", defaultFilter="ALL")).status_code == 400


async def test_sorters_are_listed_too(sandbox: Sandbox) -> None:
    async with api_of(sandbox) as api:
        rows = (await api("GET", "/identities", sorters="-alias")).json()
        names = [row["alias"].lower() for row in rows]
        assert names == sorted(names, reverse=True)
        for sorters in ("created", "id", "alias,email"):
            assert (await api("GET", "/identities", sorters=sorters)).status_code == 400
        groups = (await api("GET", "/workgroups", sorters="id")).json()
        assert [row["id"] for row in groups] == sorted(row["id"] for row in groups)


async def test_pages_have_250_rows_at_most_and_tell_the_total_only_when_asked() -> None:
    sandbox = sandbox_of(320)
    async with api_of(sandbox) as api:
        first = await api("GET", "/identities")
        assert (len(first.json()), "X-Total-Count" in first.headers) == (250, False)  # trap 8
        last = await api("GET", "/identities", offset="250", count="true")
        assert (len(last.json()), last.headers["x-total-count"]) == (54, "304")
        none = await api("GET", "/identities", limit="0", count="true")
        assert (none.json(), none.headers["X-Total-Count"]) == ([], "304")
        for wrong in ({"limit": "251"}, {"limit": "-1"}, {"offset": "x"}, {"count": "yes"}):
            assert (await api("GET", "/identities", **wrong)).status_code == 400


async def test_roles_and_members_have_50_rows_at_most() -> None:
    """Trap 6."""
    sandbox = sandbox_of(200)
    group = next(key for key, held in sandbox.store.members.items() if len(held) == 55)
    async with api_of(sandbox) as api:
        for path in ("/roles", f"/workgroups/{group}/members", f"/workgroups/{group}/connections"):
            assert (await api("GET", path, limit="51")).status_code == 400
        first = await api("GET", f"/workgroups/{group}/members", count="true")
        assert (len(first.json()), first.headers["X-Total-Count"]) == (50, "55")
        assert len((await api("GET", f"/workgroups/{group}/members", offset="50")).json()) == 5


@pytest.mark.parametrize(("past_end", "status"), [("empty", 200), ("400", 400)])
async def test_a_page_past_the_end_is_empty_or_refused(sandbox: Sandbox, past_end: str, status: int) -> None:
    """Trap 7: the refusal has another shape, and no code."""
    sandbox.knobs.listing.past_end = past_end
    async with api_of(sandbox) as api:
        answer = await api("GET", "/identities", offset="114")
        assert answer.status_code == status
        assert answer.json() == [] or answer.json()["detailMessage"] == "Specified offset is invalid."


async def test_a_short_page_is_not_the_end(sandbox: Sandbox) -> None:
    sandbox.knobs.listing.page_size = lambda rows: min(rows, 46)
    async with api_of(sandbox) as api:
        assert len((await api("GET", "/identities")).json()) == 46
        assert len((await api("GET", "/identities", offset="46")).json()) == 46
