"""What a connection to Identity Security Cloud says of itself: settings, addresses, schemas, plans."""

from typing import Any

import pytest

from scim_bridge.clock import SYSTEM_CLOCK
from scim_bridge.filters import parse
from scim_bridge.providers.sailpoint_isc import PROVIDER, Settings
from scim_bridge.query.capabilities import Collection
from scim_bridge.query.explain import explain
from scim_bridge.query.plan import Planner, Query
from scim_bridge.schemas import SchemaAttribute
from scim_bridge.upstream.redact import Secret
from tests.providers.sailpoint_isc.support import ENTERPRISE, USER_URN, connected, sandbox_of


def settings(**more: Any) -> Settings:
    return Settings("acme", "client", Secret("s3cret"), **more)


def declared(**more: Any) -> dict[str, Collection]:
    """The collections of a connection that is never opened."""
    return {each.resource.name: each for each in PROVIDER.collections(settings(**more), None)}


def attribute(collection: Collection, path: str) -> SchemaAttribute:
    found = collection.resource.resolve(path)
    assert found is not None, path
    return found.target


def writable(collection: Collection) -> set[str]:
    """The attributes of all schemas that clients can write."""
    return {
        each.name
        for schema in collection.resource.schemas
        for each in schema.attributes
        if each.mutability != "readOnly"
    }


def test_the_address_follows_from_the_tenant_and_every_request_names_the_experimental_header() -> None:
    endpoint = PROVIDER.endpoint(settings(), SYSTEM_CLOCK)
    assert endpoint.base_url == "https://acme.api.identitynow.com"
    assert endpoint.options.headers == {"X-SailPoint-Experimental": "true"}
    vanity = PROVIDER.endpoint(settings(api_url="https://acme.api.identitynow-demo.com/"), SYSTEM_CLOCK)
    assert vanity.base_url == "https://acme.api.identitynow-demo.com"


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"attributes": {"nothing.here": "x"}}, "attributes"),
        ({"attributes": {"name": "x"}}, "attributes"),
        ({"writes": ("lifecycle", "accounts")}, "writes"),
        ({"writes": ("non-employee",)}, "non_employee_source_id"),
        ({"non_employee_source_id": "22db"}, "non_employee_source_id"),
        ({"writes": ("non-employee",), "non_employee_source_id": 'x" or'}, "non_employee_source_id"),
        ({"group_owner_id": "no id!"}, "group_owner_id"),
        ({"writes": ("lifecycle",), "inactive_state": "left"}, "inactive_state"),
        ({"writes": ("lifecycle",), "active_state": "terminated"}, "active_state"),
        ({"inactive_statuses": ("Disabled",)}, "inactive_statuses"),
    ],
)
def test_settings_that_contradict_each_other_are_named(wrong: dict[str, Any], key: str) -> None:
    found = PROVIDER.check(settings(**wrong))
    assert found is not None and found[0] == key


@pytest.mark.parametrize("tenant", ["", "acme.example", "acme/x", "a b"])
def test_a_tenant_is_one_label(tenant: str) -> None:
    found = PROVIDER.check(Settings(tenant, "client", Secret("x")))
    assert found is not None and found[0] == "tenant"


def test_good_settings_are_no_problem() -> None:
    source = {"non_employee_source_id": "22db3cab981144"}
    for fine in ({}, {"writes": ("lifecycle", "non-employee"), **source}, {"writes": ("accounts",)}):
        assert PROVIDER.check(settings(**fine)) is None


def test_schemas_say_what_can_be_written() -> None:
    source = {"non_employee_source_id": "22db3cab981144"}
    assert writable(declared()["User"]) == set()
    assert writable(declared(writes=("accounts",))["User"]) == {"active"}
    assert writable(declared(writes=("lifecycle",))["User"]) == {"active"}
    recorded = declared(writes=("non-employee",), attributes={"title": "title"}, **source)["User"]
    assert writable(recorded) == {
        "userName", "name", "emails", "phoneNumbers", "manager", "startDate", "endDate",
    }  # fmt: skip
    assert attribute(recorded, "userName").mutability == "immutable"
    assert attribute(recorded, "name.formatted").mutability == "readOnly"
    assert attribute(recorded, f"{USER_URN}:endDate").returned == "never"
    assert writable(declared()["Role"]) == set()
    assert writable(declared()["Group"]) == {"displayName", "members", "description", "owner"}


def test_writes_are_offered_as_configured() -> None:
    source = {"non_employee_source_id": "22db3cab981144"}
    offered = {
        (): (False, False, False),
        ("accounts",): (False, True, False),
        ("lifecycle",): (False, True, False),
        ("non-employee",): (True, True, True),
    }
    for writes, expected in offered.items():
        found = declared(writes=writes, **(source if "non-employee" in writes else {}))["User"].writes
        assert (found.create is not None, found.update is not None, found.delete is not None) == expected


def test_statuses_are_told_as_the_values_they_are() -> None:
    assert "UNREGISTERED" in attribute(declared()["User"], f"{USER_URN}:status").canonical_values


async def test_identity_attributes_are_mapped_by_name_or_path() -> None:
    """Trap 23: which ones there are is the tenant's choice."""
    sandbox = sandbox_of(20)
    mapped = {
        "enterprise.department": "department",
        "title": "attributes.title",
        "externalId": "identificationNumber",
        "nickName": "alias",
        "emails.other": "otherEmail",
    }
    person = next(iter(sandbox.store.identities.values()))
    person.data["attributes"] |= {"department": "Sales", "title": "Boss", "otherEmail": "x@example.com"}
    async with connected(sandbox, attributes=mapped) as acme:
        shown = await acme.users.reader.get(person.data["id"], ())
        assert shown is not None
        assert (shown[ENTERPRISE]["department"], shown["title"]) == ("Sales", "Boss")
        assert (shown["externalId"], shown["nickName"]) == ("E000000", person.data["alias"])
        assert {"value": "x@example.com", "type": "other"} in shown["emails"]
        acme.calls()
        await acme.find(f'nickName eq "{person.data["alias"]}"')
        assert acme.calls() == [f'GET /identities?alias eq "{person.data["alias"]}"']
        await acme.find('emails.value eq "x@example.com"')
        assert acme.calls()[0] == "GET /identities"  # two fields, of which filters know one


@pytest.mark.parametrize("prefix", ["v1", "v2024", "v2025", "v2026"])
async def test_every_version_is_spoken(prefix: str) -> None:
    """Trap 26."""
    sandbox = sandbox_of(30)
    source = sandbox.source("Non-Employees")
    more: dict[str, Any] = {"writes": ("lifecycle", "non-employee"), "non_employee_source_id": source}
    async with connected(sandbox, api_prefix=prefix, **more) as acme:
        for kind in ("users", "groups", "roles"):
            assert await acme.find("", kind)
        user = (await acme.find("active eq true"))[0]["id"]
        assert await acme.users.reader.get(user, ("groups", "roles", "entitlements"))
        assert {each.version for each in sandbox.calls} == {prefix}


def test_plans_say_what_is_sent() -> None:
    users = declared()["User"]
    told = explain(Planner(users), Query(parse('userName eq "ana" and title pr'), count=10))
    assert told.strategy == "lookup" and told.residual is not None
    assert told.requests == (
        "GET /identities/v1?count=true&sorters=alias,name&defaultFilter=CORRELATED_ONLY"
        '&filters=alias eq "ana"&offset=0&limit=250',
    )
    reverse = explain(Planner(users), Query(parse('groups.value eq "g1"'), count=10))
    assert reverse.requests[0].startswith("GET /workgroups/v1/g1/members?count=true&sorters=name,created")
    assert reverse.requests[1].endswith('&filters=id in ("{ids}") (for 60 rows read)')


def test_what_is_unknown_of_text_is_not_pushed_where_rows_could_be_lost() -> None:
    users = declared(native_text_match="sensitive")["User"]
    told = explain(Planner(users), Query(parse('userName eq "ana"'), count=10))
    assert told.pushed == ("",) and told.strategy == "scan"
    digits = explain(Planner(users), Query(parse('userName eq "4711"'), count=10))
    assert digits.pushed == ('alias eq "4711"',)
