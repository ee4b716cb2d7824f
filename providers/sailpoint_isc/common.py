"""What users, groups and roles of Identity Security Cloud share: addresses, filter text, pages, ids."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unicodedata import normalize

from scim_bridge.query.capabilities import NOTHING, AccessPath, Either, Params, Rendered, Row, Rule, Text, ops
from scim_bridge.query.pagers import Offset, OnePage, Total
from scim_bridge.upstream.errors import UpstreamError

_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}", re.ASCII)

PAGES: Final = Offset("offset", "limit", max_page=250, total_at=Total(header="X-Total-Count"))
SMALL_PAGES: Final = Offset("offset", "limit", max_page=50, total_at=Total(header="X-Total-Count"))
"""Roles and members of governance groups; a larger limit is refused, or worse, cut without a word."""


@dataclass(frozen=True, slots=True)
class Api:
    """Where operations are: each service has a version of its own (``v1``), or the API has one (``v2025``)."""

    prefix: str

    def __call__(self, service: str, rest: str = "") -> str:
        return f"/{service}/v1{rest}" if self.prefix == "v1" else f"/{self.prefix}/{service}{rest}"


def is_id(value: str) -> bool:
    """Whether it can be an id: those of identities and roles are 32 hex digits, others UUIDs, all are opaque."""
    return _ID.fullmatch(value) is not None


def literal(value: str) -> str:
    """Text as filters take it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def among(field: str) -> Callable[[Sequence[str]], str]:
    """The filter for several values of a field."""
    return lambda values: f"{field} in ({', '.join(map(literal, values))})"


def counted(sorters: str, **more: str) -> Params:
    """What every page of a list is asked with: its total, and an order, as none is documented without."""
    return {"count": "true", "sorters": sorters, **more}


def listed(path: str, sorters: str, **more: Any) -> AccessPath:
    """A list whose rows are records; ``more``: other fields of the access path."""
    fixed = {**counted(sorters), **more.pop("fixed", {})}
    given: dict[str, Any] = {"pager": PAGES, "expression": "filters", "identity": _row_id, **more}
    return AccessPath(path, rows="", fixed=fixed, **given)


def item(path: str, **fixed: str) -> AccessPath:
    """The look-up of one record by its id, in its list.

    So it follows the list's own rules (identities that are hidden there are not found here), and whoever is not there
    is told by an empty list: how a single read of an unknown governance group is refused is not documented.
    """
    found = f"{path}?filters=id%20eq%20%22{{id}}%22"
    rules = tuple(id_rules("id", lambda value: {"{id}": value}, unique=True))
    return AccessPath(found, rows="", pager=OnePage(), rules=rules, fixed=fixed, absent=_never)


def _row_id(row: Row) -> str:
    return str(row.get("id"))


def _never(error: UpstreamError) -> bool:
    """A list exists always, so "not found" is trouble."""
    return False


def id_rules(path: str, render: Callable[[str], Rendered], *, unique: bool = False) -> Iterator[Rule]:
    """`eq` on an attribute that holds ids.

    They are in lower case, and SCIM tells cases apart in them. Whether the upstream does is not documented, so what it
    finds for one in capitals is checked here.
    """

    def rendered(lower: bool) -> Callable[[str, Any], Rendered]:
        def render_id(operator: str, value: Any) -> Rendered:
            if not isinstance(value, str) or not is_id(value):
                return NOTHING
            return render(value) if (value == value.lower()) is lower else None

        return render_id

    yield Rule(path, ops("eq"), rendered(True), folds=False, unique=unique)
    yield Rule(path, ops("eq"), rendered(False), exact=False, folds=False, unique=unique)


def comparing(field: str) -> Callable[[str], Rendered]:
    """An id compared in filter text."""
    return lambda value: Text(f"{field} eq {literal(value)}")


def text_rules(path: str, field: str, *, joins: bool, unique: bool = False) -> Iterator[Rule]:
    """`eq` and `sw` of a text; ``joins``: the list takes `or`.

    To SCIM an accented letter is the same in one character and in two, composed and decomposed. Whether the upstream
    sees it so is not documented. So both are asked for, and what begins with a letter is checked here, as the accent
    may follow it.
    """

    def rendered(operator: str, value: Any) -> Rendered:
        if not isinstance(value, str) or not value.isprintable():
            return None
        spellings = dict.fromkeys((normalize("NFC", value), normalize("NFD", value)))
        texts = [f"{field} {operator} {literal(each)}" for each in spellings]
        if len(texts) == 1:
            return Text(texts[0])
        return Text(f"({' or '.join(texts)})") if joins else Either(tuple(map(Text, texts)))

    yield Rule(path, ops("eq"), rendered, unique=unique)
    yield Rule(path, ops("sw"), rendered, exact=False)


def moment_rules(path: str, field: str, operators: str) -> Iterator[Rule]:
    """Comparisons of a time, in whole seconds as the vendor's examples have it: wider, and checked here."""

    def rendered(operator: str, value: Any) -> Rendered:
        moment = _moment(value)
        if moment is None:
            return None
        later = operator in ("lt", "le")
        shown = (moment + timedelta(seconds=1) if later else moment).replace(microsecond=0)
        return Text(f"{field} {'ge' if operator == 'gt' else operator} {shown.isoformat().replace('+00:00', 'Z')}")

    yield Rule(path, ops(operators), rendered, exact=False, folds=False)


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
        return None if found.tzinfo is None else found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def reference(value: Any) -> Mapping[str, Any]:
    """A reference in a record; empty where there is none."""
    return value if isinstance(value, Mapping) else {}
