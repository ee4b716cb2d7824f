"""The attribute table: paths to fields and back, what a schema says of it, what has no place."""

import logging
from typing import Any

import pytest

from scim_bridge.attributes import Attribute, AttributeMap, MappingError, expand, nested
from scim_bridge.codecs import BOOLEAN, DECIMAL, INTEGER, TEXT, TIMESTAMP, Codec, codec_of, utc_timestamp
from scim_bridge.schemas import ENTERPRISE_USER, GROUP, USER, Extension, Schema, SchemaAttribute
from tests.strategies import RICH_USER, TYPED

WORK = f"{ENTERPRISE_USER.id}:"
T = f"{TYPED.id}:"
PLAIN = (
    Attribute("id", "id", mutability="readOnly"),
    Attribute("meta.lastModified", "updated", TIMESTAMP, mutability="readOnly"),
    Attribute("userName", "login"),
    Attribute("displayName", "name.full"),
    Attribute("name.formatted", "name.full"),
    Attribute("name.familyName", "name.last"),
    Attribute("active", "enabled", BOOLEAN),
    Attribute("password", "secret", mutability="writeOnly"),
    Attribute("emails.work", "mail"),
    Attribute("phoneNumbers.work", "phone"),
    Attribute("phoneNumbers.mobile", "mobile"),
    Attribute("enterprise.department", "dept"),
    Attribute("userType", "kind", mutability="readOnly", canonical=("staff", "guest")),
)
TABLE = AttributeMap(USER, PLAIN)


# -- paths ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("emails.work", 'emails[type eq "work"].value'),
        ("Emails.Home", 'emails[type eq "Home"].value'),
        ("emails.value", "emails.value"),
        ("name.givenName", "name.givenName"),
        ("userName", "userName"),
        ("enterprise.department", f"{WORK}department"),
        ("enterprise.manager.value", f"{WORK}manager.value"),
        (f"{WORK}costCenter", f"{WORK}costCenter"),
        ('addresses[type eq "work"].region', 'addresses[type eq "work"].region'),
    ],
)
def test_short_forms_of_paths_stand_for_full_ones(short: str, full: str) -> None:
    assert expand(short, USER) == full


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("nobody", "not an attribute of User"),
        ("name.nobody", "not an attribute of User"),
        (ENTERPRISE_USER.id, "not an attribute of User"),
        ("emails.value", 'select one, as in emails[type eq "work"]'),
        ('name[type eq "work"].formatted', "no values of several types"),
        ('emails[type eq "work"].nobody', "not an attribute of User"),
    ],
)
def test_a_path_that_names_no_single_value_is_refused(path: str, told: str) -> None:
    with pytest.raises(MappingError, match=told.replace("[", r"\[")):
        AttributeMap(USER, [Attribute(path, "field")])


def test_a_slot_needs_an_attribute_whose_values_have_types() -> None:
    untyped = SchemaAttribute(
        "labels", "complex", multi_valued=True, sub_attributes=(SchemaAttribute("value", "string"),)
    )
    resource = USER.extended()
    base = Schema(USER.base.id, "User", "", (*USER.base.attributes, untyped))
    with pytest.raises(MappingError, match="no values of several types"):
        AttributeMap(type(resource)("User", "/Users", "", base), [Attribute("labels.work", "field")])


def test_paths_are_listed_as_filters_spell_them() -> None:
    assert ("emails.value", "mail") in TABLE.paths()
    assert (f"{WORK}department", "dept") in TABLE.paths()


# -- upstream to SCIM -------------------------------------------------------------------------------------------------


def test_a_record_reads_as_a_resource() -> None:
    row = {
        "id": "1",
        "updated": "2024-05-01T12:00:00.1239+02:00",
        "login": "bj",
        "name": {"full": "Barbara Jensen", "last": "Jensen"},
        "enabled": False,
        "mail": "bj@example.com",
        "phone": "1",
        "mobile": "2",
        "dept": "Sales",
        "unmapped": "x",
    }
    assert TABLE.decode(row) == {
        "schemas": [USER.base.id, ENTERPRISE_USER.id],
        "id": "1",
        "meta": {"lastModified": "2024-05-01T10:00:00.123Z", "resourceType": "User"},
        "userName": "bj",
        "displayName": "Barbara Jensen",
        "name": {"formatted": "Barbara Jensen", "familyName": "Jensen"},
        "active": False,
        "emails": [{"value": "bj@example.com", "type": "work", "primary": True}],
        "phoneNumbers": [{"value": "1", "type": "work"}, {"value": "2", "type": "mobile"}],
        ENTERPRISE_USER.id: {"department": "Sales"},
    }


def test_a_value_that_scim_cannot_show_is_left_out_with_a_warning_but_never_the_row(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        resource = TABLE.decode({"id": "1", "login": 7, "enabled": "yes", "updated": "yesterday", "name": "no object"})
    assert resource == {"schemas": [USER.base.id], "id": "1", "meta": {"resourceType": "User"}}
    assert [each.__dict__["attribute"] for each in caplog.records] == ["meta.lastModified", "userName", "active"]
    assert "yesterday" not in caplog.text


def test_an_empty_text_is_no_value_and_no_reason_for_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert "userName" not in TABLE.decode({"id": "1", "login": ""})
    assert not caplog.records


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00.000Z"),
        ("2024-05-01T10:00:00.123456-00:30", "2024-05-01T10:30:00.123Z"),
        ("2024-05-01T10:00:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("soon", None),
        (1714557600, None),
    ],
)
def test_instants_are_shown_in_utc(text: Any, shown: str | None) -> None:
    assert utc_timestamp(text) == shown


def test_an_attribute_that_several_slots_hold_has_no_value_of_its_own_that_is_primary() -> None:
    assert all("primary" not in each for each in TABLE.decode({"phone": "1"})["phoneNumbers"])


def test_an_attribute_without_primary_gets_none() -> None:
    typed = (SchemaAttribute("value", "string"), SchemaAttribute("type", "string"))
    labels = SchemaAttribute("labels", "complex", multi_valued=True, sub_attributes=typed)
    resource = type(USER)("User", "/Users", "", Schema("urn:x", "User", "", (labels,)))
    table = AttributeMap(resource, [Attribute("labels.red", "red")])
    assert table.decode({"red": "x"})["labels"] == [{"value": "x", "type": "red"}]


# -- SCIM to upstream -------------------------------------------------------------------------------------------------


def test_a_resource_is_written_as_dotted_fields() -> None:
    fields = TABLE.fields(
        {
            "id": "1",
            "userName": "bj",
            "displayName": "B J",
            "name": {"formatted": "other", "familyName": "J"},
            "active": True,
            "emails": [{"value": "home@example.com", "type": "home"}, {"value": "w@example.com", "type": "WORK"}],
            ENTERPRISE_USER.id: {"department": "Sales"},
            "userType": "staff",
        }
    )
    assert fields == {
        "login": "bj",
        "name.full": "B J",
        "name.last": "J",
        "enabled": True,
        "mail": "w@example.com",
        "dept": "Sales",
    }
    assert nested(fields)["name"] == {"full": "B J", "last": "J"}


def test_a_slot_of_something_else_is_no_value() -> None:
    assert TABLE.fields({"emails": "none", "name": "none"}) == {}
    assert TABLE.fields({"emails": [{"value": "x", "type": 7}]}) == {}


def test_only_what_differs_is_changed_and_what_is_gone_is_cleared() -> None:
    before = {"userName": "bj", "emails": [{"value": "a@example.com", "type": "work"}], "active": True}
    after = {"userName": "bj", "active": False, "password": "new"}
    assert TABLE.changed(before, after) == {"mail": None, "enabled": False, "secret": "new"}


def test_of_two_paths_to_one_field_the_one_that_changed_counts() -> None:
    before = {"displayName": "old", "name": {"formatted": "old"}}
    assert TABLE.changed(before, {"displayName": "old", "name": {"formatted": "new"}}) == {"name.full": "new"}
    assert TABLE.changed(before, {"displayName": "one", "name": {"formatted": "two"}}) == {"name.full": "one"}


def test_a_codec_writes_too() -> None:
    table = AttributeMap(USER, [Attribute("active", "status", Codec(lambda raw: raw == 1, lambda value: int(value)))])
    assert table.fields({"active": True}) == {"status": 1}
    assert table.changed({"active": True}, {"active": False}) == {"status": 0}
    assert table.decode({"status": 2})["active"] is False


def test_a_written_body_takes_the_form_in_which_it_is_read_back() -> None:
    body = {"displayName": "B J", "emails": [{"value": "any@example.com"}], "phoneNumbers": [{"value": "1"}]}
    assert TABLE.aligned(body) == {
        "displayName": "B J",
        "name": {"formatted": "B J"},
        "emails": [{"value": "any@example.com", "type": "work", "primary": True}],
        "phoneNumbers": [{"value": "1", "type": "work"}],
    }


def test_an_only_slot_takes_what_a_client_calls_otherwise_and_says_so() -> None:
    body = {"emails": [{"value": "h@example.com", "type": "home"}], "phoneNumbers": [{"value": "1", "type": "fax"}]}
    assert TABLE.aligned(body) == {"emails": [{"value": "h@example.com", "type": "work", "primary": True}]}
    assert TABLE.homeless(body) == ["emails[0].type", "phoneNumbers[0]"]


def test_aligning_leaves_the_body_as_it_was() -> None:
    body: dict[str, Any] = {"displayName": "B J", "name": {"familyName": "J"}}
    assert TABLE.aligned(body)["name"] == {"familyName": "J", "formatted": "B J"}
    assert body == {"displayName": "B J", "name": {"familyName": "J"}}


def test_of_paths_that_share_a_field_the_one_that_a_patch_changed_counts() -> None:
    before = {"displayName": "old", "name": {"formatted": "old", "familyName": "J"}}
    one = TABLE.aligned({"displayName": "new", "name": {"formatted": "old", "familyName": "J"}}, before)
    other = TABLE.aligned({"displayName": "old", "name": {"formatted": "new", "familyName": "J"}}, before)
    assert one == other == {"displayName": "new", "name": {"formatted": "new", "familyName": "J"}}
    assert TABLE.aligned(before, before) == before


def test_a_path_that_cannot_be_written_has_no_say_in_the_field_it_shares() -> None:
    """A PUT that leaves out a title keeps an extension that it does not name, where the old title is shown too."""
    shared = Attribute("nickName", "title", mutability="readOnly"), Attribute("title", "title")
    table = AttributeMap(USER, shared)
    assert table.fields(table.aligned({"nickName": "Old"})) == {}
    assert table.aligned({"nickName": "Old", "title": "New"}) == {"nickName": "New", "title": "New"}
    assert table.fields({"nickName": "Old", "title": "New"}) == {"title": "New"}


def test_either_of_two_paths_that_share_a_field_can_be_removed() -> None:
    before = {"displayName": "old", "name": {"formatted": "old"}, "emails": [{"value": "x", "type": "work"}]}
    assert TABLE.aligned({"name": {"formatted": "old"}}, before) == {}
    assert TABLE.aligned({"displayName": "old"}, before) == {}


def test_of_several_values_the_primary_one_takes_the_slot() -> None:
    emails = [{"value": "a", "type": "work"}, {"value": "b", "type": "work", "primary": True}]
    assert TABLE.aligned({"emails": emails})["emails"] == [{"value": "b", "type": "work", "primary": True}]
    assert TABLE.homeless({"emails": emails}) == ["emails[0]"]


def test_what_the_upstream_has_no_place_for_is_named() -> None:
    body = {
        "userName": "bj",
        "title": "Dr",
        "nickName": "",
        "externalId": "x",
        "name": {"familyName": "J", "middleName": "M"},
        "addresses": [{"region": "CA"}],
        "emails": [{"value": "h", "type": "home"}],
        "ims": [],
        "groups": [{"value": "g"}],
        "phoneNumbers": None,
        "userType": "staff",
        ENTERPRISE_USER.id: {"department": "Sales", "division": "West", "manager": {"value": "m"}},
    }
    assert TABLE.homeless(body) == [
        "emails[0].type",
        "externalId",
        "name.middleName",
        "title",
        "userType",
        "addresses",
        f"{WORK}division",
        f"{WORK}manager",
    ]


def test_what_other_means_hold_has_its_place() -> None:
    table = AttributeMap(GROUP, [Attribute("displayName", "name")], kept=frozenset({"members"}))
    assert table.homeless({"displayName": "x", "members": [{"value": "u"}]}) == []
    assert table.no_place == {"externalId"}
    members = table.resource.base.attribute("members")
    assert members is not None and members.mutability == "readWrite"


# -- the connection's own mapping -------------------------------------------------------------------------------------


def test_the_setting_adds_to_the_table_and_replaces_in_it() -> None:
    table = AttributeMap(USER, PLAIN, {"USERNAME": "alias", "enterprise.costCenter": "cost"})
    assert table.decode({"login": "x", "alias": "y", "cost": "7"})["userName"] == "y"
    assert table.fields({"userName": "y", ENTERPRISE_USER.id: {"costCenter": "7"}}) == {"alias": "y", "cost": "7"}


def test_the_setting_cannot_make_writable_what_the_schema_says_is_not() -> None:
    table = AttributeMap(USER, PLAIN, {"meta.lastModified": "changed"})
    assert table.decode({"changed": "2024-05-01T10:00:00Z"})["meta"]["lastModified"] == "2024-05-01T10:00:00.000Z"
    assert table.fields({"meta": {"lastModified": "2024-05-01T10:00:00Z"}}) == {}


def test_the_setting_reads_values_by_the_type_of_the_attribute() -> None:
    extra = {f"{T}{name}": name for name in ("count", "ratio", "seen", "codes", "numbers")} | {"active": "on"}
    table = AttributeMap(RICH_USER, (), extra)
    row = {"on": True, "count": 3, "ratio": 0.5, "seen": "2024-05-01T10:00:00Z", "codes": ["a", 1, "b"], "numbers": 4}
    resource = table.decode(row)
    assert resource["active"] is True
    assert resource[TYPED.id] == {
        "count": 3,
        "ratio": 0.5,
        "seen": "2024-05-01T10:00:00.000Z",
        "codes": ["a", "b"],
        "numbers": [4],
    }
    assert TYPED.id not in table.decode({"count": True, "ratio": False, "codes": [], "numbers": ["x"]})


def test_the_setting_maps_parts_not_wholes() -> None:
    with pytest.raises(MappingError, match=r"name has parts: map those, as in name\.formatted"):
        AttributeMap(USER, (), {"name": "full"})


@pytest.mark.parametrize(
    ("type_name", "codec"),
    [("string", TEXT), ("boolean", BOOLEAN), ("integer", INTEGER), ("decimal", DECIMAL), ("dateTime", TIMESTAMP)],
)
def test_each_type_has_its_codec(type_name: str, codec: Codec) -> None:
    assert codec_of(SchemaAttribute("x", type_name)) is codec


# -- the effective schema ---------------------------------------------------------------------------------------------


def characteristics(path: str) -> tuple[str, str, tuple[str, ...]]:
    found = TABLE.resource.resolve(path)
    assert found is not None
    return found.target.mutability, found.target.returned, found.target.canonical_values


def test_the_schema_says_what_can_be_written() -> None:
    assert characteristics("userName")[0] == "readWrite"
    assert characteristics("password")[0] == "writeOnly"
    assert characteristics("userType") == ("readOnly", "default", ("staff", "guest"))
    assert characteristics("title")[0] == "readOnly"
    assert characteristics("name")[0] == "readWrite"
    assert characteristics("name.familyName")[0] == "readWrite"
    assert characteristics("name.middleName")[0] == "readOnly"
    assert characteristics("addresses")[0] == "readOnly"
    assert characteristics("groups")[0] == "readOnly"
    assert characteristics(f"{WORK}department")[0] == "readWrite"
    assert characteristics(f"{WORK}division")[0] == "readOnly"


def test_slots_that_cannot_be_written_are_read_only_whole() -> None:
    table = AttributeMap(USER, [Attribute("emails.work", "mail", mutability="readOnly")])
    for path in ("emails", "emails.type", "emails.value"):
        found = table.resource.resolve(path)
        assert found is not None and found.target.mutability == "readOnly"
    assert "emails" in table.no_place


def test_slots_are_told_by_the_types_they_take() -> None:
    assert characteristics("emails")[0] == "readWrite"
    assert characteristics("emails.value")[0] == "readWrite"
    assert characteristics("emails.type")[2] == ("work",)
    assert characteristics("phoneNumbers.type")[2] == ("work", "mobile")
    assert characteristics("emails.primary")[:2] == ("readOnly", "request")


def test_a_whole_attribute_may_have_a_codec_of_its_own() -> None:
    roles = Codec(
        lambda raw: [{"value": each} for each in raw] or None, lambda value: [each["value"] for each in value]
    )
    table = AttributeMap(USER, [Attribute("roles", "roles", roles)])
    assert table.decode({"roles": ["a"]})["roles"] == [{"value": "a"}]
    assert table.fields({"roles": [{"value": "a"}]}) == {"roles": ["a"]}
    mapped = table.resource.base.attribute("roles")
    assert mapped is not None and mapped.mutability == "readWrite"
    assert table.homeless({"roles": [{"value": "a"}]}) == []


def test_an_unmapped_extension_is_wholly_without_a_place() -> None:
    table = AttributeMap(USER.extended(Extension(TYPED)), [Attribute("userName", "login")])
    assert table.homeless({TYPED.id: {"count": 1, "record": {"label": "x"}}}) == [f"{T}count", f"{T}record"]
