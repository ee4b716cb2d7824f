"""OneLogin roles as SCIM Groups: what can be filtered, the members, how both are written."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from scim_bridge.attributes import Attribute, AttributeMap, nested
from scim_bridge.providers.onelogin.common import ID, Texts, filling, id_rule, identity, ids, is_id, item, new_id, pages
from scim_bridge.query.capabilities import (
    AccessPath,
    Call,
    Collection,
    Element,
    MemberWrites,
    Referral,
    Relation,
    RelationRead,
    Resource,
    Row,
    Rule,
    Steps,
    Writes,
    ops,
)
from scim_bridge.query.pagers import OnePage
from scim_bridge.schemas import GROUP, Changes, overridden
from scim_bridge.upstream.errors import NotFound, Rejected

if TYPE_CHECKING:
    from scim_bridge.providers.onelogin import Settings

ROLES: Final = "/api/2/roles"
CHUNK: Final = 100
"""Members that one call adds or removes: how many it takes is not documented."""
ATTRIBUTES: Final = (Attribute("id", "id", ID, mutability="readOnly"), Attribute("displayName", "name"))


def collection(settings: "Settings") -> Collection:
    """The Groups of one connection."""
    table = AttributeMap(GROUP, ATTRIBUTES, kept=frozenset({"members"}))
    members: Changes = {
        "members.display": {"mutability": "readOnly", "returned": "request"},
        "members.type": {"canonical_values": ("User",)},
        "members.$ref": {"reference_types": ("User",)},
    }
    return Collection(
        resource=overridden(table.resource, members),
        reads=(_list(settings), OF_USER),
        item=item(f"{ROLES}/{{id}}"),
        decode=table.decode,
        relations=(_members(settings),),
        writes=RoleWrites(table).writes(),
        is_id=is_id,
        written=table.aligned,
        homeless=table.homeless,
        no_place=table.no_place,
    )


def _list(settings: "Settings") -> AccessPath:
    name, eq = settings.role_name_filter, Texts(wildcards=False)
    # A filter on parts of names may be one on whole names, or the other way round: only `eq` is safe with both.
    rules = () if name == "none" else (Rule("displayName", ops("eq"), eq(name), exact=False),)
    return AccessPath(
        ROLES,
        rows="",
        pager=pages(settings.role_page_size),
        rules=rules,
        text_match=settings.native_text_match,
        identity=identity,
    )


OF_USER: Final = AccessPath(
    "/api/2/users/{member}",
    rows=".",
    pager=OnePage(),
    rules=(id_rule("members.value", filling("{member}")),),
    refers=Referral(lambda row: ids(row["role_ids"])),  # which a single user always tells
)
"""A user tells the ids of its roles, which are then looked up: cheaper than the members of every role."""


def _user(row: Row) -> Element | None:
    if row.get("assigned") is False:
        return None
    display = row.get("name") or row.get("username") or row.get("email")
    return {"value": str(row["id"]), "type": "User", **({"display": display} if display else {})}


def _members(settings: "Settings") -> Relation:
    """A role itself, and the list of roles, tell nothing of members."""
    users = AccessPath(f"{ROLES}/{{id}}/users", "", pages(settings.role_page_size), identity=identity)
    return Relation("members", reads=(RelationRead(users, _user),), references={"": "/Users"})


class RoleWrites:
    """The calls that create, change and delete a role and its members."""

    def __init__(self, table: AttributeMap) -> None:
        self._table = table

    def writes(self) -> Writes:
        members = MemberWrites(add=self.add_members, remove=self.remove_members, chunk=CHUNK, silent=True)
        return Writes(create=self.create, update=self.update, delete=self.delete, members={"members": members})

    def create(self, values: Resource) -> Steps:
        """The answer tells the id alone."""
        fields = nested(self._table.fields(values))
        made = yield Call("POST", ROLES, json=fields, undo=lambda reply: _deletion(new_id(reply)))
        return {**fields, "id": new_id(made)}

    def update(self, row: Row, before: Resource, after: Resource) -> Steps:
        """Only the name: arrays that a PUT names are replaced as a whole, those it does not name stay."""
        changes = {name: value for name, value in self._table.changed(before, after).items() if value is not None}
        if not changes:
            return row
        path = f"{ROLES}/{row['id']}"
        back = {name: row.get(name) for name in changes}
        yield Call("PUT", path, json=changes, undo=Call("PUT", path, json=back))
        return {**row, **changes}

    def delete(self, role_id: str) -> Steps:
        yield _deletion(role_id)

    def add_members(self, role_id: str, elements: Sequence[Element]) -> Steps:
        path, users = _membership(role_id), [_user_id(each) for each in elements]
        yield Call("POST", path, json=users, undo=Call("DELETE", path, json=users), idempotent=True)

    def remove_members(self, role_id: str, elements: Sequence[Element]) -> Steps:
        """The body of the DELETE names who leaves; what is no id of a user cannot be a member."""
        path, users = _membership(role_id), [int(each["value"]) for each in elements if is_id(each["value"])]
        if not users:
            yield Call("GET", f"{ROLES}/{role_id}")  # the role itself may be what is missing
            return
        yield Call("DELETE", path, json=users, undo=Call("POST", path, json=users, idempotent=True))


def _membership(role_id: str) -> str:
    """Raises NotFound for what is no id: a membership is written without a look at its role."""
    if not is_id(role_id):
        raise NotFound("", f"there is no role {role_id!r}")
    return f"{ROLES}/{role_id}/users"


def _user_id(element: Element) -> int:
    value: Any = element["value"]
    if not is_id(value) or str(element.get("type") or "User").casefold() != "user":
        raise Rejected("", f"there is no user {value!r} to be a member, and roles have no others", target="members")
    return int(value)


def _deletion(role_id: str) -> Call:
    return Call("DELETE", f"{ROLES}/{role_id}")
