"""A simulated upstream with people and teams, in every manner that access paths can describe, and strict.

It keeps its own names for everything and evaluates what it is asked on its own (`language`). A parameter, an operator
or a path it does not know is an error of the engine, so an AssertionError that nothing may swallow.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any, Literal
from unicodedata import normalize
from urllib.parse import quote, unquote

import httpx

from scim_bridge.upstream.errors import NotFound, Rejected
from scim_bridge.upstream.reply import Reply
from tests.query.language import Language, Match, compares

Person = dict[str, Any]
"""``uid login alias job on mails changed ext realm rest``, as lists show it; ``teams`` and ``left`` are kept back."""

Paging = Literal["link", "cursor", "last", "offset", "index", "page", "one"]
_PAGING: Mapping[Paging, Sequence[str]] = {
    "link": ("limit",),
    "cursor": ("limit", "after"),
    "last": ("limit", "after"),
    "offset": ("limit", "offset"),
    "index": ("limit", "offset"),
    "page": ("limit", "page"),
    "one": (),
}
FIELDS: Mapping[str, str] = {
    "login": "eq sw co ew",
    "job": "eq ne sw co ew pr gt lt",
    "on": "eq",
    "mail": "eq co sw ew pr",
    "kind": "eq",
    "changed": "gt ge lt le",
    "ext": "eq ne sw co ew gt ge lt le",
    "realm": "eq",
    "team": "eq",
}


@dataclass(frozen=True)
class Manner:
    """How one list behaves. ``limit``: rows a request may ask for; what comes may be other than asked in three ways."""

    paging: Paging = "link"
    limit: int = 3
    cap: int = 10_000  # never more rows a page than this, whatever was asked for
    least: int = 1  # never fewer, while there are
    uneven: bool = False  # pages shorter than they have to be, and links to empty ones
    totals: Literal["never", "first", "always"] = "never"
    past_end: Literal["empty", "refused"] = "empty"


@dataclass(frozen=True)
class _Place:
    """Where a list goes on, and with what it was asked for."""

    name: str
    rows: Sequence[Mapping[str, Any]]
    asked: Mapping[str, str]
    limit: int
    at: int


@dataclass
class Upstream:
    """The people, how they can be listed and filtered, and the requests made so far."""

    people: Sequence[Person]
    manner: Manner = Manner()
    match: Match = "insensitive"
    logic: frozenset[str] = frozenset()
    text: bool = True  # filters are text in `q`; else one parameter per predicate
    sql: bool = False  # a comparison with a missing value is unknown, and so is its negation
    loose: bool = False  # a missing job or mail fits whatever is asked for
    max_text: int = 4000
    inline: bool = False  # people's records tell their teams
    calls: list[str] = field(default_factory=list)
    refuses: bool = False  # takes none of the cursors and links it gave
    _given: dict[str, _Place] = field(default_factory=dict)
    _issued: Iterator[int] = field(default_factory=count)

    def forget(self) -> None:
        """Let the cursors and links given so far expire."""
        self._given.clear()

    async def send(self, method: str, target: str, *, params: Mapping[str, str] | None = None) -> Reply:
        assert method == "GET", "reading is all there is"
        query = "&".join(f"{name}={value}" for name, value in (params or {}).items())
        self.calls.append(f"{target}?{query}" if query else target)
        asked = dict(params or {})
        match [unquote(each) for each in target.strip("/").split("/")]:
            case ["next", token]:
                assert params is None, "a link is followed word for word"
                return self._page(self._place(token))
            case ["people"]:
                return self._people(asked)
            case ["people", uid]:
                assert not asked
                return Reply(200, self._shown(self._person(uid)), httpx.Headers())
            case ["people", uid, "teams"]:
                return self._list("teams", [{"key": each} for each in self._person(uid)["teams"]], asked, {})
            case ["teams", name, "people" | "guests" as kind]:
                return self._list(kind, self._memberships(name, kind), asked, {})
        raise AssertionError(f"there is no {target}")

    # -- what is listed -----------------------------------------------------------------------------------------------

    def _person(self, uid: str) -> Person:
        for each in self.people:
            if each["uid"] == uid:
                return each
        raise NotFound("", "no such person", status=404)

    def _shown(self, person: Person) -> dict[str, Any]:
        kept_back = {"left"} if self.inline else {"left", "teams"}
        return {name: value for name, value in person.items() if name not in kept_back}

    def _memberships(self, name: str, kind: str) -> list[dict[str, Any]]:
        """Who is or was in a team; every second person is a guest, whom another list holds."""
        if not any(self._is_team(name, each) for person in self.people for each in person["teams"]):
            raise NotFound("", "no such team", status=404)
        return [
            {"key": f"{person['uid']} {state}", "person": self._shown(person), "state": state}
            for index, person in enumerate(self.people)
            for state, held in (("left", person["left"]), ("in", person["teams"]))
            if (index % 2 == 0) is (kind == "people") and any(self._is_team(name, each) for each in held)
        ]

    def _is_team(self, asked: str, name: str) -> bool:
        return compares("eq", name, asked, self.match)

    def _people(self, asked: dict[str, str]) -> Reply:
        paging = {name: asked.pop(name) for name in _PAGING[self.manner.paging] if name in asked}
        order, filters = asked.get("order"), {name: value for name, value in asked.items() if name != "order"}
        found = [each for each in self.people if self._finds(each, filters)]
        if order is not None:
            assert order in ("login", "-login"), order
            found.sort(key=_login, reverse=order.startswith("-"))
        return self._list("people", [self._shown(each) for each in found], paging, asked)

    # -- what is found ------------------------------------------------------------------------------------------------

    def _finds(self, person: Person, filters: Mapping[str, str]) -> bool:
        if self.text:
            text = filters.get("q")
            assert set(filters) <= {"q"}, filters
            assert text is None or len(quote(text)) <= self.max_text, "the request is too long"
            return text is None or self._language().matches(text, person, _values)
        return all(self._has(person, name, value) for name, value in filters.items())

    def _language(self) -> Language:
        loose = frozenset({"job", "mail"}) if self.loose else frozenset()
        return Language(FIELDS, self.logic, self.match, sql=self.sql, loose=loose)

    def _has(self, person: Person, name: str, value: str) -> bool:
        """One parameter: ``field.operator``; a login is the login proper here, and an alias another field."""
        field, _, operator = name.partition(".")
        assert operator in FIELDS["login" if field == "alias" else field].split(), name
        held = [person[field]] if field in ("login", "alias") else _values(person, field)
        held = [each for each in held if each is not None]
        if self.loose and field in ("job", "mail") and not held:
            return True
        literal: Any = {"true": True, "false": False}[value] if field == "on" else value
        return any(compares(operator, each, literal, self.match) for each in held)

    # -- how it is paged ----------------------------------------------------------------------------------------------

    def _list(
        self, name: str, rows: Sequence[Mapping[str, Any]], paging: dict[str, str], asked: Mapping[str, str]
    ) -> Reply:
        assert set(paging) <= set(_PAGING[self.manner.paging]), paging
        limit = int(paging["limit"]) if self.manner.paging != "one" else len(rows)
        return self._page(_Place(name, rows, asked, limit, self._start(paging, rows, asked, limit)))

    def _start(
        self, paging: Mapping[str, str], rows: Sequence[Mapping[str, Any]], asked: Mapping[str, str], limit: int
    ) -> int:
        match self.manner.paging:
            case "offset":
                return int(paging["offset"])
            case "index":
                assert int(paging["offset"]) >= 1
                return int(paging["offset"]) - 1
            case "page":
                assert int(paging["page"]) >= 1
                return (int(paging["page"]) - 1) * self._size(limit)
            case "cursor" if "after" in paging:
                place = self._place(paging["after"])
                assert (place.asked, place.limit) == (asked, limit), "a cursor goes with its query"
                return place.at
            case "last" if "after" in paging:
                return [_id_of(each) for each in rows].index(paging["after"]) + 1
        return 0

    def _place(self, token: str) -> _Place:
        if self.refuses or token not in self._given:
            raise Rejected("", "the cursor has expired", status=400)
        return self._given[token]

    def _size(self, limit: int) -> int:
        return max(self.manner.least, min(limit, self.manner.cap))

    def _page(self, place: _Place) -> Reply:
        manner, rows, at = self.manner, place.rows, place.at
        if manner.paging != "one":
            assert 1 <= place.limit <= manner.limit, f"asked for {place.limit} rows of {manner.limit} at most"
        if at > len(rows) and manner.past_end == "refused":
            raise Rejected("", "past the end", status=400, codes=("PAST_END",))
        size = self._size(place.limit) if manner.paging != "one" else len(rows)
        if manner.uneven and manner.paging in ("link", "cursor", "last", "offset", "index"):
            size = max(0 if manner.paging == "link" and at % 3 == 1 and not self._skipped(place) else 1, size - at % 3)
        end = min(at + size, len(rows))
        body: dict[str, Any] = {place.name: list(rows[at:end])}
        if end < len(rows) and manner.paging in ("link", "cursor"):
            token = f"t{next(self._issued)}"
            self._given[token] = replace(place, at=end)
            body["next"] = f"/next/{token}" if manner.paging == "link" else token
        return self._counted(place, body)

    def _skipped(self, place: _Place) -> bool:
        """Whether the empty page before these rows was given already."""
        return sum(each.at == place.at and each.name == place.name for each in self._given.values()) > 1

    def _counted(self, place: _Place, body: dict[str, Any]) -> Reply:
        headers = httpx.Headers()
        if self.manner.totals == "always" or (self.manner.totals == "first" and place.at == 0):
            if self.manner.paging in ("offset", "page"):
                headers["Total"] = str(len(place.rows))
            else:
                body["total"] = len(place.rows)
        if not body[place.name] and "total" in body and self.manner.paging != "one":
            del body[place.name]  # as upstreams do that leave an empty list out
        return Reply(200, body, headers)


def _values(person: Mapping[str, Any], field: str) -> list[Any]:
    """What a field holds."""
    match field:
        case "login":
            found = [person["login"], person["alias"]]
        case "mail" | "kind":
            found = [each.get({"mail": "value", "kind": "type"}[field]) for each in person["mails"]]
        case "changed":
            found = [datetime.fromisoformat(person["changed"]) if person["changed"] else None]
        case "team":
            found = list(person["teams"])
        case _:
            found = [person[field]]
    return [each for each in found if each is not None]


def _login(person: Mapping[str, Any]) -> str:
    name = person["alias"] if person["login"] is None else person["login"]
    return normalize("NFC", normalize("NFC", name).lower())


def _id_of(row: Mapping[str, Any]) -> str:
    """What names a row as the last one of a page."""
    named: str = row["key"] if "key" in row else row["uid"]
    return named


def crowd(size: int, **told: Any) -> list[Person]:
    """So many people, numbered; ``told`` is true of each."""
    nobody: Person = {"alias": None, "job": None, "on": None, "mails": [], "changed": None, "ext": None, "realm": "in"}
    return [
        {"uid": f"u{number}", "login": f"user{number}", **nobody, "teams": [], "left": [], **told}
        for number in range(size)
    ]
