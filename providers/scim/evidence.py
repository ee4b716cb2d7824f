"""What a look at the rows of one resource type tells, altogether: its lists, its filters, its relations, its PATCH."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from scim_bridge.providers.scim.paging import TOLD, UNSEEN, Paging, stated
from scim_bridge.providers.scim.probe import SAMPLES, Ask, Found, inline, is_lean, paged, takes_patch
from scim_bridge.providers.scim.proof import Proven, proven
from scim_bridge.providers.scim.rules import ASSUMED, UNPROVEN, Proof
from scim_bridge.providers.scim.shape import EMPTY, held, identifier, listed
from scim_bridge.query.capabilities import Row
from scim_bridge.query.pages import Send
from scim_bridge.schemas import ResourceSchema, SchemaAttribute

MEMBERS: Final = "members"
_GROUPS_READ: Final = 3


@dataclass(frozen=True, slots=True)
class Announced:
    """The features of a server by its own word; without one, it has none."""

    filter: bool = False
    patch: bool = False
    sort: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen of one resource type.

    - ``listed``: there is such a list; ``rows``: the key of its rows.
    - ``inline``: the relations that rows of a list bring along.
    - ``cut``: lists bring members along, and not all of them.
    - ``apart``: lists do not tell members, which a group's own record does.
    - ``lean``: members are left out of rows when asked to be.
    - ``asked``: members come with a group's own record only when asked for.
    - ``complete``: all that there was to ask was asked.
    - ``enough``: there were rows to prove things on, and nothing odd that may have been chance.
    """

    listed: bool = False
    rows: str = "Resources"
    inline: frozenset[str] = frozenset()
    paging: Paging = UNSEEN
    proof: Proof = UNPROVEN
    patch: bool = False
    cut: bool = False
    apart: bool = False
    lean: bool = False
    asked: bool = False
    enough: bool = False
    complete: bool = True


NOTHING_SEEN: Final = Evidence()
NOBODY_LOOKED: Final = Evidence(paging=TOLD, proof=ASSUMED, patch=True)
"""As if the server did all that SCIM says; for plans that nothing is asked for."""


def relation_attribute(resource: ResourceSchema, name: str) -> SchemaAttribute | None:
    """The multi-valued attribute of references that a relation is, if the type has it."""
    attribute = resource.base.attribute(name)
    return attribute if attribute is not None and attribute.multi_valued and attribute.sub("value") else None


@dataclass(frozen=True, slots=True)
class Opening:
    """The first page of a list; None where the server refuses the list. ``ask`` goes on with it."""

    ask: Ask
    body: Mapping[str, Any] | None


async def opening(send: Send, resource: ResourceSchema) -> Opening:
    """The first page of a resource type. Raises what is no refusal: nothing is known of the list then."""
    ask = Ask(send, resource.endpoint)
    return Opening(ask, await ask.body({"startIndex": "1", "count": str(SAMPLES)}))


async def gathered(seen: Opening, resource: ResourceSchema, announced: Announced) -> Evidence:
    """Try things on the first rows of a resource type; a server that refuses proves nothing."""
    ask, body = seen.ask, seen.body
    if body is None:
        return NOTHING_SEEN
    key, rows = listed(body)
    first = Found(rows, stated(body), held(body, "startIndex"))
    paging = await paged(ask, first, sorts=announced.sort) if rows else UNSEEN
    brought = inline(rows)
    related = relation_attribute(resource, MEMBERS) is not None
    samples, asked = rows, False
    if related and MEMBERS not in brought:
        samples, asked = await _with_members(ask, rows)
    cut = related and MEMBERS in brought and await _cuts_members(ask, rows)
    found = await proven(ask, resource, samples) if announced.filter and rows else Proven()
    evidence = Evidence(
        listed=True,
        rows=key,
        inline=brought - ({MEMBERS} if cut else set()),
        cut=cut,
        paging=_with_totals(paging, found),
        proof=found.proof,
        patch=announced.patch and await takes_patch(ask),
        lean=related and MEMBERS in brought and await is_lean(ask, first, MEMBERS),
        apart=cut or (related and MEMBERS not in brought and samples is not rows),
        asked=asked,
        enough=len(rows) > 1 and paging.usual and (not announced.filter or bool(found.proof.finding)),
    )
    return replace(evidence, enough=evidence.enough and not ask.stopped, complete=not ask.stopped)


def _with_totals(paging: Paging, found: Proven) -> Paging:
    """Totals of filtered lists are worth no more than those of whole ones."""
    return replace(paging, filtered=found.totals if paging.totals == "proven" else paging.totals)


async def _with_members(ask: Ask, rows: list[Row]) -> tuple[list[Row], bool]:
    """Rows of groups, one of them with its members as its own record tells them; and whether it has to be asked to."""
    for row in rows[:_GROUPS_READ]:
        for params in ({}, {"attributes": MEMBERS}):
            record = await ask.record(identifier(row), params)
            if record is not None and held(record, MEMBERS) not in EMPTY:
                whole = {**row, MEMBERS: held(record, MEMBERS)}
                return [whole, *(each for each in rows if each is not row)], bool(params)
    return rows, False


async def _cuts_members(ask: Ask, rows: list[Row]) -> bool:
    """Whether the group of which a list tells the most members has others by its own record."""
    largest = max(rows, key=lambda each: len(member_ids(each) or ()))
    record = await ask.record(identifier(largest), {})
    return record is not None and (member_ids(record) or frozenset()) != member_ids(largest)


def member_ids(row: Row) -> frozenset[str] | None:
    """The ids of a group's members; None where its record does not tell."""
    members = held(row, MEMBERS)
    if not isinstance(members, list):
        return None
    values = (held(each, "value") for each in members if isinstance(each, Mapping))
    return frozenset(str(each) for each in values if isinstance(each, str | int) and each != "")
