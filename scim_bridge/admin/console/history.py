"""The audit log in the console: found by criteria, a page at a time, and each entry in full."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from scim_bridge.admin.console import shown
from scim_bridge.admin.console.frame import Console, Visit
from scim_bridge.admin.html import HEADERS
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.audit_export import Format
from scim_bridge.store.audit import Criteria
from scim_bridge.store.chain import Link

PAGE: Final = 50
ACTIONS: Final = (
    ("", "all"),
    ("scim", "writes of clients"),
    ("client", "refused clients"),
    ("connection", "connections"),
    ("token", "tokens"),
    ("link", "link sessions"),
    ("mirror", "mirrors"),
    ("console", "the console"),
    ("console.read", "looks at people"),
    ("admin", "refused administrators"),
    ("upstream", "sign-ins to upstreams"),
    ("proxy", "the proxy"),
    ("audit", "the log itself"),
)
OUTCOMES: Final = {"done": "good", "refused": "warning", "failed": "bad", "unknown": "bad"}
_MEDIA: Final[Mapping[Format, str]] = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"}
_LAST_TIME: Final = 253_402_300_800_000
"""The year 10000, which no calendar here has."""
_TEXTS: Final = ("connection", "actor", "action", "resource")
_TIMES: Final = ("since", "until")
_NUMBER: Final = re.compile("[0-9]{1,18}")
FIELDS: Final = (*_TEXTS, *_TIMES)


@dataclass(frozen=True, slots=True)
class Change:
    """An attribute that a write changed; a state that is not known is missing."""

    attribute: str
    before: str
    after: str


class HistoryPages:
    """The list, and one entry."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.routes: list[Route] = [
            console.route("/console/audit", self._list),
            console.route("/console/audit/export", self._export),
            console.route("/console/audit/{number}", self._one),
        ]

    async def _list(self, visit: Visit) -> Response:
        criteria, errors = _criteria(visit.request.query_params)
        before = visit.asked("before")
        known = int(before) if before.isdecimal() and len(before) < 19 else None
        history = self._console.administration.history
        found: Sequence[Link] = await history.page(criteria, PAGE + 1, before=known) if not errors else ()
        asked = {name: value for name, value in visit.request.query_params.items() if name in FIELDS and value}
        connections = sorted(self._console.administration.desk.registry.entries)
        return visit.page(
            "audit.html",
            status=400 if errors else 200,
            section="audit",
            entries=found[:PAGE],
            older=found[PAGE - 1].number if len(found) > PAGE else None,
            newest=known is None,
            asked=asked,
            errors=errors,
            actions=_offered(ACTIONS, asked.get("action", "")),
            connections=_offered([("", "all"), *((each, each) for each in connections)], asked.get("connection", "")),
            outcomes=OUTCOMES,
            is_time=_is_time,
        )

    async def _export(self, visit: Visit) -> Response:
        """The entries that meet the criteria as a file, the oldest first, a part at a time."""
        kind: Format = "csv" if visit.asked("format") == "csv" else "jsonl"
        criteria, errors = _criteria(visit.request.query_params)
        if errors:
            raise AdminError(400, "; ".join(f"{name}: {told}" for name, told in errors.items()))
        lines = await self._console.administration.history.export(visit.by, criteria, kind)
        name = {"Content-Disposition": f'attachment; filename="audit.{kind}"'}
        return StreamingResponse(lines, headers={**HEADERS, **name}, media_type=_MEDIA[kind])

    async def _one(self, visit: Visit) -> Response:
        text = visit.param("number")
        number = int(text) if _NUMBER.fullmatch(text) else 0
        history = self._console.administration.history
        newest = await history.page(Criteria(), 1)
        found = await history.page(Criteria(), 2, before=number + 1) if number else []
        if not found or found[0].number != number:
            raise AdminError(404, f"There is no entry {text[:20]}: it may have been pruned")
        details = _details(found[0])
        changes, members = details.pop("changes", {}), details.pop("members", {})
        calls = details.pop("upstream", [])
        return visit.page(
            "entry.html",
            section="audit",
            link=found[0],
            before=found[1].number if len(found) > 1 else None,
            after=number + 1 if number < newest[0].number else None,
            entry=found[0].entry,
            changes=[_change(name, each) for name, each in changes.items()] if isinstance(changes, Mapping) else [],
            members=shown.as_json(members) if members else "",
            calls=calls if isinstance(calls, list) else [],
            details=[(name, shown.text(each)) for name, each in details.items()],
            outcomes=OUTCOMES,
            is_time=_is_time,
        )


def _criteria(asked: Mapping[str, str]) -> tuple[Criteria, dict[str, str]]:
    """What to look for, and what of it cannot be read, by field."""
    errors: dict[str, str] = {}
    times: dict[str, int | None] = {}
    for name in _TIMES:
        try:
            times[name] = _time(asked.get(name, "").strip())
        except (ValueError, OverflowError):
            times[name], errors[name] = None, "takes a date, as 2026-03-09, or with a time, as 2026-03-09 17:05"
    connection, actor, action, resource = (asked.get(name, "").strip() or None for name in _TEXTS)
    criteria = Criteria(
        times["since"], times["until"], connection=connection, actor=actor, action=action, resource_id=resource
    )
    return criteria, errors


def _is_time(at: Any) -> bool:
    """Whether an entry's time is one: who edits the database may have made it anything."""
    return isinstance(at, int) and 0 <= at < _LAST_TIME


def _time(text: str) -> int | None:
    """Milliseconds since 1970 of a time in UTC, unless it says another zone."""
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def _offered(options: Sequence[tuple[str, str]], chosen: str) -> list[tuple[str, str]]:
    """Options, with what was asked for among them."""
    known = chosen in dict(options)
    return [*options, *([] if known else [(chosen, chosen)])]


def _details(link: Link) -> dict[str, Any]:
    """The details of an entry; whatever somebody made of them in the database."""
    try:
        found = orjson.loads(link.entry.details)
    except (orjson.JSONDecodeError, TypeError):
        found = None
    return found if isinstance(found, dict) else {"details": link.entry.details}


def _change(name: str, states: Any) -> Change:
    """What an attribute was and is; of very large writes only the names are kept."""
    if not isinstance(states, Mapping):
        return Change(name, "", shown.text(states))
    before, after = (_state(states, word) for word in ("before", "after"))
    return Change(name, before, after)


def _state(states: Mapping[str, Any], word: str) -> str:
    if word not in states:
        return "not known"
    value = states[word]
    plain = not isinstance(value, Mapping | list)
    return shown.text(value) if plain else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
