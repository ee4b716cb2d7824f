"""Roles of NERM, twice: as Groups with the portal users who have them, and as Roles.

Portal users are not people of the connection, so members refer to nothing here: a member is the id of a portal user,
without `type` and `$ref`. Nor is there a `display`, as pairings tell no names, and looking each up takes a request.
"""

from dataclasses import replace
from typing import Any, Final

from scim_bridge.attributes import Attribute, AttributeMap
from scim_bridge.providers.sailpoint_nerm.common import is_id, item, listed
from scim_bridge.query.capabilities import (
    NOTHING,
    Collection,
    Element,
    Referral,
    Relation,
    RelationRead,
    Rendered,
    Resource,
    Row,
    Rule,
    ops,
)
from scim_bridge.schemas import (
    GROUP,
    ROLE,
    ROLE_DETAILS,
    Extension,
    ResourceSchema,
    Schema,
    SchemaAttribute,
    overridden,
)

URN: Final = "urn:scim-bridge:schemas:1.0:sailpoint-nerm:Group"
DETAILS: Final = (
    SchemaAttribute(
        "directoryGroups",
        "string",
        multi_valued=True,
        mutability="readOnly",
        description="The groups of a directory or identity provider that bring the role",
    ),
    SchemaAttribute("uid", "string", mutability="readOnly", case_exact=True, description="The role's uid"),
)
ORDERED: Final = {"order": "name"}


def groups() -> Collection:
    """Roles as Groups; read only."""
    value = SchemaAttribute("value", "string", mutability="readOnly", case_exact=True, description="A portal user's id")
    members = {"mutability": "readOnly", "sub_attributes": (value,), "description": "The portal users with the role"}
    found = _roles(GROUP, Schema(URN, "NermGroup", "What NERM knows of a role beyond the core schema", DETAILS))
    resource = overridden(found.resource, {"members": members})
    return replace(found, resource=resource, relations=(MEMBERS,), reads=(*found.reads, OF_MEMBER))


def roles() -> Collection:
    """Roles as Roles; read only."""
    return _roles(ROLE, Schema(ROLE_DETAILS, "RoleDetails", "What else is known of a role", DETAILS))


def _roles(kind: ResourceSchema, details: Schema) -> Collection:
    urn = details.id
    table = AttributeMap(
        kind.extended(Extension(details)),
        [
            Attribute("id", "id", mutability="readOnly"),
            Attribute("displayName", "name", mutability="readOnly"),
            Attribute(f"{urn}:uid", "uid", mutability="readOnly"),
        ],
    )

    def decode(row: Row) -> Resource:
        found = table.decode(row)
        named = row.get("groups")
        texts = [each for each in named if isinstance(each, str) and each] if isinstance(named, list) else []
        if texts:
            found.setdefault(urn, {})["directoryGroups"] = texts
            found["schemas"] = list(dict.fromkeys([*found["schemas"], urn]))
        return found

    return Collection(
        resource=table.resource,
        reads=(listed("roles", ORDERED),),
        item=item("roles", "role"),
        decode=decode,
        is_id=is_id,
        no_place=table.no_place,
    )


def _member(row: Row) -> Element:
    return {"value": row["user_id"]}


def _filling(operator: str, value: Any) -> Rendered:
    return {"{member}": value} if isinstance(value, str) and is_id(value) else NOTHING


OF_MEMBER: Final = replace(
    listed("user_roles?user_id={member}", {}),
    rows="user_roles",
    rules=(Rule("members.value", ops("eq"), _filling, folds=False),),
    refers=Referral(ids=lambda row: [row["role_id"]]),
)
"""The roles of a portal user: pairings, which name the role."""
MEMBERS: Final = Relation(
    "members", reads=(RelationRead(listed("user_roles", {"role_id": "{id}"}), _member),), references={}
)
