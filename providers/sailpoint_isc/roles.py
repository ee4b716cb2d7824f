"""Roles of Identity Security Cloud as SCIM Roles; read only, as writing them assigns access by rules."""

from typing import TYPE_CHECKING, Final

from scim_bridge.attributes import BOOLEAN, TIMESTAMP, Attribute, AttributeMap
from scim_bridge.providers.sailpoint_isc.common import (
    SMALL_PAGES,
    Api,
    comparing,
    id_rules,
    is_id,
    item,
    listed,
    moment_rules,
    text_rules,
)
from scim_bridge.query.capabilities import Collection, Resource, Row, Rule, Text, ops
from scim_bridge.schemas import ROLE, ROLE_DETAILS, Extension, Schema, SchemaAttribute

if TYPE_CHECKING:
    from scim_bridge.providers.sailpoint_isc import Settings

KIND: Final = "Role"
"""The type of every role: access profiles and entitlements are not shown as roles."""
ATTRIBUTES: Final = (
    Attribute("id", "id", mutability="readOnly"),
    Attribute("meta.created", "created", TIMESTAMP, mutability="readOnly"),
    Attribute("meta.lastModified", "modified", TIMESTAMP, mutability="readOnly"),
    Attribute("displayName", "name", mutability="readOnly"),
    Attribute("type", "type", mutability="readOnly"),
    Attribute("description", "description", mutability="readOnly"),
    Attribute(f"{ROLE_DETAILS}:enabled", "enabled", BOOLEAN, mutability="readOnly"),
    Attribute(f"{ROLE_DETAILS}:requestable", "requestable", BOOLEAN, mutability="readOnly"),
    Attribute(f"{ROLE_DETAILS}:owner.value", "owner.id", mutability="readOnly"),
    Attribute(f"{ROLE_DETAILS}:owner.displayName", "owner.name", mutability="readOnly"),
)
EXTENSION: Final = Schema(
    ROLE_DETAILS,
    "RoleDetails",
    "What else is known of a role",
    (
        SchemaAttribute("enabled", "boolean", mutability="readOnly", description="Whether it is in use"),
        SchemaAttribute("requestable", "boolean", mutability="readOnly", description="Whether people may ask for it"),
        SchemaAttribute(
            "owner",
            "complex",
            mutability="readOnly",
            description="The user who answers for it",
            sub_attributes=(
                SchemaAttribute("value", "string", case_exact=True, mutability="readOnly", description="The user's id"),
                SchemaAttribute("displayName", "string", mutability="readOnly", description="The user's name"),
            ),
        ),
    ),
)


def collection(settings: "Settings", api: Api) -> Collection:
    """The Roles of one connection."""
    table = AttributeMap(ROLE.extended(Extension(EXTENSION)), ATTRIBUTES)

    def decode(row: Row) -> Resource:
        return table.decode({**row, "type": KIND})

    rules = (
        *id_rules("id", comparing("id"), unique=True),
        *text_rules("displayName", "name", joins=False),
        *id_rules(f"{ROLE_DETAILS}:owner.value", comparing("owner.id")),
        Rule(f"{ROLE_DETAILS}:requestable", ops("eq"), _requestable, folds=False),
        *moment_rules("meta.created", "created", "gt ge le"),
        *moment_rules("meta.lastModified", "modified", "lt ge le"),
    )
    return Collection(
        resource=table.resource,
        reads=(
            listed(api("roles"), "name,created", pager=SMALL_PAGES, rules=rules, text_match=settings.native_text_match),
        ),
        item=item(api("roles")),
        decode=decode,
        is_id=is_id,
    )


def _requestable(operator: str, value: object) -> Text:
    return Text(f"requestable eq {str(value).lower()}")
