"""What SCIM filters mean (RFC 7644 section 3.4.2.2), in plain Python that shares no code with the program.

A person is a dictionary of what SCIM shows: single values under their dotted names, several values as a list, of texts
or of dictionaries. The type of a value says how it compares. A filter comes as a `Case`: its text, and what it means.
"""

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any
from unicodedata import normalize

Shown = Mapping[str, Any]
Test = Callable[[Shown], bool]
Case = tuple[str, Test]
AWKWARD = (
    "O'Brien", "MÜLLER", "mu\u0308ller", "Müller", "Straße", "STRASSE", "a%b", "a_b", "a*b", "a+b#c&d", 'say "x"',
    "back\\slash", "Ko\u0308ln", " lead", "trail ", "Σίσυφος", "İstanbul", "\ufb01ne", "\u212aelvin", "kelvin", "Ana",
    "ANA", "ana", "(a) and (b)", 'x" or name eq "y', "tab\tbed", "null", "true",
)  # fmt: skip
"""Texts that are hard to compare, to quote, or to tell from others."""


class Exact(str):
    """A text that SCIM compares with case."""


class Moment(str):
    """A date with time, as text."""


def exact(value: str | int | None) -> Exact | None:
    """A value that SCIM compares with case, if there is one."""
    return None if value is None else Exact(value)


def moment(value: str | datetime | None) -> Moment | None:
    """A date with time, if there is one."""
    return None if not value else Moment(value.isoformat() if isinstance(value, datetime) else value)


OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "co": operator.contains,
    "sw": str.startswith,
    "ew": str.endswith,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
TEXTUAL, ORDERED, EQUAL = "eq ne co sw ew gt ge lt le".split(), "eq ne gt ge lt le".split(), ["eq", "ne"]


def folded(value: str) -> str:
    """A text without case, in one of its spellings."""
    return normalize("NFC", normalize("NFC", value).lower())


def compare(name: str, held: Any, literal: Any) -> bool:
    """Whether one value compares; `ne` is true of what is not there, and null stands for that."""
    if literal is None:
        return (held is None) is (name == "eq")
    if held is None:
        return name == "ne"
    return bool(OPERATORS[name](_key(held, held), _key(held, literal)))


def _key(kind: Any, value: Any) -> Any:
    if isinstance(kind, Moment):
        return datetime.fromisoformat(value)
    if isinstance(kind, Exact):
        return normalize("NFC", value)
    return folded(value) if isinstance(kind, str) else value


def held(shown: Shown, path: str) -> list[Any]:
    """The values that a path leads to: of a complex attribute, its `value`."""
    if path in shown:
        found = shown[path] if isinstance(shown[path], list) else [shown[path]]
        values = [each.get("value") if isinstance(each, Mapping) else each for each in found]
    else:
        name, _, sub = path.rpartition(".")
        values = [each.get(sub) for each in shown.get(name) or ()]
    return [each for each in values if each is not None]


# -- filters -----------------------------------------------------------------------------------------------------------


def term(path: str, name: str, literal: Any) -> Case:
    """A comparison: of several values any, and with `ne` all."""

    def test(shown: Shown) -> bool:
        found = [compare(name, each, literal) for each in held(shown, path) or [None]]
        return all(found) if name == "ne" else any(found)

    return f"{path} {name} {json.dumps(literal, ensure_ascii=False)}", test


def present(path: str) -> Case:
    def test(shown: Shown) -> bool:
        found = shown[path] if isinstance(shown.get(path), list) else held(shown, path)
        return any(each not in (None, "", {}) for each in found)

    return f"{path} pr", test


def within(path: str, *cases: Case) -> Case:
    """A value path: one element has to satisfy all."""
    told, test = cases[0] if len(cases) == 1 else both(*cases)
    return f"{path}[{told}]", lambda shown: any(map(test, shown.get(path) or ()))


def both(*cases: Case) -> Case:
    return " and ".join(f"({each})" for each, _ in cases), lambda shown: all(test(shown) for _, test in cases)


def either(*cases: Case) -> Case:
    return " or ".join(f"({each})" for each, _ in cases), lambda shown: any(test(shown) for _, test in cases)


def no(case: Case) -> Case:
    return f"not ({case[0]})", lambda shown: not case[1](shown)


# -- random ones -------------------------------------------------------------------------------------------------------


class Filters:
    """Random filters on what some people have, on what is close to it, and on what is awkward."""

    def __init__(self, random: Random, people: Sequence[Shown]) -> None:
        self._random = random
        self._values: dict[str, list[Any]] = {}
        self._subs: dict[str, list[str]] = {}
        for shown in people:
            for path, value in shown.items():
                self._learn(path, value)

    def _learn(self, path: str, value: Any) -> None:
        if isinstance(value, list):
            for each in value:
                for sub, part in each.items() if isinstance(each, Mapping) else [("", each)]:
                    self._learn(f"{path}.{sub}" if sub else path, part)
                    if sub and sub not in self._subs.setdefault(path, []):
                        self._subs[path].append(sub)
        elif value is not None:
            self._values.setdefault(path, []).append(value)

    def tree(self, depth: int = 0) -> Case:
        chance = self._random.random()
        if depth > 2 or chance < 0.5:
            return self._leaf()
        if chance < 0.6:
            return no(self.tree(depth + 1))
        parts = [self.tree(depth + 1) for _ in range(self._random.randint(2, 3))]
        return both(*parts) if chance < 0.8 else either(*parts)

    def _leaf(self) -> Case:
        chance = self._random.random()
        if chance < 0.12:
            return present(self._random.choice([*self._values, *self._subs]))
        if chance < 0.24 and self._subs:
            path = self._random.choice(list(self._subs))
            subs = self._random.choices(self._subs[path], k=2)
            return within(path, *(self._term(sub, self._values[f"{path}.{sub}"]) for sub in subs))
        path = self._random.choice(list(self._values))
        return self._term(path, self._values[path])

    def _term(self, path: str, values: Sequence[Any]) -> Case:
        value = self._random.choice(values)
        if isinstance(value, bool):
            return term(path, self._random.choice(EQUAL), self._random.random() < 0.5)
        if isinstance(value, int):
            return term(path, self._random.choice(ORDERED), value + self._random.randint(-1, 1))
        if isinstance(value, Moment):
            return term(path, self._random.choice(ORDERED), self._moment(value))
        return term(path, self._random.choice("eq eq eq sw sw ew co ne gt le".split()), self._text(str(value)))

    def _moment(self, value: str) -> str:
        """That instant, or one close to it, written in some zone."""
        near = datetime.fromisoformat(value) + timedelta(milliseconds=self._random.choice((0, 0, -1, 1, 10**9)))
        zone = timezone(timedelta(minutes=self._random.choice((0, 120, -330))))
        return near.astimezone(zone).isoformat(timespec="milliseconds")

    def _text(self, value: str) -> str:
        cut = self._random.randint(1, max(1, len(value)))
        near = (
            value, value, value.upper(), value.swapcase(), normalize("NFD", value), f"{value}*", f'{value}"',
            f"{value}\\", f"%{value}", f"!{value}", f"{value},x", f"{value} ", "x" * 700, self._random.choice(AWKWARD),
        )  # fmt: skip
        # A part of a value that ends before a combining mark is another letter to SCIM; see the pushed `sw` and `co`.
        parts = (value[:cut], value[cut - 1 :]) if value.isascii() else ()
        chosen: str = self._random.choice((*near, *parts))
        return chosen
