"""How PingOne groups are written: groups whole, memberships one call each, under the member."""

from collections.abc import Sequence
from typing import Final

from scim_bridge.attributes import AttributeMap, nested
from scim_bridge.providers.pingone.common import Scope, is_id
from scim_bridge.query.capabilities import Call, Element, MemberWrites, Resource, Row, Steps, Writes
from scim_bridge.query.pagers import dig
from scim_bridge.upstream.errors import Conflict, NotFound, Rejected
from scim_bridge.upstream.reply import Reply

READ_ONLY: Final = frozenset(
    "id environment displayName directMemberCounts totalMemberCounts sourceId sourceType createdAt updatedAt "
    "checkSum".split()
)
"""Fields of a group that PUT does not take; some are in no published schema.

Everything else goes back as it was, userFilter and customData included.
"""


class GroupWrites:
    """The calls that create, change and delete a group and its direct members."""

    def __init__(self, table: AttributeMap, scope: Scope) -> None:
        self._table = table
        self._scope = scope

    def writes(self) -> Writes:
        members = MemberWrites(add=self.add_members, remove=self.remove_members)
        return Writes(create=self.create, update=self.update, delete=self.delete, members={"members": members})

    def create(self, values: Resource) -> Steps:
        """A group of the environment, so of every population."""
        fields = nested(self._table.fields(values))
        return (yield Call("POST", "/groups", json=fields, undo=_deletion_of)).body

    def update(self, row: Row, before: Resource, after: Resource) -> Steps:
        """There is no PATCH: the whole group goes back with the change, or what is left out would be wiped."""
        path = f"/groups/{row['id']}"
        old = {name: value for name, value in row.items() if name not in READ_ONLY and not name.startswith("_")}
        changes = self._table.changed(before, after)
        if all(value == dig(row, name) for name, value in changes.items()):
            return row
        new = {name: value for name, value in {**old, **changes}.items() if value is not None}
        return (yield Call("PUT", path, json=new, undo=Call("PUT", path, json=old))).body

    def delete(self, group_id: str) -> Steps:
        yield Call("DELETE", f"/groups/{group_id}")

    def add_members(self, group_id: str, elements: Sequence[Element]) -> Steps:
        """One call a member; adding one that is there already is no error."""
        for element in elements:
            yield from self._add(group_id, element)

    def _add(self, group_id: str, element: Element) -> Steps:
        for owner in _owners(element):
            if not (yield from self._scope.holds(owner)):
                continue
            path = f"{owner}/memberOfGroups"
            try:
                yield Call("POST", path, json={"id": group_id}, undo=Call("DELETE", f"{path}/{group_id}"))
                return
            except NotFound:
                continue  # no such user, or no such group: which of them is asked below
            except (Conflict, Rejected):
                if (yield from _membership(path, group_id)) == "DIRECT":
                    return
                raise
        yield Call("GET", f"/groups/{group_id}")
        text = f"there is no {element.get('type') or 'user or group'} {element['value']!r} to be a member"
        raise Rejected("", text, target="members")

    def remove_members(self, group_id: str, elements: Sequence[Element]) -> Steps:
        """One call a member. Who is no member needs no removal; who is one indirectly cannot be removed."""
        for element in elements:
            yield from self._remove(group_id, element)

    def _remove(self, group_id: str, element: Element) -> Steps:
        for owner in _owners(element):
            if not (yield from self._scope.holds(owner)):
                continue
            path = f"{owner}/memberOfGroups"
            undo = Call("POST", path, json={"id": group_id})
            try:
                yield Call("DELETE", f"{path}/{group_id}", undo=undo)
                return
            except NotFound:
                if (yield from _membership(path, group_id)) == "INDIRECT":
                    text = f"{element['value']!r} is a member by a filter or through a nested group"
                    raise Rejected("", text, target="members") from None
        yield Call("GET", f"/groups/{group_id}")  # the group itself may be what is missing


def _deletion_of(made: Reply) -> Call:
    return Call("DELETE", f"/groups/{made.body['id']}")


def _owners(element: Element) -> list[str]:
    """What a member may be: a user, a group, either where the element does not say."""
    if not is_id(element["value"]):
        return []
    kind = str(element.get("type") or "").casefold()
    kinds = {"user": ["users"], "group": ["groups"]}.get(kind, ["users", "groups"])
    return [f"/{each}/{element['value']}" for each in kinds]


def _membership(path: str, group_id: str) -> Steps:
    """DIRECT or INDIRECT; None for who is no member."""
    try:
        return (yield Call("GET", f"{path}/{group_id}")).body.get("type")
    except (NotFound, Rejected):
        return None
