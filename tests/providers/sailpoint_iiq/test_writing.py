"""Writing identities through the whole program: what changes at the site, what does not, what is refused."""

from copy import deepcopy
from typing import Any

import pytest

from scim_bridge.providers.sailpoint_iiq.sandbox import Sandbox
from scim_bridge.providers.sailpoint_iiq.sandbox_site import Extended
from scim_bridge.store.database import Database
from tests.providers.sailpoint_iiq.bridge import Bridge, bridged, checked
from tests.providers.sailpoint_iiq.support import CORE, ENTERPRISE, SP_USER

NEW: dict[str, Any] = {"userName": "ana.diaz", "name": {"givenName": "Ana", "familyName": "Díaz"}}


def held(sandbox: Sandbox, name: str = "adam.kennedy") -> Any:
    """An identity as the site holds it."""
    return sandbox.site.identities[sandbox.site.by_name[name]]


def differences(before: Any, after: Any) -> dict[str, Any]:
    """What changed, times of the change apart; extended attributes by their own names."""
    one, other = ({**each, **each["extended"]} for each in (before, after))
    left_out = {"modified", "extended"}
    return {name: other.get(name) for name in {*one, *other} - left_out if one.get(name) != other.get(name)}


EMAIL = 'emails[type eq "work"].value'
CAPABLE = {"op": "add", "path": f"{SP_USER}:capabilities", "value": ["HelpDesk"]}
PATCHES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("a mapped attribute", {"op": "replace", "path": "title", "value": "Boss"}, {"jobTitle": "Boss"}),
    ("one of its own", {"op": "replace", "path": f"{SP_USER}:location", "value": "Köln"}, {"location": "Köln"}),
    ("several values", CAPABLE, {"capabilities": ["SCIMExecutor", "HelpDesk"]}),
    ("part of a name", {"op": "replace", "path": "name.familyName", "value": "Kent"}, {"last": "Kent"}),
    ("an address", {"op": "replace", "path": EMAIL, "value": "a@example.com"}, {"email": "a@example.com"}),
    ("no address", {"op": "remove", "path": "emails"}, {"email": None}),
    ("no title", {"op": "remove", "path": "title"}, {"jobTitle": None}),
    ("active", {"op": "replace", "path": "active", "value": "False"}, {"inactive": True}),
    ("enterprise", {"op": "replace", "path": f"{ENTERPRISE}:department", "value": "Ops"}, {"department": "Ops"}),
    ("a display name", {"op": "replace", "path": "displayName", "value": "A. K."}, {"displayName": "A. K."}),
    ("a full name", {"op": "replace", "path": "name.formatted", "value": "Mr K."}, {"formatted": "Mr K."}),
    ("a password", {"op": "replace", "path": "password", "value": "N3w!"}, {"password": "N3w!"}),
    ("no manager", {"op": "remove", "path": f"{ENTERPRISE}:manager"}, {"manager": None}),
]  # fmt: skip


@pytest.mark.parametrize("told, operation, expected", PATCHES, ids=[each[0] for each in PATCHES])
async def test_a_patch_changes_only_what_it_names(
    told: str, operation: dict[str, Any], expected: dict[str, Any]
) -> None:
    sandbox = Sandbox(users=60)
    identity, boss = held(sandbox), held(sandbox, "spadmin")
    identity |= {"capabilities": ["SCIMExecutor"], "manager": boss["id"], "softwareVersion": "7.3", "inactive": False}
    identity["extended"] |= {"jobTitle": "Clerk", "costcenter": ["A", "B"], "regionOwner": boss["id"]}
    before = deepcopy(identity)
    async with bridged(sandbox) as bridge:
        answer = await bridge.patch("User", identity["id"], operation)
        assert answer.status_code == 200, answer.text
        assert differences(before, held(sandbox)) == expected, told
        assert len(bridge.calls()) == 2


async def test_a_display_name_that_is_the_full_name_too_is_changed() -> None:
    sandbox = Sandbox(users=20)
    sandbox.knobs.formatted_is_display = True
    async with bridged(sandbox) as bridge:
        shown = await bridge.change("User", held(sandbox)["id"], displayName="A. K.")
        assert shown["displayName"] == shown["name"]["formatted"] == "A. K."


async def test_a_patch_keeps_what_no_schema_tells_of() -> None:
    sandbox = Sandbox(users=20)
    async with bridged(sandbox) as bridge:
        sandbox.site.extended += (Extended("badge"), Extended("deputy", type="identity"))
        identity = held(sandbox)
        identity["extended"] |= {"badge": "B-17", "deputy": held(sandbox, "spadmin")["id"]}
        sandbox.site.changes += 1
        before = deepcopy(identity)
        await bridge.change("User", identity["id"], title="Boss")
        assert differences(before, held(sandbox)) == {"jobTitle": "Boss"}


async def test_what_is_created_is_there_and_reads_back() -> None:
    sandbox = Sandbox(users=20)
    boss = held(sandbox, "spadmin")["id"]
    async with bridged(sandbox) as bridge:
        extension = {"capabilities": ["HelpDesk"], "costcenter": ["A"], "regionOwner": {"value": boss}}
        given = {
            **NEW,
            "externalId": "hr-9",
            "title": "Clerk",
            "active": False,
            "password": "S3cret!",
            "emails": [{"value": "ana@example.com", "type": "work", "primary": True}],
            ENTERPRISE: {"department": "R&D", "manager": {"$ref": f"http://bridge.test/scim/acme/v2/Users/{boss}"}},
            SP_USER: extension,
        }
        made = await bridge.create("User", **given)
        identity = held(sandbox, "ana.diaz")
        assert identity["extended"] == {
            **dict.fromkeys(each.name for each in sandbox.site.extended),
            "employeeId": "hr-9",
            "jobTitle": "Clerk",
            "department": "R&D",
            "costcenter": ["A"],
            "regionOwner": boss,
        }
        assert (identity["password"], identity["manager"], identity["inactive"]) == ("S3cret!", boss, True)
        shown = await bridge.get(f"/Users/{made['id']}")
        assert shown == {**made, "meta": shown["meta"]} and "password" not in shown
        assert shown["title"] == "Clerk" and shown["externalId"] == "hr-9" and shown["active"] is False
        assert shown["emails"] == [{"value": "ana@example.com", "type": "work"}]
        assert shown[ENTERPRISE]["manager"]["value"] == boss and shown[SP_USER]["capabilities"] == ["HelpDesk"]


async def test_a_put_clears_what_it_leaves_out_and_keeps_what_it_does_not_know() -> None:
    sandbox = Sandbox(users=20)
    async with bridged(sandbox) as bridge:
        given = {**NEW, "title": "Clerk", "active": False, "userType": "employee", SP_USER: {"costcenter": ["A"]}}
        made = await bridge.create("User", **given, emails=[{"value": "ana@example.com"}])
        body = {"schemas": [CORE], "userName": "ana.diaz", "displayName": "Ana"}
        left = checked(await bridge.ask("PUT", f"/Users/{made['id']}", body), 200)
        assert not {"title", "userType", "emails"} & left.keys() and left["displayName"] == "Ana"
        assert left["active"] is False, "somebody who is left out of a PUT must not become active"
        assert left[SP_USER] == {"costcenter": ["A"]}, "an extension that is not named stays"
        named = {**body, "schemas": [CORE, SP_USER]}
        left = checked(await bridge.ask("PUT", f"/Users/{made['id']}", named), 200)
        assert SP_USER not in left


async def test_who_has_no_name_goes_by_the_user_name() -> None:
    async with bridged(Sandbox(users=20)) as bridge:
        made = await bridge.create("User", userName="bare")
        assert made["displayName"] == made["name"]["formatted"] == "bare"
        answer = await bridge.patch("User", made["id"], {"op": "remove", "path": "displayName"})
        assert answer.status_code == 400  # the schema says so: everybody has one


# -- what is refused ---------------------------------------------------------------------------------------------------


async def refused(bridge: Bridge, resource_id: str, status: int, kind: str, **values: Any) -> None:
    answer = await bridge.patch("User", resource_id, {"op": "replace", "value": values})
    assert (answer.status_code, answer.json().get("scimType")) == (status, kind), answer.text


async def test_a_user_name_is_given_once_and_to_one() -> None:
    sandbox = Sandbox(users=20)
    async with bridged(sandbox) as bridge:
        made = await bridge.create("User", **NEW)
        bridge.calls()
        await refused(bridge, made["id"], 400, "mutability", userName="other")
        assert bridge.calls() == [f"GET /Users/{made['id']}"]
        taken = await bridge.ask("POST", "/Users", {"schemas": [CORE], **NEW, "userName": "ADAM.kennedy"})
        assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")
        assert "ADAM.kennedy" in taken.json()["detail"]


async def test_what_the_site_refuses_is_a_client_error_that_says_why() -> None:
    sandbox = Sandbox(users=20)
    async with bridged(sandbox) as bridge:
        made = await bridge.create("User", **NEW)
        await refused(bridge, made["id"], 400, "invalidValue", **{ENTERPRISE: {"manager": {"value": "nobody"}}})
        before = deepcopy(held(sandbox, "ana.diaz"))
        answer = await bridge.patch("User", made["id"], {"op": "replace", "path": f"{SP_USER}:riskScore", "value": 7})
        assert (answer.status_code, answer.json()["scimType"]) == (400, "mutability")
        assert held(sandbox, "ana.diaz") == before


@pytest.mark.parametrize("profile, status", [("auto", 201), ("strict", 400)])
async def test_a_second_address_has_no_place(profile: str, status: int) -> None:
    sandbox = Sandbox(users=20)
    async with bridged(sandbox, profile=profile) as bridge:
        emails = [
            {"value": "a@example.com", "type": "work", "primary": True},
            {"value": "b@example.com", "type": "home"},
        ]
        answer = await bridge.ask("POST", "/Users", {"schemas": [CORE], **NEW, "emails": emails, "nickName": "A"})
        assert answer.status_code == status, answer.text
        if status == 201:
            assert [each["value"] for each in answer.json()["emails"]] == ["a@example.com"]
            assert "nickName" not in answer.json()


@pytest.mark.parametrize("method, path", [("POST", "/Groups"), ("DELETE", "/Roles/{role}"), ("POST", "/Accounts")])
async def test_what_is_read_only_says_so(method: str, path: str) -> None:
    sandbox = Sandbox(users=20)
    role = next(iter(sandbox.site.records["Role"]))
    async with bridged(sandbox) as bridge:
        answer = await bridge.ask(method, path.replace("{role}", role), {"displayName": "x"})
        assert answer.status_code == 501 and bridge.calls() == []
        answer = await bridge.ask(
            "PATCH",
            f"/Groups/{role}",
            {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "add", "path": "members", "value": [{"value": "x"}]}],
            },
        )
        assert answer.status_code == 501


# -- trouble -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method, path", [("PUT", "PUT /Users/.*"), ("POST", "POST /Users")])
async def test_a_write_that_breaks_down_is_never_sent_again(method: str, path: str) -> None:
    sandbox = Sandbox(users=20)
    async with bridged(sandbox) as bridge:
        made = await bridge.create("User", **NEW)
        bridge.calls()
        sandbox.fail(path, 500)
        if method == "PUT":
            answer = await bridge.patch("User", made["id"], {"op": "replace", "path": "title", "value": "x"})
        else:
            answer = await bridge.ask("POST", "/Users", {"schemas": [CORE], "userName": "second"})
        assert answer.status_code in (502, 503, 504), answer.text
        assert sum(each.startswith(method) for each in bridge.calls()) == 1


async def test_what_a_site_keeps_although_it_was_left_out_is_told() -> None:
    sandbox = Sandbox(users=20)
    async with bridged(sandbox) as bridge:
        made = await bridge.create("User", **NEW, title="Clerk")
        sandbox.knobs.keeps = frozenset({"jobTitle"})
        answer = await bridge.patch("User", made["id"], {"op": "remove", "path": "title"})
        assert answer.status_code == 502 and "jobTitle" in answer.json()["detail"]


# -- deleting ----------------------------------------------------------------------------------------------------------


async def test_delete_deletes_for_good() -> None:
    sandbox = Sandbox(users=20)
    async with bridged(sandbox) as bridge:
        gone = held(sandbox)["id"]
        assert (await bridge.ask("DELETE", f"/Users/{gone}")).status_code == 204
        assert gone not in sandbox.site.identities
        assert (await bridge.ask("DELETE", f"/Users/{gone}")).status_code == 404


async def test_who_is_deactivated_instead_is_gone_here_until_the_site_changes_them() -> None:
    sandbox = Sandbox(users=20)
    async with bridged(sandbox, delete_policy="deactivate") as bridge:
        identity = held(sandbox)
        identity["inactive"] = False
        gone, before = identity["id"], deepcopy(identity)
        assert (await bridge.ask("DELETE", f"/Users/{gone}")).status_code == 204
        assert differences(before, held(sandbox)) == {"inactive": True}
        assert (await bridge.ask("GET", f"/Users/{gone}")).status_code == 404
        assert (await bridge.ask("DELETE", f"/Users/{gone}")).status_code == 404
        assert (await bridge.get("/Users"))["totalResults"] == 19
        assert await bridge.find("User", filter='userName eq "adam.kennedy"') == []
        identity = held(sandbox)
        sandbox.site.put({**identity, "inactive": False, "modified": sandbox.now().replace(year=2027)})
        assert (await bridge.get(f"/Users/{gone}"))["active"] is True
        assert (await bridge.get("/Users"))["totalResults"] == 20


async def test_who_is_deactivated_instead_stays_gone_after_a_restart(database: Database) -> None:
    sandbox, gone = Sandbox(users=20), ""
    for round in range(2):
        async with bridged(sandbox, delete_policy="deactivate", database=database) as bridge:
            if not round:
                gone = held(sandbox)["id"]
                assert (await bridge.ask("DELETE", f"/Users/{gone}")).status_code == 204
            assert (await bridge.ask("GET", f"/Users/{gone}")).status_code == 404
            assert (await bridge.get("/Users"))["totalResults"] == 19
    identity = held(sandbox)
    async with (
        bridged(sandbox, delete_policy="deactivate", database=database) as bridge,
        bridged(sandbox, delete_policy="deactivate", database=database) as other,
    ):
        await other.get("/Users")
        sandbox.site.put({**identity, "inactive": False, "modified": sandbox.now().replace(year=2027)})
        assert (await bridge.get("/Users"))["totalResults"] == 20
        assert (await other.get("/Users"))["totalResults"] == 20
