"""One resource type of a SCIM server as a collection: how it is listed, looked up, related and written."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from scim_bridge.providers.scim.discovery import Discovered, ResourceType
from scim_bridge.providers.scim.rules import rules, text_of
from scim_bridge.providers.scim.shape import Moves, decoder, identifier, moved, shaper
from scim_bridge.providers.scim.writes import MEMBERS, ResourceWrites
from scim_bridge.query.capabilities import (
    AccessPath,
    Collection,
    Element,
    Params,
    Relation,
    RelationRead,
    Resource,
    Row,
    Rule,
    Writes,
    ops,
)
from scim_bridge.query.pagers import Offset, OnePage, Total, dig
from scim_bridge.schemas import USER, ResourceSchema, SchemaAttribute
from scim_bridge.upstream.errors import BadAnswer
from scim_bridge.upstream.reply import Reply

if TYPE_CHECKING:
    from scim_bridge.providers.scim import Settings

GROUPS: Final = "groups"
_REFERENCES: Final = {"": "/Users", "User": "/Users", "Group": "/Groups"}
_TYPES: Final = {"Users": "User", "Groups": "Group"}


class Pages(Offset):
    """SCIM's index paging (RFC 7644 section 3.4.2.4), with what contradicts itself refused, not read as the end."""

    __slots__ = ()

    def next(self, sent: Params, reply: Reply, rows: int) -> Params | None:
        stated, total = dig(reply.body, "startIndex"), self.total(reply)
        if rows and isinstance(stated, int) and str(stated) != sent["startIndex"]:
            raise BadAnswer("", f"answered from row {stated} on when asked for row {sent['startIndex']}")
        if not rows and total is not None and total >= int(sent["startIndex"]):
            raise BadAnswer("", f"stated {total} rows and sent none from row {sent['startIndex']} on")
        return Offset.next(self, sent, reply, rows)


class Builder:
    """Makes the collections of one connection."""

    def __init__(self, settings: "Settings", discovered: Discovered) -> None:
        self._settings = settings
        self._discovered = discovered
        self._pages = Pages(
            "startIndex", "count", max_page=discovered.page, base=1, total_at=Total(body="totalResults")
        )

    def collection(self, found: ResourceType) -> Collection:
        mapped = self._settings.attributes if found.resource.base.id == USER.base.id else {}
        resource, moves = moved(found.resource, mapped)
        relations = tuple(filter(None, (self._members(found), self._groups(found))))
        elsewhere = frozenset(each.attribute for each in relations)
        return Collection(
            resource=resource,
            reads=(self._list(found, resource, elsewhere | moves.targets),),
            item=_item(resource.endpoint),
            decode=decoder(resource, moves, elsewhere),
            relations=relations,
            writes=self._writes(found, resource, moves, elsewhere),
            is_id=_is_id,
            written=_written(resource),
        )

    def _list(self, found: ResourceType, resource: ResourceSchema, without: frozenset[str]) -> AccessPath:
        vouched = self._settings.native_text_match != "unknown"
        filters = self._discovered.filters
        pushed = tuple(rules(resource, found.evidence.proven, vouched=vouched, without=without)) if filters else ()
        if found.evidence.by_member and MEMBERS in without:
            by_member = text_of(f"{MEMBERS}.value", plain=True)
            pushed = (*pushed, Rule(f"{MEMBERS}.value", ops("eq"), by_member, exact=False, folds=False))
        return AccessPath(
            resource.endpoint,
            rows=found.evidence.rows,
            pager=self._pages,
            rules=pushed,
            expression="filter" if filters else None,
            logic=ops("and or"),
            text_match=self._settings.native_text_match,
        )

    def _members(self, found: ResourceType) -> Relation | None:
        """A group's own record brings its members; where a list was seen to do so, one without them has none."""
        attribute = _relation_attribute(found.resource, MEMBERS)
        if attribute is None:
            return None
        on_request = attribute.returned == "request"
        fixed = {"attributes": MEMBERS} if on_request else {}
        access = AccessPath(f"{found.resource.endpoint}/{{id}}", rows=MEMBERS, pager=OnePage(), fixed=fixed)
        empty = _always if MEMBERS in found.evidence.inline else _never
        return Relation(
            MEMBERS,
            reads=(RelationRead(access, _member, known_empty=empty),),
            references=_REFERENCES,
            shown="request" if on_request else "always",
            inline=_inline(MEMBERS, _member),
        )

    def _groups(self, found: ResourceType) -> Relation | None:
        """A user's groups: what its record says, else the groups that have it as a member (direct ones)."""
        if _relation_attribute(found.resource, GROUPS) is None:
            return None
        groups = next((each for each in self._discovered.types if _relation_attribute(each.resource, MEMBERS)), None)
        empty = _always if GROUPS in found.evidence.inline else _never
        reads: tuple[RelationRead, ...] = ()
        if groups is not None and groups.evidence.by_member:
            fixed = {"filter": f'{MEMBERS}.value eq "{{id}}"', "excludedAttributes": MEMBERS}
            access = AccessPath(
                groups.resource.endpoint, groups.evidence.rows, self._pages, expression="filter", fixed=fixed
            )
            reads = (RelationRead(access, _group, known_empty=empty),)
        return Relation(GROUPS, reads, references={"": "/Groups"}, shown="inline", inline=_inline(GROUPS, _element))

    def _writes(self, found: ResourceType, resource: ResourceSchema, moves: Moves, relations: frozenset[str]) -> Writes:
        unseen: set[tuple[str, ...]] = {(each.name,) for each in resource.base.attributes if each.returned == "request"}
        unseen |= {
            (s.id, each.name) for s in resource.schemas[1:] for each in s.attributes if each.returned == "request"
        }
        unseen |= {(name,) for name in {MEMBERS} & relations - found.evidence.inline}
        patch = self._discovered.patch
        return ResourceWrites(resource, moves, patch=patch, relations=relations, unseen=sorted(unseen)).writes()


def _item(endpoint: str) -> AccessPath:
    by_id = Rule("id", ops("eq"), lambda operator, value: {"{id}": value}, exact=False, folds=False, unique=True)
    return AccessPath(f"{endpoint}/{{id}}", rows=".", pager=OnePage(), rules=(by_id,))


def _is_id(value: str) -> bool:
    """Whether a path can name it: `.search` is an endpoint, and dots climb."""
    return bool(value) and value.isprintable() and not {".", "..", ".search"} & set(re.split(r"[/\\]", value))


def _relation_attribute(resource: ResourceSchema, name: str) -> SchemaAttribute | None:
    """The multi-valued attribute of references that a relation is, if the type has it."""
    attribute = resource.base.attribute(name)
    return attribute if attribute is not None and attribute.multi_valued and attribute.sub("value") else None


def _written(resource: ResourceSchema) -> Callable[[Resource, Resource | None], Resource]:
    shape = shaper(resource)

    def written(body: Resource, before: Resource | None) -> Resource:
        return {**{name: body[name] for name in ("schemas", "id", "meta") if name in body}, **shape(body)}

    return written


def _always(row: Row) -> bool:
    return True


def _never(row: Row) -> bool:
    return False


def _inline(name: str, element: Callable[[Row], Element | None]) -> Callable[[Row], list[Element] | None]:
    def elements(row: Row) -> list[Element] | None:
        held = row.get(name)
        if not isinstance(held, list):
            return None
        found = (element(each) for each in held if isinstance(each, Mapping))
        return [each for each in found if each is not None]

    return elements


def _element(raw: Row) -> Element | None:
    value = raw.get("value")
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        return None
    told = {name: raw[name] for name in ("display", "type") if isinstance(raw.get(name), str) and raw[name]}
    return {"value": str(value), **told}


def _member(raw: Row) -> Element | None:
    """One member; whether it is a user or a group may be told by its address alone."""
    element = _element(raw)
    kind = _TYPES.get(str(raw.get("$ref") or "").rpartition("/")[0].rpartition("/")[2])
    return {"type": kind, **element} if element is not None and kind is not None else element


def _group(row: Row) -> Element:
    name = row.get("displayName")
    named = {"display": name} if isinstance(name, str) and name else {}
    return {"value": identifier(row), **named, "type": "direct"}
