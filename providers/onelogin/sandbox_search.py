"""The filters of the simulated list of users: query parameters that all have to hold, `*` as a wildcard.

Sources: "List users", "Using query parameters" (API v2).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, Final, Literal

from scim_bridge.providers.onelogin.sandbox_fields import SINGLE
from scim_bridge.providers.onelogin.sandbox_store import Store
from scim_bridge.providers.onelogin.sandbox_wire import PAGING, Inbound, bad_request, refusal

Test = Callable[[Mapping[str, Any]], bool]
TEXTS: Final = ("firstname", "lastname", "email", "username", "samaccountname", "external_id")
TIMES: Final = {
    f"{name}_{end}": (field, sign)
    for name, field in (("created", "created_at"), ("updated", "updated_at"), ("last_login", "last_login"))
    for end, sign in (("since", 1), ("until", -1))
}
SORTABLE: Final = ("id", "username", "firstname", "lastname", "email")
CUSTOM: Final = "custom_attributes."
_KNOWN: Final = PAGING | {"fields", "sort", "directory_id", "app_id", "user_ids", *TEXTS, *TIMES}


@dataclass(slots=True)
class SearchKnobs:
    """What the documentation leaves open of the list of users; tests turn these."""

    text_match: Literal["insensitive", "sensitive"] = "insensitive"
    wildcards: bool = True  # documented to work "in many cases"
    inclusive: bool = True  # whether a time equal to a bound is within it
    group_id: bool = True  # the undocumented filter that third parties use


@dataclass(frozen=True, slots=True)
class Search:
    """The users that a request asks for."""

    store: Store
    knobs: SearchKnobs

    def rows(self, request: Inbound) -> list[dict[str, Any]]:
        """All of them in order, whatever the page."""
        query = {name: value for name, value in request.query.items() if name not in {*PAGING, "fields"}}
        self._check(request.query)
        knobs = (self.knobs.text_match, self.knobs.wildcards, self.knobs.inclusive)
        return self.store.kept(("users", tuple(sorted(query.items())), knobs), lambda: self._found(query))

    def _check(self, query: Mapping[str, str]) -> None:
        known = _KNOWN | ({"group_id"} if self.knobs.group_id else set())
        unknown = [each for each in query if each not in known and not self._is_custom(each)]
        if unknown:
            raise bad_request(f"query parameter(s) not allowed: {', '.join(unknown)}")

    def _is_custom(self, name: str) -> bool:
        return name.startswith(CUSTOM) and name.removeprefix(CUSTOM) in self.store.custom

    def _found(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        tests = list(self._tests(query))
        found = [row for row in self._candidates(query) if all(test(row) for test in tests)]
        if "sort" not in query:
            return found
        name, sign = query["sort"][1:], query["sort"][:1]
        if sign not in ("+", "-") or name not in SORTABLE:
            told = name if sign in ("+", "-") else query["sort"].strip()
            raise refusal(422, "UnprocessableEntityFieldError", f"Invalid sort field: {told}", told)
        key = (lambda row: row["id"]) if name == "id" else (lambda row: ((row[name] or "").lower(), row["id"]))
        return sorted(found, key=key, reverse=sign == "-")

    def _candidates(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """The users that an index leaves to look at."""
        users = self.store.users
        for name in ("username", "email"):
            if query.get(name) and "*" not in query[name]:
                holder = self.store.holder(name, query[name])
                return [users[holder]] if holder is not None else []
        if "user_ids" in query:
            return [users[each] for each in sorted(_numbers("user_ids", query["user_ids"])) if each in users]
        return [users[each] for each in self.store.user_ids]

    def _tests(self, query: Mapping[str, str]) -> Iterator[Test]:
        for name, text in query.items():
            if name in TEXTS:
                yield self._textual(itemgetter(name), text)
            elif name.startswith(CUSTOM):
                yield self._textual(_custom(name.removeprefix(CUSTOM)), text)
            elif name in TIMES:
                yield _bound(*TIMES[name], _moment(name, text), inclusive=self.knobs.inclusive)
            elif name in ("directory_id", "group_id"):
                yield _among(name, _numbers(name, text))
            elif name == "app_id":
                yield self._has_app(*_numbers(name, text))

    def _textual(self, read: Callable[[Mapping[str, Any]], Any], text: str) -> Test:
        folds = self.knobs.text_match == "insensitive"
        wanted = text.lower() if folds else text
        parts = wanted.split("*") if self.knobs.wildcards else [wanted]
        pattern = re.compile(".*".join(map(re.escape, parts)), re.DOTALL)

        def test(row: Mapping[str, Any]) -> bool:
            held = read(row)
            return isinstance(held, str) and pattern.fullmatch(held.lower() if folds else held) is not None

        return test

    def _has_app(self, app_id: int) -> Test:
        roles = {each["id"] for each in self.store.roles.values() if app_id in each["apps"]}
        return lambda row: not roles.isdisjoint(row["role_ids"])


def fields_of(query: Mapping[str, str]) -> list[str] | None:
    """The fields that `fields` names, the id among them; None where it names none."""
    if "fields" not in query:
        return None
    names = [each for each in query["fields"].split(",") if each != "id"]
    unknown = [each for each in names if each not in SINGLE]
    if unknown:
        raise bad_request(f"field(s) not allowed: {', '.join(unknown)}")
    return ["id", *dict.fromkeys(names)]


def _custom(name: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda row: row["custom_attributes"].get(name)


def _among(field: str, wanted: list[int]) -> Test:
    return lambda row: row[field] in wanted


def _bound(field: str, sign: int, limit: datetime, *, inclusive: bool) -> Test:
    def test(row: Mapping[str, Any]) -> bool:
        if row[field] is None:
            return False
        seconds = sign * (datetime.fromisoformat(row[field]) - limit).total_seconds()
        return seconds > 0 or (inclusive and seconds == 0)

    return test


def _numbers(name: str, text: str) -> list[int]:
    """The numbers of a list; only `user_ids` takes several."""
    parts = text.split(",") if name == "user_ids" else [text]
    if not all(each.isascii() and each.isdecimal() for each in parts):
        raise bad_request(f"{name} is invalid")
    return list(map(int, dict.fromkeys(parts)))


def _moment(name: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request(f"{name} is invalid") from None
    if found.tzinfo is None:
        raise bad_request(f"{name} is invalid")
    return found
