"""PingOne groups as SCIM Groups: direct members, users and nested groups, and how they are written."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from scim_bridge.attributes import TIMESTAMP, Attribute, AttributeMap, nested
from scim_bridge.providers.pingone.common import (
    GROUP_PAGES,
    MEMBERSHIP_PAGES,
    USER_PAGES,
    Terms,
    id_variable,
    in_populations,
    is_id,
    item,
    population_of,
)
from scim_bridge.query.capabilities import (
    AccessPath,
    Call,
    Collection,
    Element,
    MemberWrites,
    Relation,
    RelationRead,
    Resource,
    Row,
    Rule,
    Steps,
    Writes,
    ops,
)
from scim_bridge.query.pagers import dig
from scim_bridge.schemas import GROUP, Extension, Schema, SchemaAttribute, overridden
from scim_bridge.upstream.errors import BadAnswer, NotFound, Rejected

if TYPE_CHECKING:
    from scim_bridge.providers.pingone import Settings

URN: Final = "urn:scim-bridge:schemas:1.0:pingone:Group"
DIRECT_MEMBERS: Final = 'memberOfGroups[id eq "{id}" and type eq "DIRECT"]'
READ_ONLY: Final = frozenset(
    "id environment displayName directMemberCounts totalMemberCounts sourceId sourceType createdAt updatedAt".split()
)
"""Fields of a group that PUT does not take; everything else goes back as it was, userFilter and customData included."""

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
"""Group records carry createdAt and updatedAt only in some versions of the API; without them meta has neither."""


def _text(name: str, description: str, mutability: str = "readOnly") -> SchemaAttribute:
    return SchemaAttribute(name, "string", mutability=mutability, description=description)


EXTENSION: Final = Schema(
    URN,
    "PingOneGroup",
    "What PingOne knows of a group beyond the core schema",
    (
        _text("description", "What the group is for", "readWrite"),
        _text("populationId", "The population of a population-level group; fixed when the group is made"),
        _text("userFilter", "The filter that makes users members of a dynamic group"),
        _text("sourceType", "Where an external group comes from: GATEWAY or IDP"),
    ),
)


def collection(settings: "Settings") -> Collection:
    """The Groups of one connection."""
    table = AttributeMap(GROUP.extended(Extension(EXTENSION, required=False)), ATTRIBUTES, kept=frozenset({"members"}))
    shown = frozenset(settings.population_ids)
    resource = overridden(table.resource, {"members.display": {"mutability": "readOnly", "returned": "request"}})
    return Collection(
        resource=resource,
        reads=tuple(_reads(settings)),
        item=item("/groups/{id}"),
        decode=table.decode,
        relations=(_members(settings),),
        writes=GroupWrites(table).writes(),
        # Groups without a population belong to the environment, so to every population.
        visible=(lambda row: population_of(row) in (None, *shown)) if shown else (lambda row: True),
        is_id=is_id,
        written=table.aligned,
        homeless=table.homeless,
        no_place=table.no_place,
    )


def _reads(settings: "Settings") -> Sequence[AccessPath]:
    term = Terms(escaped_quotes=settings.escaped_quotes)
    rules = (
        Rule("displayName", ops("eq sw"), term("name")),
        Rule("externalId", ops("eq sw"), term("externalId")),
        Rule(f"{URN}:populationId", ops("eq"), term("population.id"), folds=False),
    )
    groups = AccessPath(
        "/groups",
        rows="_embedded.groups",
        pager=GROUP_PAGES,
        rules=rules,
        expression="filter",
        logic=ops("and or"),
        text_match=settings.native_text_match,
        in_scope=not settings.population_ids,  # a filter cannot say "no population or one of these"
    )
    return (groups, _groups_of("users", also=(_groups_of("groups"),)))


def _groups_of(kind: str, also: tuple[AccessPath, ...] = ()) -> AccessPath:
    """The groups that a user, or a nested group, is a direct member of."""
    return AccessPath(
        f"/{kind}/{{member}}/memberOfGroups",
        rows="_embedded.groupMemberships",
        pager=MEMBERSHIP_PAGES,
        rules=(Rule("members.value", ops("eq"), id_variable("{member}"), folds=False),),
        fixed={"expand": "group"},
        unwrap=_group_of_membership,
        also=also,
    )


def _group_of_membership(row: Row) -> Row | None:
    if row.get("type") != "DIRECT":
        return None
    group = dig(row, "_embedded.group")
    if not isinstance(group, Mapping) or "id" not in group:
        raise BadAnswer("", "a membership came without its group")
    return group


def _user(row: Row) -> Element:
    return {"value": row["id"], "type": "User", "display": dig(row, "name.formatted") or row.get("username")}


def _group(row: Row) -> Element:
    return {"value": row["id"], "type": "Group", "display": row.get("name")}


def _no_users(row: Row) -> bool:
    return dig(row, "directMemberCounts.users") == 0


def _members(settings: "Settings") -> Relation:
    users = AccessPath(
        "/users",
        rows="_embedded.users",
        pager=USER_PAGES,
        expression="filter",
        fixed={"filter": DIRECT_MEMBERS},
        always=in_populations(settings.population_ids),
    )
    nested_groups = AccessPath(
        "/groups", rows="_embedded.groups", pager=GROUP_PAGES, expression="filter", fixed={"filter": DIRECT_MEMBERS}
    )
    return Relation(
        "members",
        reads=(RelationRead(users, _user, known_empty=_no_users), RelationRead(nested_groups, _group)),
        references={"": "/Users", "User": "/Users", "Group": "/Groups"},
    )


class GroupWrites:
    """The calls that create, change and delete a group and its direct members."""

    def __init__(self, table: AttributeMap) -> None:
        self._table = table

    def writes(self) -> Writes:
        members = MemberWrites(add=self.add_member, remove=self.remove_member)
        return Writes(create=self.create, update=self.update, delete=self.delete, members={"members": members})

    def create(self, values: Resource) -> Steps:
        made = yield Call(
            "POST",
            "/groups",
            json=nested(self._table.fields(values)),
            undo=lambda reply: Call("DELETE", f"/groups/{reply.body['id']}"),
        )
        return made.body

    def update(self, row: Row, before: Resource, after: Resource) -> Steps:
        """There is no PATCH: the whole group goes back with the change, or what is left out would be wiped."""
        path = f"/groups/{row['id']}"
        old = {name: value for name, value in row.items() if name not in READ_ONLY and not name.startswith("_")}
        changes = self._table.changed(before, after)
        new = {name: value for name, value in {**old, **changes}.items() if value is not None}
        return (yield Call("PUT", path, json=new, undo=Call("PUT", path, json=old))).body

    def delete(self, group_id: str) -> Steps:
        yield Call("DELETE", f"/groups/{group_id}")

    def add_member(self, group_id: str, elements: Sequence[Element]) -> Steps:
        """One call, under the member; adding one that is there already is no error."""
        for element in elements:
            path = _membership_path(element, _kind(element))
            try:
                yield Call("POST", path, json={"id": group_id}, undo=Call("DELETE", f"{path}/{group_id}"))
            except NotFound:
                yield Call("GET", f"/groups/{group_id}")  # the group itself may be what is missing
                raise _no_such_member(element) from None
            except Rejected:
                if not (yield from _is_member(path, group_id)):
                    raise

    def remove_member(self, group_id: str, elements: Sequence[Element]) -> Steps:
        """One call, under the member: a user, else a nested group. Removing who is no member is no error."""
        for element in elements:
            for kind in [_kind(element)] if element.get("type") else ["users", "groups"]:
                path = _membership_path(element, kind)
                undo = Call("POST", path, json={"id": group_id})
                try:
                    yield Call("DELETE", f"{path}/{group_id}", undo=undo)
                    break
                except NotFound:
                    continue
            else:
                yield Call("GET", f"/groups/{group_id}")


def _is_member(path: str, group_id: str) -> Any:
    try:
        reply = yield Call("GET", f"{path}/{group_id}")
    except (NotFound, Rejected):
        return False
    return reply.body.get("type") == "DIRECT"


def _kind(element: Element) -> str:
    return "groups" if element.get("type") == "Group" else "users"


def _membership_path(element: Element, kind: str) -> str:
    if not is_id(element["value"]):
        raise _no_such_member(element)
    return f"/{kind}/{element['value']}/memberOfGroups"


def _no_such_member(element: Element) -> Rejected:
    return Rejected(
        "", f"there is no {element.get('type') or 'User'} {element['value']!r} to be a member", target="members"
    )
