"""Schemas: names resolved, core definitions, what is published and what is read from others."""

import logging
from typing import Any

import pytest
from scim2_models import ResourceType, ScimProvider
from scim2_models import Schema as PublishedSchema

from scim_bridge.schemas import (
    ENTERPRISE_USER,
    GROUP,
    USER,
    Changes,
    Extension,
    ResourceSchema,
    Schema,
    SchemaAttribute,
    overridden,
    override,
)
from tests.strategies import RICH_USER, TYPED

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("userName", "userName"),
        ("USERNAME", "userName"),
        ("Name.GIVENname", "name.givenName"),
        ("groups.$REF", "groups.$ref"),
        ("x509certificates.value", "x509Certificates.value"),
        ("id", "id"),
        ("SCHEMAS", "schemas"),
        ("externalid", "externalId"),
        ("meta", "meta"),
        ("Meta.LASTMODIFIED", "meta.lastModified"),
        (f"{CORE}:userName", "userName"),
        (f"{CORE.upper()}:name.familyname", "name.familyName"),
        (f"{CORE}:meta.created", "meta.created"),
        (f"{ENTERPRISE}:department", f"{ENTERPRISE}:department"),
        (f"{ENTERPRISE.lower()}:MANAGER.$Ref", f"{ENTERPRISE}:manager.$ref"),
        (ENTERPRISE, ENTERPRISE),
        (ENTERPRISE.upper(), ENTERPRISE),
    ],
)
def test_a_name_resolves_in_any_case_and_is_spelled_canonically(path: str, canonical: str) -> None:
    resolved = USER.resolve(path)
    assert resolved is not None
    assert resolved.canonical == canonical
    assert resolved.whole_extension is (canonical == ENTERPRISE)


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "unknown",
        "userName.",
        "userName.sub",
        "name.unknown",
        "name.givenName.x",
        "department",
        " userName",
        CORE,
        f"{CORE}:",
        f"{CORE}:department",
        f"{ENTERPRISE}:userName",
        f"{ENTERPRISE}:id",
        "urn:example:other:userName",
        'emails[type eq "work"].value',
    ],
)
def test_what_names_nothing_resolves_to_none(path: str) -> None:
    assert USER.resolve(path) is None


def test_a_path_says_what_it_names() -> None:
    resolved = USER.resolve(f"{ENTERPRISE}:manager.value")
    assert resolved is not None
    assert resolved.extension == ENTERPRISE
    assert resolved.attribute.name == "manager"
    assert resolved.target is resolved.sub
    assert resolved.target.name == "value"
    assert resolved.keys == (ENTERPRISE, "manager")


BARBARA: dict[str, Any] = {
    "userName": "barbara",
    "name": {"givenName": "Barbara"},
    "emails": [{"value": "a", "type": "work"}, {"value": "b"}],
    "meta": {"created": "2024-01-01T00:00:00Z"},
    ENTERPRISE: {"manager": {"value": "m1"}},
    TYPED.id: {"entries": [{"tags": ["x", "y"]}, {"tags": ["z"]}, {}], "codes": ["c"]},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("userName", "barbara"),
        ("title", None),
        ("name", {"givenName": "Barbara"}),
        ("name.givenName", "Barbara"),
        ("name.familyName", None),
        ("emails", BARBARA["emails"]),
        ("emails.value", ["a", "b"]),
        ("emails.type", ["work"]),
        ("phoneNumbers.value", None),
        ("meta.created", "2024-01-01T00:00:00Z"),
        (f"{ENTERPRISE}:manager.value", "m1"),
        (f"{ENTERPRISE}:department", None),
        (ENTERPRISE, {"manager": {"value": "m1"}}),
        (f"{TYPED.id}:codes", ["c"]),
        (f"{TYPED.id}:entries.tags", ["x", "y", "z"]),
    ],
)
def test_a_path_reads_the_raw_value(path: str, value: Any) -> None:
    resolved = RICH_USER.resolve(path)
    assert resolved is not None
    assert resolved.read(BARBARA) == value


@pytest.mark.parametrize("row", [{}, {"name": None}, {"name": "Barbara"}, {ENTERPRISE: None, "name": []}], ids=str)
def test_a_path_reads_nothing_where_nothing_is(row: dict[str, Any]) -> None:
    for path in ("name.givenName", f"{ENTERPRISE}:manager.value"):
        resolved = USER.resolve(path)
        assert resolved is not None
        assert not resolved.read(row)


# -- the core definitions ---------------------------------------------------------------------------------------------


def characteristic(resource: ResourceSchema, path: str, name: str) -> Any:
    resolved = resource.resolve(path)
    assert resolved is not None
    return getattr(resolved.target, name)


@pytest.mark.parametrize(
    ("resource", "path", "name", "value"),
    [
        (GROUP, "displayName", "required", True),  # erratum 5368
        (USER, "x509Certificates.value", "type", "binary"),  # errata 5606, 8435
        (GROUP, "members.$ref", "reference_types", ("User", "Group")),  # erratum 5607
        (USER, "groups.$ref", "reference_types", ("Group",)),  # erratum 8471
        (USER, f"{ENTERPRISE}:manager.value", "case_exact", True),  # erratum 8472
        (GROUP, "members.display", "type", "string"),  # erratum 6011
        (USER, "profileUrl", "case_exact", True),  # erratum 6001
        (USER, "groups.value", "case_exact", True),
        (GROUP, "members.value", "case_exact", True),
        (GROUP, "members.value", "mutability", "immutable"),
        (USER, "userName", "uniqueness", "server"),
        (USER, "userName", "required", True),
        (USER, "userName", "case_exact", False),
        (USER, "id", "case_exact", True),
        (USER, "id", "returned", "always"),
        (USER, "externalId", "case_exact", True),
        (USER, "meta.lastModified", "mutability", "readOnly"),
        (USER, "password", "mutability", "writeOnly"),
        (USER, "password", "returned", "never"),
        (USER, "groups", "mutability", "readOnly"),
        (USER, "emails.type", "canonical_values", ("work", "home", "other")),
        (USER, f"{ENTERPRISE}:manager.displayName", "mutability", "readOnly"),
        (USER, f"{ENTERPRISE}:manager.$ref", "required", False),
    ],
)
def test_core_characteristics_follow_the_rfc_and_its_errata(
    resource: ResourceSchema, path: str, name: str, value: Any
) -> None:
    assert characteristic(resource, path, name) == value


def test_users_and_groups_are_where_the_rfc_puts_them() -> None:
    assert (USER.name, USER.endpoint, [each.id for each in USER.schemas]) == ("User", "/Users", [CORE, ENTERPRISE])
    assert (GROUP.name, GROUP.endpoint, GROUP.extensions) == ("Group", "/Groups", ())
    assert USER.extensions == (Extension(ENTERPRISE_USER, required=False),)


def every_attribute(schema: Schema) -> list[SchemaAttribute]:
    return [one for each in schema.attributes for one in (each, *each.sub_attributes)]


@pytest.mark.parametrize("schema", [*USER.schemas, *GROUP.schemas], ids=lambda each: each.name)
def test_every_core_attribute_is_described_and_no_sub_attribute_is_complex(schema: Schema) -> None:
    assert all(each.description for each in every_attribute(schema))
    assert not any(sub.type == "complex" for each in schema.attributes for sub in each.sub_attributes)
    assert all(bool(each.sub_attributes) == (each.type == "complex") for each in schema.attributes)


# -- publishing -------------------------------------------------------------------------------------------------------


def test_a_schema_is_published_with_the_characteristics_its_types_have() -> None:
    schema = Schema(
        "urn:example:Box",
        "Box",
        "",
        (
            SchemaAttribute("size", "integer", required=True),
            SchemaAttribute("kind", "string", canonical_values=("a", "b"), description="What it is"),
            SchemaAttribute(
                "owner", "complex", sub_attributes=(SchemaAttribute("$ref", "reference", case_exact=True),)
            ),
            SchemaAttribute("link", "reference", multi_valued=True, reference_types=("uri", "Box")),
        ),
    )
    plain = {"multiValued": False, "required": False, "mutability": "readWrite", "returned": "default"}
    assert schema.to_json() == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": "urn:example:Box",
        "name": "Box",
        "attributes": [
            {**plain, "name": "size", "type": "integer", "required": True, "uniqueness": "none"},
            {
                **plain,
                "name": "kind",
                "type": "string",
                "description": "What it is",
                "canonicalValues": ["a", "b"],
                "caseExact": False,
                "uniqueness": "none",
            },
            {
                **plain,
                "name": "owner",
                "type": "complex",
                "subAttributes": [
                    {**plain, "name": "$ref", "type": "reference", "caseExact": True, "uniqueness": "none"}
                ],
            },
            {
                **plain,
                "name": "link",
                "type": "reference",
                "multiValued": True,
                "caseExact": False,
                "uniqueness": "none",
                "referenceTypes": ["uri", "Box"],
            },
        ],
    }


def test_a_resource_type_is_published_with_its_extensions() -> None:
    assert USER.resource_type_json() == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": "User",
        "name": "User",
        "description": USER.description,
        "endpoint": "/Users",
        "schema": CORE,
        "schemaExtensions": [{"schema": ENTERPRISE, "required": False}],
    }
    assert "schemaExtensions" not in GROUP.resource_type_json()


def test_scim2_models_builds_equal_models_from_what_is_published() -> None:
    provider = ScimProvider.from_discovery(
        [PublishedSchema.model_validate(each.to_json()) for each in (*RICH_USER.schemas, *GROUP.schemas)],
        [ResourceType.model_validate(each.resource_type_json()) for each in (RICH_USER, GROUP)],
    )
    republished = {str(each.id): Schema.from_json(each.model_dump()) for each in provider.schemas}
    for schema in (*RICH_USER.schemas, *GROUP.schemas):
        built = {each.name: each for each in republished[schema.id].attributes}
        assert set(built) == {each.name for each in schema.attributes}
        for attribute in schema.attributes:
            assert {(each.name, each.type, each.case_exact, each.multi_valued, each.mutability)
                    for each in built[attribute.name].sub_attributes} == {
                (each.name, each.type, each.case_exact, each.multi_valued, each.mutability)
                for each in attribute.sub_attributes
            }  # fmt: skip
    user = provider.model_for("User")
    assert user is not None
    body = {"schemas": [CORE], "userName": "joe@corp", "emails": [{"value": "joe@corp", "type": "work"}]}
    assert user.model_validate(body).model_dump() == body


# -- reading what others publish --------------------------------------------------------------------------------------


@pytest.mark.parametrize("resource", [USER, GROUP, RICH_USER], ids=lambda each: f"{each.name} {len(each.schemas)}")
def test_what_is_published_reads_back_equal(resource: ResourceSchema) -> None:
    schemas = {each.id: Schema.from_json(each.to_json()) for each in resource.schemas}
    assert ResourceSchema.from_discovery(resource.resource_type_json(), schemas) == resource


def test_missing_characteristics_become_the_defaults_of_the_rfc() -> None:
    schema = Schema.from_json(
        {"id": "urn:example:Box", "attributes": [{"name": "a"}, {"name": "r", "type": "reference"}]}
    )
    assert schema.name == "Box"
    assert schema.attributes == (SchemaAttribute("a", "string"), SchemaAttribute("r", "reference", case_exact=True))


def test_keywords_and_member_names_are_read_in_any_case() -> None:
    read = SchemaAttribute.from_json(
        {"Name": "seen", "TYPE": "datetime", "multivalued": True, "Mutability": "READONLY", "returned": None}
    )
    assert read == SchemaAttribute("seen", "dateTime", multi_valued=True, mutability="readOnly")


def test_an_explicit_case_rule_of_a_reference_is_kept() -> None:
    assert not SchemaAttribute.from_json({"name": "r", "type": "reference", "caseExact": False}).case_exact


def test_what_is_unknown_is_read_as_a_default_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    published = {"name": "a", "type": "map", "mutability": "sometimes"}
    with caplog.at_level(logging.WARNING, "scim_bridge.schemas"):
        assert SchemaAttribute.from_json(published) == SchemaAttribute("a", "string")
    assert [each.getMessage() for each in caplog.records] == [
        "'map' is no known type: taken as 'string'",
        "'sometimes' is no known mutability: taken as 'readWrite'",
    ]


@pytest.mark.parametrize(
    ("attributes", "kept", "warning"),
    [
        ([{"type": "string"}, {"name": "a"}], ["a"], "without a name"),
        ([{"name": "a"}, {"name": "A", "type": "integer"}], ["a"], "declared twice"),
    ],
)
def test_attributes_that_cannot_be_told_apart_are_left_out_with_a_warning(
    attributes: list[dict[str, Any]], kept: list[str], warning: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "scim_bridge.schemas"):
        schema = Schema.from_json({"id": "urn:example:Box", "attributes": attributes})
    assert [each.name for each in schema.attributes] == kept
    assert warning in caplog.text


def test_a_complex_sub_attribute_is_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    subs = [{"name": "deep", "type": "complex", "subAttributes": [{"name": "x"}]}, {"name": "flat"}]
    with caplog.at_level(logging.WARNING, "scim_bridge.schemas"):
        read = SchemaAttribute.from_json({"name": "a", "type": "complex", "subAttributes": subs})
    assert [each.name for each in read.sub_attributes] == ["flat"]
    assert "complex sub-attribute" in caplog.text


def test_common_attributes_in_a_published_schema_do_not_replace_the_common_ones() -> None:
    base = Schema.from_json(
        {"id": "urn:example:Box", "attributes": [{"name": "ID"}, {"name": "meta"}, {"name": "size"}]}
    )
    box = ResourceSchema.from_discovery(
        {"name": "Box", "endpoint": "Boxes/", "schema": "URN:example:box"}, {base.id: base}
    )
    assert box.endpoint == "/Boxes"
    assert [each.name for each in box.base.attributes] == ["size"]
    assert characteristic(box, "id", "case_exact")
    assert box.resolve("meta.created") is not None


def test_an_extension_that_is_not_published_is_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    published = {**USER.resource_type_json(), "schemaExtensions": [{"schema": "urn:x"}, {"schema": ENTERPRISE}]}
    with caplog.at_level(logging.WARNING, "scim_bridge.schemas"):
        user = ResourceSchema.from_discovery(published, {each.id: each for each in USER.schemas})
    assert user == USER
    assert "urn:x" in caplog.text


@pytest.mark.parametrize("missing", ["schema", "endpoint"])
def test_a_resource_type_without_schema_or_endpoint_is_an_error(missing: str) -> None:
    published = {name: value for name, value in USER.resource_type_json().items() if name != missing}
    with pytest.raises(ValueError, match="'User'"):
        ResourceSchema.from_discovery(published, {each.id: each for each in USER.schemas})


# -- changing characteristics -----------------------------------------------------------------------------------------


def test_a_copy_with_changed_characteristics_leaves_the_original() -> None:
    changes: Changes = {
        "emails.PRIMARY": {"mutability": "readOnly"},
        "title": {"returned": "request", "required": True},
    }
    changed = override(USER.base, changes)
    primary, title = changed.attribute("emails"), changed.attribute("title")
    assert primary is not None and title is not None
    assert [each.mutability for each in primary.sub_attributes] == ["readWrite", "readWrite", "readWrite", "readOnly"]
    assert (title.returned, title.required) == ("request", True)
    assert [each.name for each in changed.attributes] == [each.name for each in USER.base.attributes]
    assert characteristic(USER, "emails.primary", "mutability") == "readWrite"


def test_both_parts_of_one_attribute_can_change() -> None:
    changed = override(GROUP.base, {"members.type": {"returned": "request"}, "members": {"returned": "request"}})
    members = changed.attribute("members")
    assert members is not None
    assert [members.returned, *(each.returned for each in members.sub_attributes)] == [
        "request", "default", "default", "request", "default",
    ]  # fmt: skip


def test_a_resource_type_is_changed_in_its_base_and_its_extensions() -> None:
    changed = overridden(
        USER, {"USERNAME": {"mutability": "immutable"}, f"{ENTERPRISE}:manager.value": {"canonical_values": ("m1",)}}
    )
    assert characteristic(changed, "userName", "mutability") == "immutable"
    assert characteristic(changed, f"{ENTERPRISE}:manager.value", "canonical_values") == ("m1",)
    assert [each.id for each in changed.schemas] == [CORE, ENTERPRISE]


@pytest.mark.parametrize("path", ["unknown", "id", ENTERPRISE, f"{ENTERPRISE}:unknown"])
def test_only_attributes_of_a_schema_can_be_changed(path: str) -> None:
    with pytest.raises(ValueError, match="has no attribute"):
        overridden(USER, {path: {"required": True}})


def test_a_resource_type_takes_more_extensions() -> None:
    assert [each.id for each in GROUP.extended(Extension(TYPED, required=True)).schemas] == [GROUP.base.id, TYPED.id]
    assert GROUP.extensions == ()
