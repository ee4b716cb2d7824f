"""PingOne groups as SCIM Groups: the attribute table, what can be filtered, and the direct members."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from scim_bridge.attributes import TIMESTAMP, Attribute, AttributeMap
from scim_bridge.providers.pingone.common import (
    GROUP_PAGES,
    OTHER_PAGES,
    USER_PAGES,
    Scope,
    Terms,
    comparing,
    display_name,
    filling,
    id_rule,
    is_id,
    item,
)
from scim_bridge.providers.pingone.group_writes import GroupWrites
from scim_bridge.query.capabilities import (
    AccessPath,
    Collection,
    Element,
    Relation,
    RelationRead,
    Row,
    Rule,
    ops,
)
from scim_bridge.query.pagers import dig
from scim_bridge.schemas import GROUP, Extension, Schema, SchemaAttribute, overridden
from scim_bridge.upstream.errors import BadAnswer

if TYPE_CHECKING:
    from scim_bridge.providers.pingone import Settings

URN: Final = "urn:scim-bridge:schemas:1.0:pingone:Group"
DIRECT_MEMBERS: Final = 'memberOfGroups[id eq "{id}" and type eq "DIRECT"]'

ATTRIBUTES: Final = (
    Attribute("id", "id", mutability="readOnly"),
    Attribute("externalId", "externalId"),
    Attribute("meta.created", "createdAt", TIMESTAMP, mutability="readOnly"),
    Attribute("meta.lastModified", "updatedAt", TIMESTAMP, mutability="readOnly"),
    Attribute("displayName", "name"),
    Attribute(f"{URN}:description", "description"),
    Attribute(f"{URN}:populationId", "population.id", mutability="readOnly"),
    Attribute(f"{URN}:userFilter", "userFilter", mutability="readOnly"),
    Attribute(f"{URN}:sourceType", "sourceType", mutability="readOnly"),
)
"""The published schema of groups has no createdAt and updatedAt, but responses do; without them meta has neither."""


def _shown(name: str, description: str, *, case_exact: bool = False) -> SchemaAttribute:
    """What clients cannot write is shown on request, so that the extension reads back as it was written."""
    return SchemaAttribute(
        name, "string", mutability="readOnly", returned="request", case_exact=case_exact, description=description
    )


EXTENSION: Final = Schema(
    URN,
    "PingOneGroup",
    "What PingOne knows of a group beyond the core schema",
    (
        SchemaAttribute("description", "string", description="What the group is for"),
        _shown("populationId", "The population of a population-level group; set when it is made", case_exact=True),
        _shown("userFilter", "The filter, in PingOne's own words, that makes users members of a dynamic group"),
        _shown("sourceType", "Where an external group comes from: GATEWAY or IDP"),
    ),
)


def collection(settings: "Settings") -> Collection:
    """The Groups of one connection."""
    table = AttributeMap(GROUP.extended(Extension(EXTENSION, required=False)), ATTRIBUTES, kept=frozenset({"members"}))
    scope = Scope(settings.population_ids)
    resource = overridden(table.resource, {"members.display": {"mutability": "readOnly", "returned": "request"}})
    groups_of_user = _groups_of("users", scope, also=(_groups_of("groups", scope),))
    groups = Collection(
        resource=resource,
        reads=(_list(settings, scope), groups_of_user),
        item=item("/groups/{id}"),
        decode=table.decode,
        relations=(_members(scope),),
        writes=GroupWrites(table, scope).writes(),
        is_id=is_id,
        written=table.aligned,
        homeless=table.homeless,
        no_place=table.no_place,
    )
    return scope.over(groups, scope.group)


def _list(settings: "Settings", scope: Scope) -> AccessPath:
    term = Terms(escaped_quotes=settings.escaped_quotes)
    rules = (
        id_rule("id", comparing("id"), unique=True),
        Rule("displayName", ops("eq sw"), term("name")),
        Rule("externalId", ops("eq sw"), term("externalId")),
        id_rule(f"{URN}:populationId", comparing("population.id")),
    )
    return AccessPath(
        "/groups",
        rows="_embedded.groups",
        pager=GROUP_PAGES,
        rules=rules,
        expression="filter",
        logic=ops("and or"),
        text_match=settings.native_text_match,
        in_scope=not scope.populations,  # a filter cannot say "no population or one of these"
    )


def _groups_of(kind: str, scope: Scope, also: tuple[AccessPath, ...] = ()) -> AccessPath:
    """The groups that a user, or a nested group, is a direct member of."""
    return AccessPath(
        f"/{kind}/{{member}}/memberOfGroups",
        rows="_embedded.groupMemberships",
        pager=OTHER_PAGES,
        # The member itself may be outside the scope; then the groups' members, as shown, do not hold it.
        rules=(id_rule("members.value", filling("{member}"), exact=not scope.populations),),
        fixed={"expand": "group"},
        unwrap=_group_of_membership,
        also=also,
        in_scope=not scope.populations,
    )


def _group_of_membership(row: Row) -> Row | None:
    if row["type"] != "DIRECT":  # it is DIRECT or INDIRECT
        return None
    group = dig(row, "_embedded.group")
    if not isinstance(group, Mapping) or "id" not in group:
        raise BadAnswer("", "a membership came without its group")
    return group


def _user(row: Row) -> Element:
    return {"value": row["id"], "type": "User", "display": display_name(row)}


def _group(scope: Scope) -> Callable[[Row], Element | None]:
    def element(row: Row) -> Element | None:
        shown = scope.group(row)
        return {"value": row["id"], "type": "Group", "display": row.get("name")} if shown else None

    return element


def _members(scope: Scope) -> Relation:
    """Direct members only: those that filters or nested groups bring cannot be added or removed."""
    fixed = {"filter": DIRECT_MEMBERS}
    users = AccessPath("/users", "_embedded.users", USER_PAGES, expression="filter", fixed=fixed, always=scope.text)
    nested_groups = AccessPath("/groups", "_embedded.groups", GROUP_PAGES, expression="filter", fixed=fixed)
    return Relation(
        "members",
        reads=(RelationRead(users, _user), RelationRead(nested_groups, _group(scope))),
        references={"": "/Users", "User": "/Users", "Group": "/Groups"},
    )
