"""Governance groups ("workgroups") as SCIM Groups; their members are identities, never groups."""

from typing import TYPE_CHECKING, Final

from scim_bridge.attributes import TIMESTAMP, Attribute, AttributeMap
from scim_bridge.codecs import INTEGER
from scim_bridge.providers.sailpoint_isc.common import (
    SMALL_PAGES,
    Api,
    comparing,
    id_rules,
    is_id,
    item,
    listed,
    text_rules,
)
from scim_bridge.providers.sailpoint_isc.group_writes import GroupWrites
from scim_bridge.query.capabilities import Collection, Element, Relation, RelationRead, Row
from scim_bridge.schemas import GROUP, Extension, Schema, SchemaAttribute, overridden

if TYPE_CHECKING:
    from scim_bridge.providers.sailpoint_isc import Settings

URN: Final = "urn:scim-bridge:schemas:1.0:sailpoint-isc:Group"
ATTRIBUTES: Final = (
    Attribute("id", "id", mutability="readOnly"),
    Attribute("meta.created", "created", TIMESTAMP, mutability="readOnly"),
    Attribute("meta.lastModified", "modified", TIMESTAMP, mutability="readOnly"),
    Attribute("displayName", "name"),
    Attribute(f"{URN}:description", "description"),
    Attribute(f"{URN}:owner.value", "owner.id"),
    Attribute(f"{URN}:owner.displayName", "owner.name", mutability="readOnly"),
    Attribute(f"{URN}:memberCount", "memberCount", INTEGER, mutability="readOnly"),
    Attribute(f"{URN}:connectionCount", "connectionCount", INTEGER, mutability="readOnly"),
)
OWNER: Final = SchemaAttribute(
    "owner",
    "complex",
    description="The user who answers for the group; it can be given to another, but not taken away",
    sub_attributes=(
        SchemaAttribute("value", "string", required=True, case_exact=True, description="The user's id"),
        SchemaAttribute("displayName", "string", mutability="readOnly", description="The user's name"),
    ),
)
EXTENSION: Final = Schema(
    URN,
    "GovernanceGroup",
    "What Identity Security Cloud knows of a governance group beyond the core schema",
    (
        SchemaAttribute("description", "string", description="What the group is for"),
        OWNER,
        SchemaAttribute(
            "memberCount", "integer", mutability="readOnly", returned="request", description="How many members it has"
        ),
        SchemaAttribute(
            "connectionCount", "integer", mutability="readOnly", returned="request", description="How often it is used"
        ),
    ),
)


def collection(settings: "Settings", api: Api) -> Collection:
    """The Groups of one connection."""
    table = AttributeMap(GROUP.extended(Extension(EXTENSION)), ATTRIBUTES, kept=frozenset({"members"}))
    rules = (
        *id_rules("id", comparing("id"), unique=True),
        *text_rules("displayName", "name", joins=False),
        *id_rules("members.value", comparing("memberships.identityId")),
    )
    return Collection(
        resource=overridden(table.resource, {"members.display": {"mutability": "readOnly", "returned": "request"}}),
        reads=(listed(api("workgroups"), "id", rules=rules, text_match=settings.native_text_match),),
        item=item(api("workgroups")),
        decode=table.decode,
        relations=(_members(api),),
        writes=GroupWrites(table, api, settings.group_owner_id).writes(),
        is_id=is_id,
        written=table.aligned,
        homeless=table.homeless,
        no_place=table.no_place,
    )


def member(row: Row) -> Element:
    return {"value": row["id"], "type": "User", "display": row.get("name")}


def _members(api: Api) -> Relation:
    read = listed(api("workgroups", "/{id}/members"), "name,created", pager=SMALL_PAGES, expression=None)
    return Relation("members", reads=(RelationRead(read, member),), references={"": "/Users"})
