"""The parts of the `scim` provider: documents, decoding, paging, the attributes setting, refusals, undoing."""

import logging
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from scim_bridge.attributes import MappingError
from scim_bridge.providers.scim import PROVIDER, Settings
from scim_bridge.providers.scim.discovery import Discovered, ResourceType
from scim_bridge.providers.scim.probe import PATCH_OP
from scim_bridge.providers.scim.sandbox import ENTERPRISE, GROUP, USER, Sandbox
from scim_bridge.query.capabilities import Call, Collection, ops
from scim_bridge.query.directory import Changes, MemberChanges
from scim_bridge.query.plan import Query
from scim_bridge.query.write import PartialWrite
from scim_bridge.schemas import GROUP as GROUP_TYPE
from scim_bridge.schemas import USER as USER_TYPE
from scim_bridge.upstream.auth import Basic, Bearer
from scim_bridge.upstream.errors import (
    AuthRefused,
    BadAnswer,
    Conflict,
    FilterRejected,
    NotFound,
    Rejected,
    TimedOut,
    Unavailable,
    UpstreamError,
)
from scim_bridge.upstream.redact import Secret
from scim_bridge.upstream.reply import Reply
from tests.clocks import FakeClock
from tests.providers.scim_server import BASE_URL, Documents, answer, bridge, offering

SETTINGS = Settings(base_url=BASE_URL, token=Secret("t0ken"))
TYPES = [each.resource_type_json() for each in (USER_TYPE, GROUP_TYPE)]
SCHEMAS = [schema.to_json() for each in (USER_TYPE, GROUP_TYPE) for schema in each.schemas]
DOCUMENTS = {
    "/ServiceProviderConfig": {"patch": {"supported": True}, "filter": {"supported": True, "maxResults": 250}},
    "/ResourceTypes": {"totalResults": 2, "Resources": TYPES},
    "/Schemas": {"totalResults": 3, "Resources": SCHEMAS},
    "/Users": {"totalResults": 0, "Resources": []},
    "/Groups": {"totalResults": 0, "Resources": []},
}


async def discovered(**documents: Any) -> Discovered:
    changed = {f"/{name}": each for name, each in documents.items()}
    found = await PROVIDER.discover(SETTINGS, Documents({**DOCUMENTS, **changed}))
    assert isinstance(found, Discovered)
    return found


def collections(found: Discovered | None = None, **settings: Any) -> dict[str, Collection]:
    chosen = Settings(base_url=BASE_URL, token=Secret("t0ken"), **settings)
    return {each.resource.name: each for each in PROVIDER.collections(chosen, found)}


# -- documents ---------------------------------------------------------------------------------------------------------


async def test_announced_limits_and_features_are_taken_up() -> None:
    found = await discovered()
    assert (found.filters, found.patch, found.page) == (True, True, 250)
    assert [each.resource.endpoint for each in found.types] == ["/Users", "/Groups"]


def _paged(rows: list[Any], size: int) -> Callable[[dict[str, str]], dict[str, Any]]:
    def page(params: dict[str, str]) -> dict[str, Any]:
        start = int(params.get("startIndex", "1")) - 1
        return {"totalResults": len(rows), "startIndex": start + 1, "Resources": rows[start : start + size]}

    return page


@pytest.mark.parametrize(
    "lists",
    [
        {"ResourceTypes": TYPES, "Schemas": SCHEMAS},
        {"ResourceTypes": {"resources": TYPES}, "Schemas": {"totalResults": 3, "resources": SCHEMAS}},
        {"ResourceTypes": _paged(TYPES, 1), "Schemas": _paged(SCHEMAS, 2)},
    ],
    ids=["bare", "lower case", "paged"],
)
async def test_lists_of_documents_come_in_several_shapes(lists: dict[str, Any]) -> None:
    assert (await discovered(**lists)).types == (await discovered()).types


@pytest.mark.parametrize("status", [NotFound("", "", status=404), Unavailable("", "", status=501)])
async def test_the_core_schemas_stand_in_for_missing_documents(status: UpstreamError) -> None:
    found = await discovered(ServiceProviderConfig=status, ResourceTypes=status, Schemas=status)
    assert [each.resource.name for each in found.types] == ["User", "Group"]
    assert (found.filters, found.patch, found.page) == (False, False, 100)


async def test_a_type_that_nobody_published_and_no_list_has_is_not_made_up() -> None:
    missing = NotFound("", "", status=404)
    found = await discovered(ResourceTypes=missing, Groups=missing)
    assert [each.resource.name for each in found.types] == ["User"]
    with pytest.raises(BadAnswer):
        await discovered(ResourceTypes=missing, Users=missing, Groups=missing)


@pytest.mark.parametrize("document", ["ServiceProviderConfig", "ResourceTypes", "Schemas", "Users"])
@pytest.mark.parametrize(
    "outage", [Unavailable("", "", status=503), TimedOut("", ""), AuthRefused("", "", status=401), BadAnswer("", "")]
)
async def test_an_outage_is_never_taken_for_a_missing_document(document: str, outage: UpstreamError) -> None:
    with pytest.raises(type(outage)):
        await discovered(**{document: outage})


@pytest.mark.parametrize(
    "lists",
    [
        {"ResourceTypes": {"totalResults": 0, "Resources": []}},
        {"ResourceTypes": {"totalResults": 3, "Resources": TYPES}},
        {"Schemas": {"oops": True}},
        {"ServiceProviderConfig": "yes"},
        {"ResourceTypes": [{"name": "Device", "endpoint": "/Devices", "schema": "urn:example:Device"}]},
    ],
)
async def test_documents_that_lack_what_they_state_are_refused(lists: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        await discovered(**lists)


async def test_further_resource_types_are_shown_as_published() -> None:
    device = {
        "id": "urn:example:Device",
        "name": "Device",
        "attributes": [
            {"name": "serial", "type": "string", "caseExact": True},
            {"name": "seen", "type": "dateTime"},
            {"name": "ports", "type": "integer"},
            {"name": "load", "type": "decimal"},
        ],
    }
    types = [*TYPES, {"name": "Device", "endpoint": "/Devices", "schema": "urn:example:Device"}]
    found = await discovered(ResourceTypes=types, Schemas=[*SCHEMAS, device], Devices={"totalResults": 0})
    whole = replace(found, types=tuple(ResourceType(each.resource) for each in found.types))
    devices = collections(whole)["Device"]
    row = {
        "id": 7,
        "serial": "A1",
        "ports": 4.0,
        "load": 0.5,
        "seen": "2026-01-01T00:00:00Z",
        "members": [{"value": "x"}],
    }
    assert devices.decode(row) == {
        "schemas": ["urn:example:Device"],
        "id": "7",
        "serial": "A1",
        "ports": 4,
        "load": 0.5,
        "seen": "2026-01-01T00:00:00Z",
        "meta": {"resourceType": "Device"},
    }
    assert devices.relations == ()
    operators: dict[str, frozenset[str]] = {}
    for rule in devices.reads[-1].rules:
        operators[rule.attribute] = operators.get(rule.attribute, frozenset()) | rule.operators
    assert operators == {
        "externalId": ops("eq sw co ew pr"),
        "meta.created": ops("gt ge lt le"),
        "meta.lastModified": ops("gt ge lt le"),
        "serial": ops("eq sw co ew pr"),
        "seen": ops("gt ge lt le pr"),
        "ports": ops("eq gt ge lt le pr"),
    }
    empty = await discovered(ResourceTypes=types, Schemas=[*SCHEMAS, device])
    assert len(collections(empty)["Device"].reads) == 1  # there was no row to prove a filter on


@pytest.mark.parametrize("with_references", [True, False])
async def test_what_refers_to_an_id_compares_with_case_whatever_is_published(with_references: bool) -> None:
    def folding(published: dict[str, Any]) -> dict[str, Any]:
        plain = {**published, "caseExact": False}
        subs = [
            folding(each) for each in published.get("subAttributes", ()) if with_references or each["name"] != "$ref"
        ]
        return {**plain, "subAttributes": subs}

    schemas = [{**each, "attributes": [folding(one) for one in each["attributes"]]} for each in SCHEMAS]
    user, group = (each.resource for each in (await discovered(Schemas=schemas)).types)
    manager = [(user, f"{ENTERPRISE}:manager.value")] if with_references else []
    for resource, path in [(user, "groups.value"), (group, "members.value"), *manager]:
        found = resource.resolve(path)
        assert found is not None
        assert found.target.case_exact
    name = user.resolve("externalId"), user.resolve("userName")
    assert [found is not None and found.target.case_exact for found in name] == [True, False]


# -- decoding ----------------------------------------------------------------------------------------------------------


def test_a_record_is_shown_in_canonical_form() -> None:
    row = {
        "schemas": ["urn:example:unknown"],
        "id": 42,
        "USERNAME": "ada",
        "nickName": "",
        "title": None,
        "password": "s3cret",
        "emails": [{"Value": "a@x.example", "type": "work", "primary": True, "x": 1}, {"value": None}],
        "phoneNumbers": [],
        "vendor": {"x": 1},
        ENTERPRISE.lower(): {"manager": {"value": "7", "$ref": "https://scim.example/v2/Users/7", "displayName": "B"}},
        "meta": {"created": "2026-01-01T00:00:00Z", "location": "https://scim.example/v2/Users/42", "version": 'W/"1"'},
    }
    assert collections()["User"].decode(row) == {
        "schemas": [USER, ENTERPRISE],
        "id": "42",
        "userName": "ada",
        "emails": [{"value": "a@x.example", "type": "work", "primary": True}],
        ENTERPRISE: {"manager": {"value": "7", "displayName": "B"}},
        "meta": {"created": "2026-01-01T00:00:00Z", "resourceType": "User"},
    }


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("userName", 7),
        ("active", "true"),
        ("name", "Ada"),
        ("emails", {"value": "a@x.example"}),
        ("emails", ["a@x.example"]),
        ("x509Certificates", [{"value": "*"}]),
        ("meta", {"created": "yesterday"}),
        ("meta", {"created": "2026-01-01"}),
    ],
)
def test_a_value_of_another_type_is_left_out_and_told_never_its_row(
    attribute: str, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="scim_bridge.providers.scim"):
        shown = collections()["User"].decode({"id": "1", "title": "Engineer", attribute: value})
    assert shown == {"schemas": [USER], "id": "1", "title": "Engineer", "meta": {"resourceType": "User"}}
    assert [record.message for record in caplog.records][:1] == ["a value was left out"]


@pytest.mark.parametrize("row", [{"userName": "ada"}, {"id": ""}, {"id": None}, {"id": True}])
def test_a_record_without_an_id_is_a_bad_answer(row: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        collections()["User"].decode(row)


def test_members_tell_their_kind_by_type_or_address() -> None:
    [members] = collections()["Group"].relations
    row = {
        "members": [
            {"value": "1", "type": "User", "display": "Ada", "$ref": "https://scim.example/v2/Users/1"},
            {"value": 2, "$ref": "https://scim.example/v2/Groups/2"},
            {"value": "3"},
            {"display": "nobody"},
        ]
    }
    assert members.inline(row) == [
        {"value": "1", "type": "User", "display": "Ada"},
        {"value": "2", "type": "Group"},
        {"value": "3"},
    ]
    assert members.inline({}) is None
    assert members.inline({"members": []}) == []


# -- paging ------------------------------------------------------------------------------------------------------------


async def test_a_server_that_answers_another_page_is_not_believed() -> None:
    broken = False

    def first_page_always(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        asked = request.url.params.get("startIndex", "1") != "1" and request.url.path == "/v2/Users"
        return answer({**response.json(), "startIndex": 1}) if asked and broken else response

    opened = await bridge(Sandbox(10, offering(max_results=4)), fault=first_page_always)
    broken = True
    with pytest.raises(BadAnswer, match="answered from row 1 on when asked for row 5"):
        await opened.users.reader.search(Query(count=10))


async def test_a_list_without_its_rows_is_not_an_empty_one() -> None:
    def without_rows(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        found = response.json() if request.method == "GET" else {}
        return answer({**found, "Resources": []}) if found.get("totalResults") == 10 else response

    opened = await bridge(Sandbox(10), fault=without_rows)
    with pytest.raises(BadAnswer, match="stated 10 rows and sent none"):
        await opened.users.reader.search(Query())


async def test_rows_under_another_spelling_are_found() -> None:
    def lower_case(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        body = response.json()
        return answer({k if k != "Resources" else "resources": v for k, v in body.items()})

    opened = await bridge(Sandbox(10), fault=lower_case)
    assert (await opened.users.reader.search(Query())).total == 10


# -- proving -----------------------------------------------------------------------------------------------------------


async def test_a_server_that_heeds_only_the_first_term_proves_that_one_alone() -> None:
    def first_term(request: httpx.Request) -> None:
        text = request.url.params.get("filter", "")
        request.url = request.url.copy_merge_params({"filter": text.partition(" and ")[0]}) if text else request.url

    opened = await bridge(Sandbox(10), refuse=first_term)
    access = opened.users.collection.reads[1]
    assert "and" not in access.logic
    assert [(rule.attribute, rule.operators) for rule in access.rules if rule.unique] == [
        ("userName", ops("eq sw co ew"))
    ]


async def test_text_without_letters_proves_nothing_of_case() -> None:
    opened = await bridge(Sandbox(10))
    rules = [rule for rule in opened.users.collection.reads[1].rules if rule.operators != ops("pr")]
    assert [rule.folds for rule in rules if rule.attribute == f"{ENTERPRISE}:employeeNumber"] == [True]
    assert [rule.folds for rule in rules if rule.attribute == f"{ENTERPRISE}:department"] == [False]


async def test_filters_that_fail_prove_nothing() -> None:
    def failing(request: httpx.Request) -> httpx.Response | None:
        return answer({"detail": "boom"}, 400) if "filter" in request.url.params else None

    opened = await bridge(Sandbox(10), refuse=failing)
    assert [each.rules for each in (*opened.users.collection.reads, *opened.groups.collection.reads)] == [(), ()]
    [groups] = opened.users.collection.relations
    assert [read.access.expression for read in groups.reads] == [None]  # of all groups, read here


async def test_one_attribute_that_is_not_found_leaves_the_others_proven() -> None:
    def odd_title(request: httpx.Request) -> httpx.Response | None:
        return answer({"totalResults": 0}) if "title eq" in request.url.params.get("filter", "") else None

    opened = await bridge(Sandbox(10), refuse=odd_title)
    rules = opened.users.collection.reads[1].rules
    proven = {rule.attribute: rule.operators for rule in rules if not rule.folds}
    assert proven["userName"] == frozenset({"eq", "sw", "co", "ew"})
    assert proven["title"] == frozenset({"sw", "co", "ew"})


# -- the attributes setting --------------------------------------------------------------------------------------------


def test_mapped_attributes_are_read_and_written_where_the_upstream_has_them() -> None:
    custom = "urn:example:User"
    users = collections(attributes={"enterprise.costCenter": f"{custom}:cost", "title": "nickName"})["User"]
    row = {"id": "1", "userName": "ada", "nickName": "Boss", "title": "own", custom: {"cost": "C1", "other": 2}}
    shown = users.decode(row)
    assert (shown["title"], shown[ENTERPRISE]) == ("Boss", {"costCenter": "C1"})
    nick = users.resource.resolve("nickName")
    assert nick is not None
    assert nick.attribute.mutability == "readOnly"
    after = {**shown, "title": "Chief", ENTERPRISE: {"costCenter": "C2"}}
    assert users.writes.update is not None
    call = next(users.writes.update(row, shown, after))
    assert call.json["Operations"] == [
        {"op": "replace", "path": f"{custom}:cost", "value": "C2"},
        {"op": "replace", "path": "nickName", "value": "Chief"},
    ]
    pushed = {rule.attribute for rule in users.reads[0].rules}
    assert pushed.isdisjoint({"title", f"{ENTERPRISE}:costCenter"})


def test_a_mapping_may_name_an_enterprise_attribute_of_a_server_without_that_schema() -> None:
    plain = Discovered(types=(ResourceType(GROUP_TYPE), ResourceType(replace(USER_TYPE, extensions=()))))
    users = collections(plain, attributes={"enterprise.department": "title"})["User"]
    assert [each.name for each in users.resource.extensions[0].schema.attributes] == ["department"]
    shown = users.decode({"id": "1", "title": "IT"})
    assert shown[ENTERPRISE] == {"department": "IT"}
    assert shown["schemas"] == [USER, ENTERPRISE]


def test_what_is_mapped_from_a_common_attribute_can_only_be_read() -> None:
    users = collections(attributes={"enterprise.employeeNumber": "externalId"})["User"]
    found = users.resource.resolve(f"{ENTERPRISE}:employeeNumber")
    assert found is not None
    assert found.attribute.mutability == "readOnly"
    assert users.writes.create is not None
    body = next(users.writes.create({"userName": "ada", "externalId": "E1"})).json
    assert body == {"schemas": [USER], "userName": "ada", "externalId": "E1"}


@pytest.mark.parametrize("path", ["emails.work", "nope", "emails", "name", ENTERPRISE])
def test_a_mapping_to_what_is_no_single_value_is_refused(path: str) -> None:
    with pytest.raises(MappingError):
        collections(attributes={path: "title"})


# -- writes ------------------------------------------------------------------------------------------------------------


def _put_users(row: dict[str, Any], after: dict[str, Any]) -> tuple[Call, Call | None]:
    users = collections(Discovered(patch=False))["User"]
    assert users.writes.update is not None
    call = next(users.writes.update(row, users.decode(row), after))
    undo = call.undo(Reply(200, {}, httpx.Headers())) if callable(call.undo) else call.undo
    assert undo is None or isinstance(undo, Call)
    return call, undo


def test_a_put_sends_back_what_no_schema_speaks_of() -> None:
    row = {
        "schemas": [USER, "urn:example:User"],
        "id": "1",
        "UserName": "ada",
        "title": "Engineer",
        "groups": [{"value": "g"}],
        "urn:example:User": {"badge": 7},
        "vendor": "kept",
        "meta": {"version": "1"},
    }
    call, undo = _put_users(row, {"userName": "ADA", "id": "1", ENTERPRISE: {"department": "IT"}})
    assert (call.method, call.path) == ("PUT", "/Users/1")
    assert call.json == {
        "schemas": [USER, ENTERPRISE, "urn:example:User"],
        "id": "1",
        "UserName": "ADA",
        "urn:example:User": {"badge": 7},
        "vendor": "kept",
        ENTERPRISE: {"department": "IT"},
    }
    assert undo is not None
    assert undo.json["title"] == "Engineer"


def test_a_new_password_cannot_be_undone() -> None:
    row = {"id": "1", "userName": "ada"}
    call, undo = _put_users(row, {"id": "1", "userName": "ada", "password": "n3w"})
    assert call.json["password"] == "n3w"
    assert undo is None
    update = collections()["User"].writes.update
    assert update is not None
    patch = next(update(row, row, {**row, "password": "n3w"}))
    assert patch.json["Operations"] == [{"op": "replace", "path": "password", "value": "n3w"}]
    assert patch.undo is None


def test_members_that_a_read_may_hide_are_asked_for_before_a_put() -> None:
    groups = collections(Discovered(patch=False))["Group"]
    assert groups.writes.update is not None
    row = {"id": "g", "displayName": "Old"}
    steps: Generator[Call, Reply, Any] = groups.writes.update(row, groups.decode(row), {"displayName": "New"})
    asked = next(steps)
    assert (asked.method, asked.path, asked.params) == ("GET", "/Groups/g", {"attributes": "members"})
    put = steps.send(Reply(200, {"id": "g", "members": [{"value": "1"}]}, httpx.Headers()))
    assert put.json == {"schemas": [GROUP], "id": "g", "displayName": "New", "members": [{"value": "1"}]}


def test_a_change_that_comes_to_nothing_upstream_is_no_request() -> None:
    users = collections()["User"]
    assert users.writes.update is not None
    row = {"id": "1", "userName": "ada"}
    shown = users.decode(row)
    with pytest.raises(StopIteration) as end:
        next(users.writes.update(row, shown, {**shown, "groups": [{"value": "g"}]}))
    assert end.value.value is row


async def test_a_resource_created_without_an_answer_is_told_to_be_in_doubt() -> None:
    def silent(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return httpx.Response(201) if request.method == "POST" else response

    opened = await bridge(Sandbox(1), fault=silent)
    with pytest.raises(PartialWrite) as failed:
        await opened.users.create({"userName": "new"}, {})
    assert isinstance(failed.value.cause, BadAnswer)
    assert failed.value.left == ("POST /Users",)


async def test_removing_members_the_server_refuses_for_another_reason_stays_refused() -> None:
    def closed(request: httpx.Request) -> httpx.Response | None:
        return answer({"scimType": "mutability", "detail": "closed"}, 400) if request.method == "PATCH" else None

    opened = await bridge(Sandbox(2), refuse=closed)
    change = Changes(members={"members": MemberChanges(removed=({"value": "u00001"},))})
    with pytest.raises(Rejected):
        await opened.groups.change("g00005", None, change)
    assert opened.spent() == ["PATCH /Groups/g00005"]


def test_of_a_member_is_sent_what_a_client_may_say() -> None:
    groups = collections()["Group"].writes.members["members"]
    call = next(groups.add("g", [{"value": "1", "type": "User", "display": "Ada", "$ref": "/Users/1", "x": 1}]))
    assert call.json["Operations"][0]["value"] == [{"value": "1", "type": "User", "display": "Ada"}]
    assert call.idempotent


def test_only_a_patch_that_sets_values_is_sent_again_after_a_failure() -> None:
    update = collections()["User"].writes.update
    assert update is not None
    row = {"id": "1", "userName": "ada", "title": "Engineer"}
    assert next(update(row, row, {**row, "title": "Chief"})).idempotent
    assert next(update(row, row, {"id": "1", "userName": "ada"})).idempotent is None


def test_ids_are_quoted_in_paths_and_filters() -> None:
    groups = collections()["Group"].writes.members["members"]
    call = next(groups.remove("a/b?c", [{"value": 'x"y'}]))
    assert call.path == "/Groups/a%2Fb%3Fc"
    assert call.json == {
        "schemas": [PATCH_OP],
        "Operations": [{"op": "remove", "path": 'members[value eq "x\\"y"]'}],
    }


async def test_a_change_is_undone_when_the_members_are_refused() -> None:
    def no_members(request: httpx.Request) -> httpx.Response | None:
        refused = request.method == "PATCH" and b'"members"' in request.content
        return answer({"status": "400", "scimType": "invalidValue", "detail": "no such user"}, 400) if refused else None

    opened = await bridge(Sandbox(8), refuse=no_members)
    [row] = [each for each in (await opened.groups.reader.search(Query(count=1))).resources]
    record = await opened.groups.row(row["id"])
    assert record is not None
    opened.spent()
    change = Changes(row, {**row, "displayName": "New"}, {"members": MemberChanges(added=({"value": "nobody"},))})
    with pytest.raises(Rejected):
        await opened.groups.change(row["id"], record, change)
    assert opened.spent() == [f"PATCH /Groups/{row['id']}"] * 3
    assert (await opened.groups.reader.get(row["id"], ()) or {})["displayName"] == row["displayName"]


async def test_a_group_is_deleted_again_when_its_members_are_refused() -> None:
    def no_members(request: httpx.Request) -> httpx.Response | None:
        return answer({"status": "400", "detail": "no such user"}, 400) if request.method == "PATCH" else None

    opened = await bridge(Sandbox(2), refuse=no_members)
    with pytest.raises(Rejected):
        await opened.groups.create({"displayName": "New"}, {"members": [{"value": "nobody"}]})
    assert [call.partition(" ")[0] for call in opened.spent()] == ["POST", "PATCH", "DELETE"]


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind", "codes"),
    [
        (409, {"scimType": "uniqueness", "detail": "taken"}, Conflict, ("uniqueness",)),
        (409, {"detail": "taken"}, Conflict, ()),
        (400, {"scimType": "uniqueness", "detail": "taken"}, Conflict, ("uniqueness",)),
        (400, {"scimType": "invalidFilter", "detail": "no"}, FilterRejected, ("invalidFilter",)),
        (400, {"scimType": "mutability", "detail": "no"}, Rejected, ("mutability",)),
        (412, {"detail": "changed meanwhile"}, Rejected, ()),
        (413, {"detail": "too much"}, Rejected, ()),
    ],
)
def test_refusals_are_told_by_their_scim_type(
    status: int, body: dict[str, Any], kind: type[UpstreamError], codes: tuple[str, ...]
) -> None:
    error = PROVIDER.classify(Reply(status, body, httpx.Headers()))
    assert type(error) is kind
    assert error is not None
    assert (error.status, error.codes, error.detail) == (status, codes, body["detail"])


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"detail": "x"}),
        (404, {"detail": "x"}),
        (401, {"detail": "x"}),
        (503, {"detail": "x"}),
        (400, None),
        (400, {"a": 1}),
    ],
)
def test_what_is_no_judgement_of_a_value_is_left_to_its_status(status: int, body: Any) -> None:
    assert PROVIDER.classify(Reply(status, body, httpx.Headers())) is None


# -- settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({}, "token"),
        ({"token": Secret("t"), "username": "u", "password": Secret("p")}, "token"),
        ({"username": "u"}, "password"),
        ({"password": Secret("p")}, "username"),
        ({"base_url": "scim.example/v2", "token": Secret("t")}, "base_url"),
        ({"token": Secret("t"), "discovery_seconds": -1.0}, "discovery_seconds"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_by_key(given: dict[str, Any], key: str) -> None:
    problem = PROVIDER.check(Settings(**{"base_url": BASE_URL, **given}))
    assert problem is not None
    assert problem[0] == key


def test_settings_reach_the_client_and_secrets_do_not_show() -> None:
    settings = Settings(
        base_url=BASE_URL,
        username="u",
        password=Secret("p4ss"),
        ca_bundle="ca.pem",
        client_cert="me.pem",
        proxy=Secret("http://u:p4ss@proxy.example:8080"),
        timeout_seconds=5.0,
    )
    assert PROVIDER.check(settings) is None
    endpoint = PROVIDER.endpoint(settings, FakeClock())
    options = endpoint.options
    assert isinstance(endpoint.auth, Basic)
    assert (options.ca_bundle, options.client_cert, options.timeout_seconds) == ("ca.pem", "me.pem", 5.0)
    assert options.proxy == "http://u:p4ss@proxy.example:8080"
    assert "p4ss" not in repr(settings) + repr(options)
    assert isinstance(PROVIDER.endpoint(SETTINGS, FakeClock()).auth, Bearer)


def test_without_discovery_the_core_types_are_declared() -> None:
    assert list(collections()) == ["User", "Group"]


def test_the_sandbox_says_how_to_connect_to_it() -> None:
    assert PROVIDER.simulation is not None
    simulation = PROVIDER.simulation(3)
    assert simulation.settings("http://127.0.0.1:8101")["base_url"] == "http://127.0.0.1:8101/v2"
    assert len(simulation.app.memory.resources) == 3 + 4
