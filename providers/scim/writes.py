"""How a SCIM server is written: by PATCH where it offers that, else by reading, merging and PUT.

A PATCH names what changes and nothing else, each attribute whole. A PUT sends the upstream's own record back with the
changes in it, so that attributes no schema speaks of survive; what only shows up when asked for is asked for first.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from scim_bridge.providers.scim.dialect import PLAIN, Dialect, Keys
from scim_bridge.providers.scim.evidence import MEMBERS
from scim_bridge.providers.scim.probe import PATCH_OP, SCIM_JSON
from scim_bridge.providers.scim.rules import literal
from scim_bridge.providers.scim.shape import Moves, dig_keys, held, identifier, shaper, with_schemas
from scim_bridge.query.capabilities import Call, Element, MemberWrites, Resource, Row, Steps, Writes
from scim_bridge.query.plan import quoted
from scim_bridge.schemas import ResourceSchema, Schema
from scim_bridge.upstream.errors import BadAnswer, Rejected, UpstreamError
from scim_bridge.upstream.reply import Reply

CHUNK: Final = 500
"""Members per PATCH: some servers refuse more than 1,000 operations or a large body."""
NULL: Final = object()
"""An attribute that is sent as null; None in a record means that it is not sent."""
Values = Mapping[Keys, Any]


class ResourceWrites:
    """The calls that write one resource type. ``relations``: attributes that are written through `members` or not at
    all; ``unseen``: attributes that a plain read may not bring."""

    def __init__(
        self,
        resource: ResourceSchema,
        moves: Moves,
        *,
        patch: bool,
        relations: frozenset[str],
        unseen: Iterable[Keys],
        dialect: Dialect = PLAIN,
    ) -> None:
        self._resource = resource
        self._dialect = dialect
        self._encoded = dialect.encoded or (lambda each: moves.encoded(each, self._shape(each)))
        self._apart = dialect.encoded is None and not moves.pairs  # what an attribute becomes depends on no other
        self._not_writable = {each.id: _not_writable(each) for each in resource.schemas}
        self._patches = patch
        self._unseen = tuple(unseen)
        attributes = [one for each in resource.schemas for one in each.attributes]
        parts = [part for each in attributes for part in (each, *each.sub_attributes)]
        self._keeps_secrets = any(each.mutability == "writeOnly" for each in parts)
        self._shape = shaper(resource, lambda each: each.mutability != "readOnly" and each.name not in relations)
        members = resource.base.attribute(MEMBERS) if MEMBERS in relations else None
        self._members = members if members is not None and members.mutability != "readOnly" else None

    def writes(self) -> Writes:
        """All writes; members only where the schema lets them be written."""
        by_patch = MemberWrites(self._add_by_patch, self._remove_by_patch, CHUNK)
        # Reading, merging and writing the whole group: never two at once.
        by_put = MemberWrites(self._add_by_put, self._remove_by_put, sys.maxsize)
        held = {MEMBERS: by_patch if self._patches else by_put} if self._members is not None else {}
        return Writes(create=self.create, update=self.update, delete=self.delete, members=held)

    # -- whole resources --------------------------------------------------------------------------------------------

    def create(self, values: Resource) -> Steps:
        body = self._body(values)
        reply = yield Call("POST", self._resource.endpoint, json=body, headers=SCIM_JSON, undo=self._uncreate)
        if not isinstance(reply.body, Mapping):
            raise BadAnswer("", "created a resource without telling which", sent=True)
        return reply.body

    def delete(self, resource_id: str) -> Steps:
        yield Call("DELETE", self._path(resource_id))

    def _uncreate(self, reply: Reply) -> Call | None:
        return Call("DELETE", self._path(identifier(reply.body))) if isinstance(reply.body, Mapping) else None

    def update(self, row: Row, before: Resource, after: Resource) -> Steps:
        return (self._update_by_patch if self._patches else self._update_by_put)(row, before, after)

    def _update_by_patch(self, row: Row, before: Resource, after: Resource) -> Steps:
        old, new = self._states(before, after)
        operations = _operations(old, new)
        if not operations:
            return row
        path = self._path(identifier(row))
        undo = None if self._is_secret(old, new) else _patch(path, _operations(new, old))
        repeatable = all(each["op"] == "replace" for each in operations)
        reply = yield from _patched(replace(_patch(path, operations), undo=undo, idempotent=repeatable or None))
        return _record(reply)

    def _update_by_put(self, row: Row, before: Resource, after: Resource) -> Steps:
        old, new = self._states(before, after)
        whole = self._dialect.stored((yield from self._whole(row)))
        merged = dict(whole)
        changed = _changed(old, new)
        for keys in changed:
            _place(merged, keys, new.get(keys))
        reply = yield self._put(whole, merged, undoable=not self._is_secret(old, new))
        gone = [keys for keys in changed if keys not in new]
        return (yield from self._without(merged, gone, _record(reply))) if gone else _record(reply)

    def _without(self, merged: Row, gone: Sequence[Keys], record: Row | None) -> Any:
        """The record after a PUT that left attributes out; a server that keeps those is told that they are null."""
        if record is None:
            record = (yield Call("GET", self._path(identifier(merged)))).body
        kept = self._assigned(record, gone)
        if not kept:
            return record
        nulled = dict(merged)
        for keys in kept:
            _place(nulled, keys, [] if isinstance(dig_keys(record, keys), list) else NULL)
        record = _record((yield self._put(merged, nulled, undoable=False)))
        if record is None:
            record = (yield Call("GET", self._path(identifier(merged)))).body
        if still := self._assigned(record, kept):
            names = ", ".join(":".join(keys) for keys in still)
            raise BadAnswer("", f"did not take away {names}, neither left out nor as null", sent=True)
        return record

    def _assigned(self, record: Row | None, keys: Iterable[Keys]) -> list[Keys]:
        """Which of some attributes a record has."""
        return [each for each in keys if not self._dialect.unassigned(each, dig_keys(record, each))]

    def _whole(self, row: Row) -> Any:
        """The record with what a plain read did not bring."""
        missing = [keys for keys in self._unseen if dig_keys(row, keys) is None]
        if not missing:
            return row
        names = ",".join(":".join(keys) for keys in missing)
        asked = yield Call("GET", self._path(identifier(row)), params={"attributes": names})
        whole = dict(row)
        for keys in missing:
            _place(whole, keys, dig_keys(asked.body, keys))
        return whole

    def _put(self, before: Row, after: Row, *, undoable: bool) -> Call:
        path = self._path(identifier(before))
        call = self._put_as_it_is(path, after)
        if undoable:
            call.undo = lambda reply: self._put_as_it_is(path, before)
        return call

    def _put_as_it_is(self, path: str, row: Row) -> Call:
        repeats = None if self._dialect.repeats else False
        return Call("PUT", path, json=self._sendable(row), headers=SCIM_JSON, idempotent=repeats)

    def _sendable(self, row: Row) -> dict[str, Any]:
        """A record as PUT takes it: the server's own attributes are left out, as some refuse what RFC 7644 has them
        ignore; the schemas are those stated and those of its data."""
        body = _without(row, self._not_writable[self._resource.base.id])
        for each in self._resource.schemas[1:]:
            if isinstance(body.get(each.id), Mapping):
                body[each.id] = _without(body[each.id], self._not_writable[each.id])
        named = with_schemas(self._resource, body)
        stated = [each for each in held(row, "schemas") or () if each not in named["schemas"]]
        return {**named, "schemas": named["schemas"] + stated}

    def _body(self, resource: Resource) -> Resource:
        return with_schemas(self._resource, self._encoded(resource))

    def _states(self, before: Resource, after: Resource) -> tuple[Values, Values]:
        """Two states of a resource by their attributes; of those that are the same, as much as the others need."""
        if self._apart:
            names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
            before, after = ({name: each[name] for name in names if name in each} for each in (before, after))
        return self._values(before), self._values(after)

    def _values(self, resource: Resource) -> Values:
        """Each attribute on its own, those of extensions too."""
        found: dict[Keys, Any] = {}
        for name, value in self._encoded(resource).items():
            if ":" in name and isinstance(value, Mapping):
                found |= {(name, inner): each for inner, each in value.items()}
            else:
                found[(name,)] = value
        return found

    def _is_secret(self, old: Values, new: Values) -> bool:
        """Whether a change cannot be taken back, as the old value of a writeOnly attribute is not known."""
        if not self._keeps_secrets:
            return False
        paths = [self._resource.resolve(":".join(keys)) for keys in _changed(old, new)]
        return any(path is not None and path.target.mutability == "writeOnly" for path in paths)

    def _path(self, resource_id: str) -> str:
        return f"{self._resource.endpoint}/{quoted(resource_id)}"

    # -- members ----------------------------------------------------------------------------------------------------

    def _add_by_patch(self, owner: str, elements: Sequence[Element]) -> Steps:
        """One request. Not undone: who was a member before is not known, and must stay one."""
        operations = [{"op": "add", "path": MEMBERS, "value": [self._member(each) for each in elements]}]
        # Adding who is there already changes nothing (RFC 7644 section 3.5.2.1).
        reply = yield from _patched(replace(_patch(self._path(owner), operations), idempotent=True))
        # Some have such a member twice then (SCIMMY): as their answer shows it, it is put right at once.
        if twice := _twice(_record(reply) or {}, elements):
            added = {"op": "add", "path": MEMBERS, "value": [self._member(each) for each in twice]}
            yield from _patched(_patch(self._path(owner), [*map(_removal, twice), added]))

    def _remove_by_patch(self, owner: str, elements: Sequence[Element]) -> Steps:
        """One request; a server that minds who is no member is asked for the members, and told of those alone."""
        path = self._path(owner)
        try:
            yield from _patched(_patch(path, map(_removal, elements)))
        except Rejected as error:
            if "noTarget" not in error.codes:
                raise
            whole = yield from self._current(owner)
            there = [each for each in elements if each["value"] in _values_of(whole)]
            if there:
                yield _patch(path, map(_removal, there))

    def _add_by_put(self, owner: str, elements: Sequence[Element]) -> Steps:
        whole = yield from self._current(owner)
        there = _values_of(whole)
        added = [self._member(each) for each in elements if each["value"] not in there]
        if added:
            yield self._put(whole, _with_members(whole, [*(held(whole, MEMBERS) or ()), *added]), undoable=True)

    def _remove_by_put(self, owner: str, elements: Sequence[Element]) -> Steps:
        whole = yield from self._current(owner)
        gone = {each["value"] for each in elements}
        there = held(whole, MEMBERS) or ()
        kept = [each for each in there if not (isinstance(each, Mapping) and str(held(each, "value")) in gone)]
        if len(kept) < len(there):
            yield self._put(whole, _with_members(whole, kept), undoable=True)

    def _member(self, element: Element) -> Element:
        """An element with what the schema lets a client say of it."""
        parts = self._members.sub_attributes if self._members is not None else ()
        writable = {each.name for each in parts if each.mutability != "readOnly"} | {"value"}
        return {name: value for name, value in element.items() if name in writable - {"$ref"} and value}

    def _current(self, owner: str) -> Any:
        reply = yield Call("GET", self._path(owner))
        if not isinstance(reply.body, Mapping):
            raise BadAnswer("", "did not answer a resource")
        return (yield from self._whole(reply.body))


def _not_writable(schema: Schema) -> frozenset[str]:
    """The names, in lower case, of what a client may not write."""
    read_only = {each.name.lower() for each in schema.attributes if each.mutability == "readOnly"}
    return frozenset({"meta", "schemas", *read_only})


def _without(values: Row, names: frozenset[str]) -> dict[str, Any]:
    return {name: None if value is NULL else value for name, value in values.items() if name.lower() not in names}


def _twice(group: Row, elements: Sequence[Element]) -> list[Element]:
    """Which of the elements a group has more than once, each as it had it first."""
    found = [dict(each) for each in held(group, MEMBERS) or () if isinstance(each, Mapping)]
    values = [str(held(each, "value")) for each in found]
    times = Counter(values)
    return [found[values.index(each["value"])] for each in elements if times[each["value"]] > 1]


def _record(reply: Reply) -> Row | None:
    """The resource in an answer to a write; None where there is none, as with 204."""
    return reply.body if isinstance(reply.body, Mapping) and held(reply.body, "id") is not None else None


def _patched(call: Call) -> Any:
    """The reply to a PATCH. Raises BadAnswer where it is not offered after all: PUT is used once that is known."""
    try:
        return (yield call)
    except UpstreamError as error:
        if error.status not in (405, 501):
            raise
        told = "refuses PATCH, which it announces and took at the last look; it is looked at again before long"
        raise BadAnswer("", f"{told} (answered {error.status})", status=error.status) from None


def _patch(path: str, operations: Iterable[Mapping[str, Any]]) -> Call:
    return Call("PATCH", path, json={"schemas": [PATCH_OP], "Operations": list(operations)}, headers=SCIM_JSON)


def _changed(old: Values, new: Values) -> list[Keys]:
    return [keys for keys in {**old, **new} if old.get(keys) != new.get(keys)]


def _operations(old: Values, new: Values) -> list[dict[str, Any]]:
    """The PATCH operations that lead from one state to another."""
    found: list[dict[str, Any]] = []
    for keys in _changed(old, new):
        path, before, after = ":".join(keys), old.get(keys), new.get(keys)
        if after is None:
            found.append({"op": "remove", "path": path})
            continue
        # Replacing a complex attribute leaves what the value does not name as it is (RFC 7644 section 3.5.2.3), and
        # not all servers do it that way: with these removed first, both ways come to the same.
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found += [{"op": "remove", "path": f"{path}.{name}"} for name in before if name not in after]
        found.append({"op": "replace", "path": path, "value": after})
    return found


def _place(row: dict[str, Any], keys: Keys, value: Any) -> None:
    """Set an attribute of a record in whatever case it is spelled there; None takes it away."""
    name, *inner = keys
    key = name if name in row else next((each for each in row if each.lower() == name.lower()), name)
    if inner:
        part = dict(row.get(key) or {})
        _place(part, tuple(inner), value)
        value = part or None
    if value is None:
        row.pop(key, None)
    else:
        row[key] = value


def _removal(element: Element) -> dict[str, Any]:
    return {"op": "remove", "path": f"{MEMBERS}[value eq {literal(element['value'])}]"}


def _with_members(row: Row, members: Sequence[Any]) -> Row:
    whole = dict(row)
    _place(whole, (MEMBERS,), list(members))
    return whole


def _values_of(row: Row) -> set[str]:
    return {str(held(each, "value")) for each in held(row, MEMBERS) or () if isinstance(each, Mapping)}
