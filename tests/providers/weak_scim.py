"""A SCIM server over plain dicts that is as weak as it is told to be: each field of `Weak` is a weakness by itself.

Without any it does what RFC 7644 says; its filters are then those of `scim_bridge.filters`, the oracle of the tests.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import unquote

from scim2_models.path import Comparison, FilterNode, LogicalExpr, LogicalOperator, Not, ValuePath
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from scim_bridge.filters import InvalidFilter, parse, predicate
from scim_bridge.schemas import GROUP, USER, ResourceSchema

ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
VENDOR: Final = "urn:example:unpublished:User"
INNER: Final = "http://node7.inner.test:8080/scim"
LIST: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
TYPES: Final[Mapping[str, ResourceSchema]] = {"Users": USER, "Groups": GROUP}
Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Weak:
    """The weaknesses of a server; the defaults are none."""

    sort: Literal["right", "ignored", "not announced"] = "right"
    patch: Literal["right", "refused", "not announced"] = "right"
    put: Literal["drops", "keeps"] = "drops"  # what a PUT does not send
    filters: Literal["right", "not announced", "refused", "ignored", "empty"] = "right"
    operators: str = "eq ne co sw ew gt ge lt le pr"  # those it knows
    other_operators: Literal["refused", "empty", "ignored"] = "refused"
    logic: str = "and or not"
    other_logic: Literal["refused", "empty", "ignored", "first arm", "last arm"] = "refused"
    cased: bool = False  # text compares with case
    co_is_eq: bool = False
    eq_is_co: bool = False
    booleans: bool = True  # False: `active eq true` finds nothing
    dates_as_text: bool = False
    first_value_only: bool = False  # of several values of an attribute, filters see the first
    totals: Literal["right", "page", "missing", "large", "huge", "small", "all"] = "right"
    cap: int | None = None  # rows of a page, whatever is asked for
    count: bool = True  # False: ignored
    start: Literal["row", "page", "ignored", "from zero"] = "row"  # what startIndex means
    past_end: Literal["empty", "last", "first"] = "empty"  # what it has there
    order: Literal["stable", "unstable"] = "stable"
    states_page: bool = True  # False: no itemsPerPage and startIndex
    key: str = "Resources"
    hosts: bool = False  # locations and references show inner addresses
    discovery: Literal["right", "404", "501", "html", "500"] = "right"
    ids: Literal["text", "numbers"] = "text"
    names: Literal["right", "mixed"] = "right"  # attribute names in another case
    user_groups: Literal["shown", "missing", "unpublished"] = "shown"
    # bare: value alone; cut: in lists, the first two; single, asked: not in lists
    members: Literal["shown", "bare", "cut", "single", "asked"] = "shown"
    projects: bool = True  # honours excludedAttributes
    dangling: bool = False  # a deleted member stays in its groups


class Refused(Exception):
    """What the server does not do."""


@dataclass
class WeakServer:
    """The server as an ASGI application; ``users`` and ``groups`` are the truth, ``calls`` what it was asked."""

    weak: Weak
    users: dict[str, Resource] = field(default_factory=dict)
    groups: dict[str, Resource] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    turns: int = 0
    types: Mapping[str, ResourceSchema] = field(default_factory=lambda: TYPES)  # those it publishes
    read: Callable[[Any, ResourceSchema], Any] = field(default_factory=lambda: _named)  # what it takes from a body
    _truths: dict[tuple[str, str], Resource] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = unquote(request.url.path).removeprefix("/v2/")
        self.calls.append(f"{request.method} {path}" + (f"?{request.url.query}" if request.url.query else ""))
        body = json.loads(await request.body() or b"null")
        try:
            response = self._answer(request.method, path, dict(request.query_params), body)
        except (Refused, InvalidFilter) as error:
            response = _error(400, str(error))
        await response(scope, receive, send)

    def table(self, kind: str) -> dict[str, Resource]:
        return {"Users": self.users, "Groups": self.groups}[kind]

    def _answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Response:
        kind, _, name = path.partition("/")
        if kind in ("ServiceProviderConfig", "ResourceTypes", "Schemas"):
            return self._discovery(kind)
        if kind not in TYPES:
            return _error(404, "no such endpoint")
        if not name:
            return self._create(kind, body) if method == "POST" else self._list(kind, query)
        if method == "PATCH" and self.weak.patch != "right":
            return _error(501, "no PATCH")
        if name not in self.table(kind):
            return _error(404, "no such resource")
        if method == "GET":
            return _json(self._single(kind, name, query))
        return self._changed(method, kind, name, body)

    # -- discovery ----------------------------------------------------------------------------------------------------

    def _discovery(self, kind: str) -> Response:
        match self.weak.discovery:
            case "404" | "501" | "500":
                return _error(int(self.weak.discovery), "no discovery")
            case "html":
                return HTMLResponse("<html>404</html>", 404)
        if kind == "ServiceProviderConfig":
            features = {
                "patch": self.weak.patch != "not announced",
                "filter": self.weak.filters != "not announced",
                "sort": self.weak.sort != "not announced",
            }
            return _json({name: {"supported": each, "maxResults": 1000} for name, each in features.items()})
        if kind == "ResourceTypes":
            found: Sequence[Any] = [each.resource_type_json() for each in self.types.values()]
        else:
            found = [self._schema(schema.to_json()) for each in self.types.values() for schema in each.schemas]
        return _json({"schemas": [LIST], "totalResults": len(found), self.weak.key: found})

    def _schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        if self.weak.user_groups == "unpublished" and schema["id"] == USER.base.id:
            schema["attributes"] = [each for each in schema["attributes"] if each["name"] != "groups"]
        return schema

    # -- lists --------------------------------------------------------------------------------------------------------

    def _list(self, kind: str, query: dict[str, str]) -> Response:
        rows = self._ordered(self._found(kind, query.get("filter")), query.get("sortBy"))
        start, count = int(query.get("startIndex", self.weak.start != "from zero")), int(query.get("count", "1000"))
        page = self._page(rows, start, count)
        excluded = query.get("excludedAttributes", "") if self.weak.projects else ""
        hidden = {"members"} if self.weak.members in ("single", "asked") else set()
        shown = [self._cut(_without(self._shown(kind, each), hidden | set(excluded.split(",")))) for each in page]
        body: dict[str, Any] = {"schemas": [LIST], self.weak.key: shown}
        total = self._total(kind, len(rows), len(page))
        if total is not None:
            body["totalResults"] = total
        if self.weak.states_page:
            body |= {"startIndex": start, "itemsPerPage": len(page)}
        return _json(body)

    def _cut(self, shown: Resource) -> Resource:
        cut = self.weak.members == "cut" and "members" in shown
        return {**shown, "members": shown["members"][:2]} if cut else shown

    def _total(self, kind: str, rows: int, page: int) -> int | None:
        totals = {"page": page, "missing": None, "large": rows + 1, "huge": rows + 9999, "small": max(0, rows - 2)}
        return len(self.table(kind)) if self.weak.totals == "all" else totals.get(self.weak.totals, rows)

    def _page(self, rows: list[Resource], start: int, count: int) -> list[Resource]:
        size = min(count if self.weak.count else len(rows), self.weak.cap or len(rows))
        match self.weak.start:
            case "ignored":
                at = 0
            case "page":
                at = (start - 1) * size
            case "from zero":
                at = start
            case _:
                at = start - 1
        if at >= len(rows) and self.weak.past_end != "empty":
            at = max(0, len(rows) - 1) // max(1, size) * max(1, size) if self.weak.past_end == "last" else 0
        return rows[at : at + size]

    def _ordered(self, rows: list[Resource], sort_by: str | None) -> list[Resource]:
        if sort_by == "id" and self.weak.sort == "right":
            return sorted(rows, key=lambda each: str(each["id"]))
        if self.weak.order == "stable":
            return rows
        self.turns += 1
        return sorted(rows, key=lambda each: hash((self.turns, int(str(each["id"])))))

    def _single(self, kind: str, name: str, query: Mapping[str, str]) -> Resource:
        asked = query.get("attributes", "").split(",")
        hidden = {"members"} if self.weak.members == "asked" and "members" not in asked else set()
        return _without(self._shown(kind, self.table(kind)[name]), hidden)

    # -- filters ------------------------------------------------------------------------------------------------------

    def _found(self, kind: str, text: str | None) -> list[Resource]:
        rows = [self.truth(kind, each) for each in self.table(kind)]
        if text is None or self.weak.filters == "ignored":
            return rows
        if self.weak.filters in ("refused", "not announced"):
            raise Refused("no filters")
        check = self._check(parse(text), TYPES[kind]) if self.weak.filters == "right" else lambda row: False
        return [each for each in rows if check(each)]

    def _check(self, node: FilterNode, schema: ResourceSchema) -> Callable[[Resource], bool]:
        if isinstance(node, LogicalExpr):
            return self._logical(node, schema)
        if isinstance(node, Not):
            inner = self._check(node.expr, schema)
            return (lambda row: not inner(row)) if "not" in self.weak.logic else self._other(self.weak.other_logic)
        operator = "" if isinstance(node, ValuePath) else node.op.value if isinstance(node, Comparison) else "pr"
        if operator and operator not in self.weak.operators.split():
            return self._other(self.weak.other_operators)
        return self._comparison(node, schema) if isinstance(node, Comparison) else predicate(node, schema)

    def _logical(self, node: LogicalExpr, schema: ResourceSchema) -> Callable[[Resource], bool]:
        word = "and" if node.op is LogicalOperator.and_ else "or"
        if word not in self.weak.logic.split():
            if self.weak.other_logic in ("first arm", "last arm"):
                return self._check(node.terms[0 if self.weak.other_logic == "first arm" else -1], schema)
            return self._other(self.weak.other_logic)
        checks = [self._check(each, schema) for each in node.terms]
        joined = all if word == "and" else any
        return lambda row: joined(each(row) for each in checks)

    def _other(self, habit: str) -> Callable[[Resource], bool]:
        """What the server does with what it does not know."""
        if habit == "refused":
            raise Refused("not supported")
        return lambda row: habit == "ignored"

    def _comparison(self, node: Comparison, schema: ResourceSchema) -> Callable[[Resource], bool]:
        exact, operator, value = predicate(node, schema), node.op.value, node.value
        path = schema.resolve(str(node.attr_path))
        if path is not None and path.sub is None and path.attribute.sub("value"):
            path = schema.resolve(f"{node.attr_path}.value")
        if path is None:
            return lambda row: False
        if isinstance(value, bool) and not self.weak.booleans:
            return lambda row: False
        dates = path.target.type == "dateTime" and self.weak.dates_as_text
        odd = self.weak.cased or self.weak.co_is_eq or self.weak.eq_is_co or self.weak.first_value_only or dates
        if not odd or not isinstance(value, str):
            return exact

        def check(row: Resource) -> bool:
            found = path.read(row)
            values = found if isinstance(found, list) else [found]
            values = values[:1] if self.weak.first_value_only else values
            folds = not self.weak.cased and not path.target.case_exact
            return any(isinstance(each, str) and _compare(self._odd(operator), each, value, folds) for each in values)

        return check

    def _odd(self, operator: str) -> str:
        if operator == "co" and self.weak.co_is_eq:
            return "eq"
        return "co" if operator == "eq" and self.weak.eq_is_co else operator

    # -- resources ----------------------------------------------------------------------------------------------------

    def truth(self, kind: str, name: str) -> Resource:
        """A resource as SCIM has it: a user with the groups that have it. Not to be changed."""
        if (kind, name) not in self._truths:
            self._truths[kind, name] = self._made(kind, name)
        return self._truths[kind, name]

    def forget(self) -> None:
        """What is kept of resources, after they were changed from outside."""
        self._truths.clear()

    def _made(self, kind: str, name: str) -> Resource:
        held = deepcopy(self.table(kind)[name])
        if kind == "Users" and (groups := self._groups_of(name)):
            held["groups"] = groups
        return held

    def _groups_of(self, name: str) -> list[Resource]:
        """The groups that have somebody, and those that have one of these groups."""
        found: list[Resource] = []
        above, kind = [name], "direct"
        while above:
            there = {each["value"] for each in found}
            holders = [
                each
                for each in self.groups.values()
                if each["id"] not in there and any(one["value"] in above for one in each.get("members", ()))
            ]
            found += [{"value": each["id"], "display": each["displayName"], "type": kind} for each in holders]
            above, kind = [each["id"] for each in holders], "indirect"
        return found

    def _shown(self, kind: str, held: Resource) -> Resource:
        """A resource as the server shows it."""
        shown = dict(self.truth(kind, held["id"]))
        if self.weak.user_groups != "shown":
            shown.pop("groups", None)
        if self.weak.members == "bare":
            shown |= (
                {"members": [{"value": each["value"]} for each in shown["members"]]} if shown.get("members") else {}
            )
        if self.weak.hosts:
            shown["meta"] = {**shown["meta"], "location": f"{INNER}/{kind}/{held['id']}"}
            for name in {"members", "groups"} & shown.keys():
                shown[name] = [{**each, "$ref": f"{INNER}/{name}/{each['value']}"} for each in shown[name]]
        if self.weak.ids == "numbers":
            shown = _numbered(shown)
        return _mixed(shown) if self.weak.names == "mixed" else shown

    def _create(self, kind: str, body: Resource) -> Response:
        self._truths.clear()
        name = str(1000 + len(self.users) + len(self.groups))
        stamp = {"resourceType": TYPES[kind].name, "created": STAMP, "lastModified": STAMP}
        self.table(kind)[name] = {**self.read(body, TYPES[kind]), "id": name, "meta": stamp}
        return _json(self._shown(kind, self.table(kind)[name]), 201)

    def _changed(self, method: str, kind: str, name: str, body: Any) -> Response:
        table = self.table(kind)
        self._truths.clear()
        if method == "DELETE":
            del table[name]
            for each in () if self.weak.dangling else self.groups.values():
                each["members"] = [one for one in each.get("members", ()) if one["value"] != name]
            return Response(status_code=204)
        before = table[name]
        if method == "PATCH":
            after = deepcopy(before)
            for each in body["Operations"]:
                _patch(after, each)
        else:
            after = self.read(body, TYPES[kind])
            after = {**before, **after} if self.weak.put == "keeps" else after
        kept = {"id": name, "meta": before["meta"]}
        table[name] = {key: value for key, value in {**after, **kept}.items() if value not in (None, [], "", {})}
        return _json(self._shown(kind, table[name]))


STAMP: Final = "2026-03-04T05:06:07Z"


def _compare(operator: str, actual: str, value: str, folds: bool) -> bool:
    if folds:
        actual, value = actual.lower(), value.lower()
    match operator:
        case "eq":
            return actual == value
        case "ne":
            return actual != value
        case "co":
            return value in actual
        case "sw":
            return actual.startswith(value)
        case "ew":
            return actual.endswith(value)
        case "gt":
            return actual > value
        case "ge":
            return actual >= value
        case "lt":
            return actual < value
    return actual <= value


def _error(status: int, detail: str) -> Response:
    schema = "urn:ietf:params:scim:api:messages:2.0:Error"
    return _json({"schemas": [schema], "status": str(status), "detail": detail}, status)


def _json(body: Any, status: int = 200) -> Response:
    return JSONResponse(body, status, media_type="application/scim+json")


def _without(resource: Resource, names: set[str]) -> Resource:
    return {key: value for key, value in resource.items() if key.lower() not in names}


def _numbered(resource: Resource) -> Resource:
    """Ids, and what refers to them, as numbers."""
    found = {**resource, "id": int(resource["id"])}
    for name in ("members", "groups"):
        if name in found:
            found[name] = [{**each, "value": int(each["value"])} for each in found[name]]
    return found


def _mixed(value: Any) -> Any:
    """The same with names in another case; URNs stay."""
    if isinstance(value, list):
        return [_mixed(each) for each in value]
    if isinstance(value, dict):
        return {key if ":" in key else key[0].swapcase() + key[1:]: _mixed(each) for key, each in value.items()}
    return value


def _named(body: Any, schema: ResourceSchema) -> Any:
    """A resource as sent, its names as the schema spells them and its ids as text."""
    known = {each.name.lower(): each for each in schema.base.attributes}
    common = {each.lower(): each for each in ("schemas", "id", "externalId", "meta")}
    named = {}
    for key, value in body.items():
        attribute = known.get(key.lower())
        subs = {each.name.lower(): each.name for each in attribute.sub_attributes} if attribute else {}
        name = attribute.name if attribute else common.get(key.lower(), _first_lower(key))
        named[name] = _subs(value, subs)
        if ":" in key and isinstance(value, dict):
            named[name] = {_first_lower(inner): each for inner, each in value.items()}
    return {key: value for key, value in named.items() if key != "groups" or schema is not USER}


def _first_lower(name: str) -> str:
    return name if ":" in name else name[0].lower() + name[1:]


def _subs(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_subs(each, names) for each in value]
    if not isinstance(value, dict) or not names:
        return value
    renamed = {names.get(key.lower(), key): each for key, each in value.items() if key != "$ref"}
    return {key: str(each) if key == "value" else each for key, each in renamed.items()}


def _patch(resource: Resource, operation: Mapping[str, Any]) -> None:
    """One operation as the bridge sends them: whole attributes, parts of them, members."""
    path: str = operation["path"]
    value: Any = operation.get("value")
    urn, _, name = path.rpartition(":")
    holder = resource if not urn or urn == USER.base.id else resource.setdefault(urn, {})
    if path == "members":
        there = {each["value"] for each in resource.get("members", ())}
        added = [each for each in value if each["value"] not in there]
        resource["members"] = [*resource.get("members", ()), *added]
    elif path.startswith("members["):
        gone = json.loads(path.partition(" eq ")[2].rstrip("]"))
        resource["members"] = [each for each in resource.get("members", ()) if each["value"] != gone]
    elif operation["op"] == "remove":
        name, _, sub = name.partition(".")
        if sub:
            holder.get(name, {}).pop(sub, None)
        else:
            holder.pop(name, None)
    else:
        holder[name] = {**holder.get(name, {}), **value} if isinstance(value, dict) else value


# -- who is in it ----------------------------------------------------------------------------------------------------

GIVEN: Final = ("Ann", "Bob", "Cyd", "Dan", "Eve", "Fay", "Gus")
FAMILY: Final = ("Moe", "Noll", "Orr", "Poe", "Quinn")
TITLES: Final = ("Engineer", "sales Manager", None, "ENGINEER", "Boss")


def server(weak: Weak = Weak(), users: int = 23, groups: int = 5) -> WeakServer:
    """A server with people in it; the last group is empty, the one before holds a group and nobody else."""
    found = WeakServer(weak)
    for number in range(users):
        each = _person(number)
        found.users[each["id"]] = each
    names = list(found.users)
    for number in range(groups):
        ids = [] if number == groups - 1 else names[number :: groups - 1][:7]
        members = [{"value": each, "type": "User"} for each in ids]
        if number == groups - 2 and groups > 2:
            members = [{"value": "500", "type": "Group"}]
        name = str(500 + number)
        group: Resource = {
            "schemas": [GROUP.base.id],
            "id": name,
            "displayName": f"Team {'ABCDEFGH'[number]}",
            "badge": 7,
        }
        group |= {"meta": _meta("Group", number)} | ({"members": members} if members else {})
        found.groups[name] = group
    return found


def _person(number: int) -> Resource:
    given, family = GIVEN[number % len(GIVEN)], FAMILY[number * 3 % len(FAMILY)]
    login, title = f"{given}.{family}{number}", TITLES[number % len(TITLES)]
    emails = [{"value": f"{login}@Corp.example", "type": "work", "primary": True}]
    if number % 3 == 0:
        emails.append({"value": f"{number}@home.example", "type": "home"})
    person: Resource = {
        "schemas": [USER.base.id, ENTERPRISE, VENDOR],
        "id": str(7100 - number * 7 % 97),
        "userName": login,
        "name": {"givenName": given, "familyName": family},
        "active": number % 4 != 3,
        "emails": emails,
        "vendorColour": "blue",
        ENTERPRISE: {"department": ("R and D", "Sales")[number % 2], "employeeNumber": f"{number:03}"},
        VENDOR: {"badge": number},
        "meta": _meta("User", number),
    }
    person |= {"title": title} if title else {}
    person |= {"externalId": f"x{number}"} if number % 5 else {}
    return person


def _meta(kind: str, number: int) -> Resource:
    # Each with an offset of its own, so that text order is not the order in time.
    hour, offset = number % 24, ("Z", "+05:00", "-05:00")[number % 3]
    stamp = f"2026-01-{1 + number % 28:02}T{hour:02}:00:00{offset}"
    return {"resourceType": kind, "created": stamp, "lastModified": stamp}
