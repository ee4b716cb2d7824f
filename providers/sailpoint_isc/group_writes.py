"""How governance groups are written: JSON Patch for three fields, members in bulk with an answer for each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from scim_bridge.attributes import AttributeMap
from scim_bridge.providers.sailpoint_isc.common import Api, is_id, literal
from scim_bridge.query.capabilities import NOTHING, Call, Element, MemberWrites, Nothing, Resource, Row, Steps, Writes
from scim_bridge.query.pagers import dig
from scim_bridge.upstream.errors import BadAnswer, NotFound, Rejected
from scim_bridge.upstream.reply import Reply

JSON_PATCH: Final = {"Content-Type": "application/json-patch+json"}
CHUNK: Final = 50
"""Identities of one bulk-add or bulk-delete: how many they take is not documented."""
ADDED, REMOVED = 201, 204
THERE_ALREADY, NOT_THERE = 409, 404
"""Statuses of single items; the last two are fine where that is what was wanted."""


class GroupWrites:
    """The calls that create, change and delete a governance group and its members."""

    def __init__(self, table: AttributeMap, api: Api, owner: str | None) -> None:
        """``owner``: who owns new groups for which the client names nobody."""
        self._table = table
        self._api = api
        self._owner = owner

    def writes(self) -> Writes:
        members = MemberWrites(add=self.add_members, remove=self.remove_members, chunk=CHUNK)
        return Writes(create=self.create, update=self.update, delete=self.delete, members={"members": members})

    def create(self, values: Resource) -> Steps:
        """Answered with 200. Whether an owner is required is not documented."""
        fields = self._table.fields(values)
        owner = fields.pop("owner.id", None) or self._owner
        body = {**fields, **({"owner": _owner(owner)} if owner else {})}
        made = yield Call("POST", self._api("workgroups"), json=body, undo=self._undone)
        if not isinstance(dig(made.body, "id"), str):
            raise BadAnswer("", "a new governance group came without an id")
        return made.body

    def _undone(self, made: Reply) -> Call | None:
        found = dig(made.body, "id")
        return Call("DELETE", self._path(found)) if isinstance(found, str) else None

    def update(self, row: Row, before: Resource, after: Resource) -> Steps:
        changes = self._table.changed(before, after)
        if not changes:
            return row
        if changes.get("owner.id", "") is None:
            raise Rejected("", "a governance group cannot be without its owner", target="owner")
        back = {name: dig(row, name) for name in changes}
        path = self._path(row["id"])
        undo = None if back.get("owner.id", "") is None else _modification(path, back)
        return (yield _modification(path, changes, undo)).body

    def delete(self, group_id: str) -> Steps:
        """A group in use is refused; how an unknown one is answered is not documented."""
        try:
            yield Call("DELETE", self._path(group_id))
        except Rejected:
            yield from self._check_exists(group_id)
            raise

    def add_members(self, group_id: str, elements: Sequence[Element]) -> Steps:
        """Who is a member already is no error."""
        for each in elements:
            if str(each.get("type") or "User").casefold() != "user" or not is_id(each["value"]):
                raise Rejected("", f"{each['value']!r} is no user, and only users can be members", target="members")
        items = yield from self._bulk(group_id, "bulk-add", elements, ADDED, "bulk-delete")
        _check(items, elements, (ADDED, THERE_ALREADY))

    def remove_members(self, group_id: str, elements: Sequence[Element]) -> Steps:
        """Who is no member needs no removal."""
        named = [each for each in elements if is_id(each["value"])]
        if not named:
            yield from self._check_exists(group_id)
            return
        items = yield from self._bulk(group_id, "bulk-delete", named, REMOVED, "bulk-add")
        _check(items, named, (REMOVED, NOT_THERE))

    def _bulk(self, group_id: str, verb: str, elements: Sequence[Element], done: int, reverse: str) -> Steps:
        """The status of each identity; what is taken back later is only what this call did."""
        if not is_id(group_id):
            raise NotFound("", f"there is no governance group {group_id!r}")
        path = self._path(group_id, "/members/")

        def undo(reply: Reply) -> Call | Nothing:
            changed = [identity for identity, status in _items(reply.body) if status == done]
            return Call("POST", path + reverse, json=_identities(changed)) if changed else NOTHING

        ids = [each["value"] for each in elements]
        try:
            reply = yield Call("POST", path + verb, json=_identities(ids), undo=undo, idempotent=True)
        except Rejected:
            yield from self._check_exists(group_id)
            raise
        return dict(_items(reply.body))

    def _check_exists(self, group_id: str) -> Steps:
        """Raises NotFound for a group that is not there."""
        params = {"filters": f"id eq {literal(group_id)}"}
        if not is_id(group_id) or not (yield Call("GET", self._api("workgroups"), params=params)).body:
            raise NotFound("", f"there is no governance group {group_id!r}")

    def _path(self, group_id: str, rest: str = "") -> str:
        return self._api("workgroups", f"/{group_id}{rest}")


def _modification(path: str, fields: Mapping[str, Any], undo: Call | None = None) -> Call:
    """JSON Patch; an empty text clears, as null is not among the values it takes."""
    operations = [
        {"op": "replace", "path": "/owner", "value": _owner(value)}
        if name == "owner.id"
        else {"op": "replace", "path": f"/{name}", "value": "" if value is None else value}
        for name, value in fields.items()
    ]
    return Call("PATCH", path, json=operations, headers=JSON_PATCH, undo=undo, idempotent=True)


def _owner(identity: str) -> dict[str, str]:
    return {"type": "IDENTITY", "id": identity}


def _identities(ids: Sequence[str]) -> list[dict[str, str]]:
    return [{"type": "IDENTITY", "id": each} for each in ids]


def _items(body: Any) -> Iterator[tuple[str, int]]:
    """The answer for each identity of a bulk call. Raises BadAnswer."""
    if not isinstance(body, list):
        raise BadAnswer("", "a bulk call was not answered with a list", sent=True)
    for each in body:
        if isinstance(each, Mapping) and isinstance(each.get("id"), str) and isinstance(each.get("status"), int):
            yield each["id"], each["status"]


def _check(items: Mapping[str, int], elements: Sequence[Element], fine: tuple[int, int]) -> None:
    """Raises what went wrong with an identity: the status of the whole answer is 207 in any case."""
    for each in elements:
        status = items.get(each["value"])
        if status is None:
            raise BadAnswer("", f"nothing was said of the member {each['value']!r}", sent=True)
        if status == NOT_THERE and status not in fine:
            raise Rejected("", f"there is no user {each['value']!r} to be a member", target="members")
        if status not in fine:
            raise Rejected("", f"the member {each['value']!r} was refused with {status}", target="members")
