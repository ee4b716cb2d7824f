"""What a few harmless requests prove of a SCIM server: which comparisons ignore case, what rows bring along.

SCIM says that most text compares without case (RFC 7643 section 2.2), and many servers compare it with case. Whether
one does is asked of it: by a filter that names a row in swapped case. Only what finds the row may be pushed down.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from scim_bridge.providers.scim.rules import TEXT, Proven, fields, is_plain, literal
from scim_bridge.providers.scim.shape import EMPTY, identifier, shaper
from scim_bridge.query.pages import Send
from scim_bridge.schemas import ResourceSchema
from scim_bridge.upstream.errors import AuthRefused, NotFound, Rejected, UpstreamError

RELATIONS: Final = ("members", "groups")
_SAMPLES: Final = 10
_MAX_TEXT: Final = 4000
_PARTS: Final = {"eq": slice(None), "sw": slice(3), "co": slice(1, 4), "ew": slice(-3, None)}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen of one resource type."""

    listed: bool = False  # the server has such a list
    rows: str = "Resources"  # the key of the rows in a list
    inline: frozenset[str] = frozenset()  # the relations that rows of a list bring along
    proven: Proven = frozenset()
    by_member: bool = False  # `members.value eq` is not known to miss groups


NOTHING_SEEN: Final = Evidence()


@dataclass(frozen=True, slots=True)
class _Term:
    path: str
    operator: str
    text: str


async def gathered(send: Send, resource: ResourceSchema, *, filters: bool, text: bool) -> Evidence:
    """Read a few rows of a resource type and try filters on one of them, in seven requests at most.

    A server that refuses proves nothing, which is safe; an outage is raised.
    """
    ask = _Ask(send, resource.endpoint)
    body = await ask.page({"startIndex": "1", "count": str(_SAMPLES)})
    key, rows = listed(body)
    inline = frozenset(name for name in RELATIONS if any(row.get(name) not in EMPTY for row in rows))
    proven = await _proven(ask, resource, rows) if filters and text else frozenset()
    return Evidence(bool(body), key, inline, proven, by_member=filters and await _finds_by_member(ask, rows))


@dataclass(frozen=True, slots=True)
class _Ask:
    send: Send
    endpoint: str

    async def page(self, params: Mapping[str, str]) -> Mapping[str, Any]:
        """A page of the list; an empty object where the server refuses it."""
        try:
            body = (await self.send("GET", self.endpoint, params=params)).body
        except UpstreamError as error:
            if not _is_refusal(error, filtered="filter" in params):
                raise
            return {}
        return body if isinstance(body, Mapping) else {}

    async def ids(self, *terms: str, count: int = 2) -> list[str] | None:
        """The ids of the rows that a filter finds; None where the server refuses it."""
        body = await self.page({"filter": " and ".join(terms), "startIndex": "1", "count": str(count)})
        return [identifier(row) for row in listed(body)[1]] if body else None


def listed(body: Mapping[str, Any]) -> tuple[str, list[Mapping[str, Any]]]:
    """The key of the rows in a ListResponse, which some servers spell their own way, and the rows."""
    key = next((each for each in body if each.lower() == "resources"), "Resources")
    rows = body.get(key)
    return key, [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _is_refusal(error: UpstreamError, *, filtered: bool) -> bool:
    """Whether a server does not do what was asked; some answer 500 to filters they do not know."""
    denied = isinstance(error, AuthRefused) and error.status == 403
    refused = denied or isinstance(error, Rejected | NotFound) or error.status == 501
    return refused or (filtered and error.status == 500)


async def _proven(ask: _Ask, resource: ResourceSchema, rows: list[Mapping[str, Any]]) -> Proven:
    """The comparisons that find the best sample, and no other row, in swapped case."""
    samples = [(identifier(row), _terms(resource, row)) for row in rows]
    sample, terms = max(samples, key=lambda each: len(each[1]), default=("", []))
    if not terms:
        return frozenset()
    anchor = terms[0]
    if await ask.ids(anchor.text) != [sample]:
        return frozenset()
    # Only where `and` is known to hold every term to account do many terms at once prove each of them.
    impossible = f'{anchor.text[:-1]}.no-such-value"'
    if await ask.ids(anchor.text, impossible, anchor.text) != []:
        return _names([anchor])
    for_all = [terms]
    by_kind = [[each for each in terms if each.operator == "eq"], [each for each in terms if each.path == anchor.path]]
    for groups in (for_all, by_kind):
        held = [each for each in groups if await ask.ids(anchor.text, *(one.text for one in each)) == [sample]]
        if held:
            return _names([one for each in held for one in each])
    return _names([anchor])


def _names(terms: list[_Term]) -> Proven:
    return frozenset((each.path, each.operator) for each in terms)


def _terms(resource: ResourceSchema, row: Mapping[str, Any]) -> list[_Term]:
    """Comparisons in swapped case that are true of a row: equality of what is unique first, as long as they fit."""
    values = shaper(resource)(row)
    terms = [(unique, each) for unique, each in _swapped(resource, values)]
    terms.sort(key=lambda each: (each[1].operator != "eq", not each[0]))
    found: list[_Term] = []
    length = 0
    for _, each in terms:
        length += len(quote(each.text)) + len("%20and%20")
        if length <= _MAX_TEXT:
            found.append(each)
    return found if found and found[0].operator == "eq" else []


def _swapped(resource: ResourceSchema, values: Mapping[str, Any]) -> Iterator[tuple[bool, _Term]]:
    for field in fields(resource):
        found = resource.resolve(field.path)
        value = found.read(values) if found is not None else None
        value = value[0] if isinstance(value, list) and value else value
        if (
            field.path.partition(".")[0] in RELATIONS
            or field.attribute.type != "string"
            or field.attribute.case_exact
            or not isinstance(value, str)
        ):
            continue
        for operator in sorted(TEXT):
            part = value[_PARTS[operator]]
            if is_plain(value) and is_plain(part) and part.swapcase() != part:
                text = f"{field.path} {operator} {literal(part.swapcase())}"
                yield field.attribute.uniqueness != "none", _Term(field.path, operator, text)


async def _finds_by_member(ask: _Ask, rows: list[Mapping[str, Any]]) -> bool:
    """Whether `members.value eq` finds a group by its first member; True where no group has any yet."""
    for row in rows:
        members = row.get("members")
        if isinstance(members, list) and members and isinstance(members[0], Mapping):
            found = await ask.ids(f"members.value eq {literal(members[0].get('value'))}", count=100)
            return found is not None and identifier(row) in found
    return True
