"""One resource type of a SCIM server as a collection: how it is listed, looked up, related and written."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from scim_bridge.providers.scim.discovery import Discovered, ResourceType
from scim_bridge.providers.scim.evidence import MEMBERS, member_ids, relation_attribute
from scim_bridge.providers.scim.paging import Totals, is_empty
from scim_bridge.providers.scim.rules import rules
from scim_bridge.providers.scim.shape import EMPTY, Moves, decoder, held, identifier, moved, shaper
from scim_bridge.providers.scim.writes import ResourceWrites
from scim_bridge.query.capabilities import (
    AccessPath,
    Collection,
    Element,
    Kind,
    Referrers,
    Relation,
    RelationRead,
    Resource,
    Row,
    Rule,
    Writes,
    ops,
)
from scim_bridge.query.pagers import OnePage
from scim_bridge.schemas import USER, ResourceSchema

if TYPE_CHECKING:
    from scim_bridge.providers.scim import Settings

GROUPS: Final = "groups"
_MEMBERS: Final = ("User", "Group")
_LEAN: Final = {"excludedAttributes": MEMBERS}
_NO_NAMES: Final = frozenset({".", "..", ".search"})


class Builder:
    """Makes the collections of one connection."""

    def __init__(self, settings: "Settings", discovered: Discovered) -> None:
        self._settings = settings
        self._discovered = discovered
        self._groups = next((each for each in discovered.types if relation_attribute(each.resource, MEMBERS)), None)
        self._endpoints = {each.resource.name: each.resource.endpoint for each in discovered.types}

    def collection(self, found: ResourceType) -> Collection:
        found = self._with_groups(found)
        mapped = self._settings.attributes if found.resource.base.id == USER.base.id else {}
        resource, moves = moved(found.resource, mapped)
        relations = tuple(filter(None, (self._members(found), self._groups_of(found))))
        elsewhere = frozenset(each.attribute for each in relations)
        return Collection(
            resource=resource,
            reads=self._lists(found, resource, elsewhere | moves.targets),
            item=_item(resource.endpoint),
            decode=decoder(resource, moves, elsewhere),
            relations=relations,
            writes=self._writes(found, resource, moves, elsewhere),
            is_id=_is_id,
            written=_written(resource),
            referrers=self._referrers(),
        )

    def _with_groups(self, found: ResourceType) -> ResourceType:
        """A user has groups, whether or not the server says so (RFC 7643 section 4.1.2): those it is a member of."""
        base, groups = found.resource.base, USER.base.attribute(GROUPS)
        if base.id != USER.base.id or base.attribute(GROUPS) or self._groups is None or groups is None:
            return found
        base = replace(base, attributes=(*base.attributes, groups))
        return replace(found, resource=replace(found.resource, base=base))

    # -- lists --------------------------------------------------------------------------------------------------------

    def _lists(self, found: ResourceType, resource: ResourceSchema, without: frozenset[str]) -> tuple[AccessPath, ...]:
        """The list of everything, and where filters do something, of what they find: its total may be worth less."""
        whole = self._list(found, found.evidence.paging.totals)
        if not self._discovered.filters:
            return (whole,)
        proof, vouched = found.evidence.proof, self._settings.native_text_match != "unknown"
        pushed = tuple(rules(resource, proof, vouched=vouched, without=without))
        filtered = replace(
            self._list(found, found.evidence.paging.filtered),
            rules=pushed,
            expression="filter",
            logic=proof.logic,
            fallible=True,
            text_match=self._settings.native_text_match,
        )
        return (whole, filtered) if pushed else (whole,)

    def _list(self, found: ResourceType, totals: Totals) -> AccessPath:
        evidence = found.evidence
        return AccessPath(
            found.resource.endpoint,
            rows=evidence.rows,
            pager=evidence.paging.pager(self._discovered.page, totals),
            fixed={"sortBy": "id"} if evidence.paging.by_id else {},
            empty=is_empty,
            identity=identifier,
            ordered=evidence.paging.ordered,
            lean=_LEAN if evidence.lean else {},
        )

    # -- relations ----------------------------------------------------------------------------------------------------

    def _members(self, found: ResourceType) -> Relation | None:
        """A group's own record brings its members; where a list was seen to do so, one without them has none."""
        attribute = relation_attribute(found.resource, MEMBERS)
        if attribute is None:
            return None
        on_request = attribute.returned == "request"
        fixed = {"attributes": MEMBERS} if on_request or found.evidence.asked else {}
        access = AccessPath(f"{found.resource.endpoint}/{{id}}", rows=MEMBERS, pager=OnePage(), fixed=fixed)
        empty = _always if MEMBERS in found.evidence.inline else _never
        member = self._member
        return Relation(
            MEMBERS,
            reads=(RelationRead(access, member, known_empty=empty),),
            references=self._endpoints,
            shown="request" if on_request else "always",
            inline=_inline(MEMBERS, member),
            partial=found.evidence.cut,
            kinds={name: Kind(_item(each), _display) for name, each in self._endpoints.items() if name in _MEMBERS},
        )

    def _member(self, raw: Row) -> Element | None:
        """One member; whether it is a user or a group may be told by its address alone."""
        element = _element(raw)
        stated = str(held(raw, "type") or "").lower()
        endpoint = str(held(raw, "$ref") or "").rpartition("/")[0].rpartition("/")[2].lower()
        kinds = {name: (name.lower(), each.strip("/").lower()) for name, each in self._endpoints.items()}
        kind = next((name for name, told in kinds.items() if (stated or endpoint) == told[0 if stated else 1]), None)
        return {**element, "type": kind} if element is not None and kind is not None else element

    def _groups_of(self, found: ResourceType) -> Relation | None:
        """A user's groups: what its record says, else the groups that have it as a member, or one of these groups."""
        if relation_attribute(found.resource, GROUPS) is None:
            return None
        empty = _always if GROUPS in found.evidence.inline else _never
        read = None if self._groups is None else self._groups_with(self._groups)
        reads = () if read is None else (replace(read, known_empty=empty, nested=True),)
        to_groups = {} if self._groups is None else {"": self._groups.resource.endpoint}
        inline = _inline(GROUPS, _element)
        return Relation(GROUPS, reads, references=to_groups, shown="inline", inline=inline, inverse=True)

    def _groups_with(self, groups: ResourceType) -> RelationRead:
        """The groups that have a member: found by the server, else by reading all of them."""
        evidence = groups.evidence
        if self._discovered.filters and evidence.proof.finds(f"{MEMBERS}.value", "eq"):
            access = self._list(groups, evidence.paging.filtered)
            fixed = {**access.fixed, **access.lean, "filter": f'{MEMBERS}.value eq "{{id}}"'}
            found = replace(access, expression="filter", fixed=fixed)
            return RelationRead(found, _group, instead=self._all_groups(groups))
        return self._all_groups(groups)

    def _all_groups(self, groups: ResourceType) -> RelationRead:
        """All groups, each with the members that it says it has."""
        evidence = groups.evidence
        access = self._list(groups, evidence.paging.totals)
        if evidence.cut:
            access = replace(access, unwrap=_without_members)
        tells = MEMBERS in evidence.inline
        record = AccessPath(f"{groups.resource.endpoint}/{{id}}", rows=".", pager=OnePage())
        if evidence.asked:
            record = replace(record, fixed={"attributes": MEMBERS})
        return RelationRead(access, _group, owners=member_ids, record=None if tells else record)

    def _referrers(self) -> tuple[Referrers, ...]:
        """The groups that keep a member when it is deleted.

        Not looked for where that is known to take a request a group: where lists tell no members, and filters on them
        are not proven.
        """
        if self._groups is None:
            return ()
        read = self._groups_with(self._groups)
        if read.instead is not None and read.instead.record is not None:
            read = replace(read, instead=None)
        costly = read.record is not None and self._groups.evidence.apart
        members = self._writes(self._groups, self._groups.resource, Moves(), frozenset({MEMBERS})).members.get(MEMBERS)
        return () if members is None or costly else (Referrers(read, members.remove),)

    def _writes(self, found: ResourceType, resource: ResourceSchema, moves: Moves, relations: frozenset[str]) -> Writes:
        unseen: set[tuple[str, ...]] = {(each.name,) for each in resource.base.attributes if each.returned == "request"}
        unseen |= {
            (s.id, each.name) for s in resource.schemas[1:] for each in s.attributes if each.returned == "request"
        }
        unseen |= {(name,) for name in {MEMBERS} & relations - found.evidence.inline}
        patch = self._discovered.patch and found.evidence.patch
        return ResourceWrites(resource, moves, patch=patch, relations=relations, unseen=sorted(unseen)).writes()


def _item(endpoint: str) -> AccessPath:
    by_id = Rule("id", ops("eq"), lambda operator, value: {"{id}": value}, exact=False, folds=False, unique=True)
    return AccessPath(f"{endpoint}/{{id}}", rows=".", pager=OnePage(), rules=(by_id,))


def _is_id(value: str) -> bool:
    """Whether a path can name it: `.search` is an endpoint, and dots climb."""
    steps = re.split(r"[/\\]", value) if "/" in value or "\\" in value else (value,)
    return bool(value) and value.isprintable() and _NO_NAMES.isdisjoint(steps)


def _written(resource: ResourceSchema) -> Callable[[Resource, Resource | None], Resource]:
    shape = shaper(resource)

    def written(body: Resource, before: Resource | None) -> Resource:
        # What was read has its shape already, and a PATCH changes little of it.
        same = {name for name, value in body.items() if before is not None and value == before.get(name)}
        kept = {name: value for name, value in body.items() if name in same or name in ("schemas", "id", "meta")}
        return {**kept, **shape({name: value for name, value in body.items() if name not in same})}

    return written


def _always(row: Row) -> bool:
    return True


def _never(row: Row) -> bool:
    return False


def _inline(name: str, element: Callable[[Row], Element | None]) -> Callable[[Row], list[Element] | None]:
    def elements(row: Row) -> list[Element] | None:
        brought = held(row, name)
        if not isinstance(brought, list):
            return None
        found = (element(each) for each in brought if isinstance(each, Mapping))
        return [each for each in found if each is not None]

    return elements


def _element(raw: Row) -> Element | None:
    value = held(raw, "value")
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        return None
    told = {name: each for name in ("display", "type") if isinstance(each := held(raw, name), str) and each}
    return {"value": str(value), **told}


def _without_members(row: Row) -> Row:
    return {name: value for name, value in row.items() if name.lower() != MEMBERS}


def _group(row: Row) -> Element:
    name = held(row, "displayName")
    named = {"display": name} if isinstance(name, str) and name else {}
    return {"value": identifier(row), **named, "type": "direct"}


def _display(row: Row) -> str | None:
    """What a member is called in its group."""
    return next((each for name in ("displayName", "userName") if (each := held(row, name)) not in EMPTY), None)
