"""What the parts of OneLogin share: ids, times, pages, how a comparison becomes query parameters."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unicodedata import normalize

from scim_bridge.codecs import Codec
from scim_bridge.comparison import instant
from scim_bridge.query.capabilities import NOTHING, AccessPath, Either, Params, Rendered, Row, Rule, ops
from scim_bridge.query.pagers import OnePage, PageNumber, Total
from scim_bridge.upstream.errors import BadAnswer, Rejected
from scim_bridge.upstream.reply import Reply

_ID: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_PATTERNS: Final = {"eq": "{}", "sw": "{}*", "ew": "*{}", "co": "*{}*"}
_SLACK: Final = timedelta(seconds=1)
"""Whether a bound itself is within it is not documented, nor how finely times are compared."""


def pages(max_page: int) -> PageNumber:
    """Lists of API v2. Their cursors are page numbers in disguise, and know no filter."""
    return PageNumber("page", "limit", max_page, total_at=Total(header="Total-Count"))


def identity(row: Row) -> str:
    """Pages by number shift when somebody before them comes or goes; then a row may come twice."""
    return str(row.get("id"))


# -- ids ---------------------------------------------------------------------------------------------------------------


def is_id(value: str) -> bool:
    """Whether OneLogin could hold such an id: they are numbers, and SCIM's are the same as text."""
    return _ID.fullmatch(value) is not None


def _read_id(value: Any) -> str | None:
    """Some are numbers in one answer and text in another."""
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) and value != "" else None


def _write_id(value: Any) -> int:
    if not isinstance(value, str) or not is_id(value):
        raise Rejected("", f"{value!r} is no id of OneLogin: those are numbers")
    return int(value)


ID: Final = Codec(_read_id, _write_id)


def ids(values: Any) -> list[str]:
    """The ids of a list."""
    return [str(each) for each in values or () if _read_id(each) is not None]


def id_rule(
    path: str, render: Callable[[str], Rendered], *, exact: bool = True, unique: bool = False, operators: str = "eq"
) -> Rule:
    """`eq` on an attribute that holds ids."""

    def rendered(operator: str, value: Any) -> Rendered:
        return render(value) if isinstance(value, str) and is_id(value) else NOTHING

    return Rule(path, ops(operators), rendered, exact=exact, folds=False, unique=unique)


def filling(variable: str) -> Callable[[str], Rendered]:
    """An id in a variable of a path, or in a query parameter."""
    return lambda value: {variable: value}


def item(path: str) -> AccessPath:
    """One record by its id."""
    return AccessPath(path, ".", OnePage(), rules=(id_rule("id", filling("{id}"), unique=True),))


def own_id(row: Row) -> str:
    """The id of a record. Raises BadAnswer where there is none: it must not be left out for that."""
    found = _read_id(row.get("id"))
    if found is None:
        raise BadAnswer("", "a record came without its id")
    return found


def new_id(made: Reply) -> str:
    """The id of a record that was just made; roles have answered an array of one. Raises BadAnswer without one."""
    body = made.body[0] if isinstance(made.body, list) and len(made.body) == 1 else made.body
    found = _read_id(body.get("id")) if isinstance(body, Mapping) else None
    if found is None:
        raise BadAnswer("", "a new record came without an id")
    return found


# -- comparisons as query parameters -----------------------------------------------------------------------------------


class Texts:
    """Renders comparisons of text; ``wildcards``: `*` works.

    Never exact: how text is compared is not documented, so what comes back is compared again here.
    """

    def __init__(self, *, wildcards: bool) -> None:
        self._wildcards = wildcards

    @property
    def operators(self) -> frozenset[str]:
        return ops("eq sw ew co" if self._wildcards else "eq")

    def __call__(self, *names: str) -> Callable[[str, Any], Rendered]:
        """Comparisons of one field; of several, any of which may satisfy them."""

        def render(operator: str, value: Any) -> Rendered:
            return Either(tuple(self.options(names, operator, value))) if is_plain(value) else None

        return render

    def options(self, names: Sequence[str], operator: str, value: str) -> list[Params]:
        """One read for each field and spelling.

        To SCIM an accented letter is the same in one character and in two, composed and decomposed. Whether OneLogin
        sees it so is not documented, so both are asked for.
        """
        spellings = dict.fromkeys((normalize("NFC", value), normalize("NFD", value)))
        return [{name: _PATTERNS[operator].format(each)} for name in names for each in spellings]


def is_plain(value: Any) -> bool:
    """Whether a parameter can hold a text so that it means just that.

    `*` is a wildcard that nothing escapes, `!` in front negates (API v1), a comma may part alternatives, and blanks
    around a value may be cut off.
    """
    if not isinstance(value, str) or not value or value != value.strip() or not value.isprintable():
        return False
    return not value.startswith("!") and not set(value) & {"*", ","}


def bounds(since: str, until: str) -> Callable[[str, Any], Rendered]:
    """Comparisons of a time by the parameters that bound it: those rows and maybe a few more."""

    def render(operator: str, value: Any) -> Rendered:
        moment = instant(value)
        if not isinstance(moment, datetime) or moment.tzinfo is None:
            return None
        try:
            low, high = timestamp(moment - _SLACK), timestamp(moment + _SLACK)
        except OverflowError:  # at either end of all time
            return None
        params = {"eq": {since: low, until: high}, "g": {since: low}, "l": {until: high}}
        return params["eq"] if operator == "eq" else params[operator[0]]

    return render


TIME_OPERATORS: Final = ops("eq gt ge lt le")


def timestamp(moment: datetime) -> str:
    """A time as parameters take it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
