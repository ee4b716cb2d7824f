"""How PingOne groups are written: groups whole, memberships one call each, under the member."""

from collections.abc import Sequence
from typing import Any, Final

from scim_bridge.attributes import AttributeMap, nested
from scim_bridge.providers.pingone.common import Scope, is_id, new_id
from scim_bridge.query.capabilities import Call, Element, MemberWrites, Resource, Row, Steps, Writes
from scim_bridge.query.pagers import dig
from scim_bridge.upstream.errors import Conflict, NotFound, Rejected

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
        return (yield Call("POST", "/groups", json=fields, undo=lambda made: _deletion(new_id(made)))).body

    def update(self, row: Row, before: Resource, after: Resource) -> Steps:
        """There is no PATCH: the whole group goes back with the change, or what is left out would be wiped."""
        path = f"/groups/{row['id']}"
        old = _settable(row)
        changes = self._table.changed(before, after)
        if all(value == dig(row, name) for name, value in changes.items()):
            return row
        new = {name: value for name, value in {**old, **changes}.items() if value is not None}
        return (yield Call("PUT", path, json=new, undo=Call("PUT", path, json=old))).body

    def delete(self, group_id: str) -> Steps:
        yield _deletion(group_id)

    def add_members(self, group_id: str, elements: Sequence[Element]) -> Steps:
        """One call a member; adding one that is there already is no error."""
        _check_id(group_id)
        for element in elements:
            yield from self._add(group_id, element)

    def _add(self, group_id: str, element: Element) -> Steps:
        for path in _memberships(element):
            if not (yield from self._scope.holds(path)):
                continue
            try:
                yield _addition(path, group_id)
                return
            except NotFound:
                continue  # no such user, or no such group: which of them is asked below
            except (Conflict, Rejected):
                if (yield from _kind(path, group_id)) == "DIRECT":
                    return
                raise
        yield Call("GET", f"/groups/{group_id}")
        text = f"there is no {element.get('type') or 'user or group'} {element['value']!r} to be a member"
        raise Rejected("", text, target="members")

    def remove_members(self, group_id: str, elements: Sequence[Element]) -> Steps:
        """One call a member. Who is no member needs no removal; who is one indirectly cannot be removed."""
        _check_id(group_id)
        for element in elements:
            yield from self._remove(group_id, element)

    def _remove(self, group_id: str, element: Element) -> Steps:
        asked = []
        for path in _memberships(element):
            if (yield from self._scope.holds(path)):
                asked.append(path)
                try:
                    yield _removal(path, group_id)
                    return
                except NotFound:
                    continue  # not documented: it may be how the removal of an indirect member is refused
        for path in asked:
            if (yield from _kind(path, group_id)) is not None:
                text = f"{element['value']!r} is a member by a filter or through a nested group, and stays one"
                raise Rejected("", text, target="members")
        yield Call("GET", f"/groups/{group_id}")  # the group itself may be what is missing


def _settable(row: Row) -> dict[str, Any]:
    """What of a group goes back with a PUT.

    Its displayName is published as read-only and the same as its name; where it is another text, newer versions of the
    API take one, and would reset it to the name.
    """
    fields = {name: value for name, value in row.items() if name not in READ_ONLY and not name.startswith("_")}
    shown = row.get("displayName")
    return fields if shown in (None, row.get("name")) else {**fields, "displayName": shown}


def _check_id(group_id: str) -> None:
    """Raises NotFound for what is no id: a membership is written without a look at its group."""
    if not is_id(group_id):
        raise NotFound("", f"there is no group {group_id!r}")


def _memberships(element: Element) -> list[str]:
    """Where the memberships of a new member live: a user's, a group's, either where the element does not say."""
    if not is_id(element["value"]):
        return []
    kind = str(element.get("type") or "").casefold()
    kinds = {"user": ["users"], "group": ["groups"]}.get(kind, ["users", "groups"])
    return [f"/{each}/{element['value']}/memberOfGroups" for each in kinds]


def _addition(path: str, group_id: str) -> Call:
    """May be repeated: who is a member already is no error, see `_add`."""
    undo = Call("DELETE", f"{path}/{group_id}")
    return Call("POST", path, json={"id": group_id}, undo=undo, idempotent=True)


def _removal(path: str, group_id: str) -> Call:
    undo = Call("POST", path, json={"id": group_id}, idempotent=True)
    return Call("DELETE", f"{path}/{group_id}", undo=undo)


def _kind(path: str, group_id: str) -> Steps:
    """DIRECT or INDIRECT; None for who is no member."""
    try:
        return (yield Call("GET", f"{path}/{group_id}")).body.get("type")
    except (NotFound, Rejected):
        return None


def _deletion(group_id: str) -> Call:
    return Call("DELETE", f"/groups/{group_id}")
