"""Whether the audit log is whole and as it was written: each entry is computed again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from scim_bridge.store.audit import ANCHOR, BROKEN, HEAD, PRUNED, every, mark
from scim_bridge.store.chain import FIRST, PLAIN, Keys, Link, Mark
from scim_bridge.store.database import Sql

MAX_PROBLEMS: Final = 100
"""So many are named; the others are counted."""


@dataclass(slots=True)
class Verdict:
    """What was found. ``plain``: entries that are chained without a key; ``head``: number and hash of the last one."""

    entries: int = 0
    plain: int = 0
    head: tuple[int, str] | None = None
    problems: list[str] = field(default_factory=list)
    more: int = 0

    @property
    def ok(self) -> bool:
        return not self.problems

    def found(self, problem: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)
        else:
            self.more += 1


def verify(sql: Sql, keys: Keys, noted: Sequence[str] = ()) -> Verdict:
    """The verdict on the whole log. ``noted``: hashes of heads that were written down elsewhere."""
    walk = _Walk(keys, mark(sql, ANCHOR), frozenset(noted))
    for link in every(sql):
        walk.check(link)
    walk.end(mark(sql, HEAD))
    return walk.verdict


class _Walk:
    """Goes from entry to entry, oldest first."""

    def __init__(self, keys: Keys, anchor: Mark | None, noted: frozenset[str]) -> None:
        self.verdict = Verdict()
        self._keys = keys
        self._anchor = anchor
        self._last = (anchor.number, anchor.hash) if anchor else (0, FIRST)
        self._keyed = False  # whether an entry so far has a key
        self._unknown: dict[str, list[int]] = {}
        self._noted = set(noted) - ({anchor.hash} if anchor else set())
        self._told_cut: tuple[int, str] | None = None  # where the log itself says that it was pruned

    def check(self, link: Link) -> None:
        self._check_place(link)
        self._check_content(link)
        if link.entry.action == BROKEN:
            self.verdict.found(f"entry {link.number}: the log was not as the bridge had left it, {link.entry.details}")
        if link.entry.action == PRUNED:
            self._told_cut = _cut(link)
        self.verdict.entries += 1
        self.verdict.plain += link.key == PLAIN
        self._noted.discard(link.hash)
        self._last = (link.number, link.hash)

    def _check_place(self, link: Link) -> None:
        number, hash_ = self._last
        if link.number > number + 1:
            self.verdict.found(f"{_named(number + 1, link.number - 1)} missing")
        elif link.previous != hash_:
            self.verdict.found(f"entry {link.number} does not follow {f'entry {number}' if number else 'nothing'}")

    def _check_content(self, link: Link) -> None:
        if not self._keys.knows(link.key):
            self._unknown.setdefault(link.key, []).append(link.number)
        elif not self._keys.fits(link):
            self.verdict.found(f"entry {link.number} is not as it was written")
        elif link.key == PLAIN and self._keyed:
            self.verdict.found(f"entry {link.number} is chained without a key, behind entries that have one")
        self._keyed = self._keyed or link.key != PLAIN

    def end(self, head: Mark | None) -> None:
        for key, numbers in self._unknown.items():
            told = _named(numbers[0], numbers[-1])
            self.verdict.found(f"{told} chained with the key {key}, which is not at hand: content was not verified")
        self._check_anchor()
        self._check_head(head)
        for each in sorted(self._noted):
            self.verdict.found(f"no entry has the noted hash {each}")

    def _check_anchor(self) -> None:
        if self._anchor is None:
            if self._told_cut is not None:
                self.verdict.found("the anchor is missing: the log says that it was pruned")
        elif self._keys.knows(self._anchor.key) and not self._keys.marked(self._anchor):
            self.verdict.found("the anchor is not as it was written")
        elif self._told_cut != (self._anchor.number, self._anchor.hash):
            self.verdict.found("the anchor is not where the log says that it was pruned")

    def _check_head(self, head: Mark | None) -> None:
        verdict, (number, hash_) = self.verdict, self._last
        if not verdict.entries:
            verdict.found("there are no entries: the bridge has not run on this database, or they were taken away")
        if head is None:
            verdict.found("the head is missing")
            return
        verdict.head = (head.number, head.hash)
        if head.number > number:
            verdict.found(f"{_named(number + 1, head.number)} missing at the end")
        elif (head.number, head.hash) != (number, hash_):
            verdict.found(f"the head is entry {head.number}, the last entry is {number}, and they do not agree")
        if self._keys.knows(head.key) and not self._keys.marked(head):
            verdict.found("the head is not as it was written")
        if head.key != self._keys.current:
            verdict.found("the head is not sealed with the configured key: was it set or changed since the last entry?")


def _cut(link: Link) -> tuple[int, str] | None:
    """Where an entry says that the log was pruned; None where somebody made it say something else."""
    try:
        told = orjson.loads(link.entry.details)
        return told["through"], told["hash"]
    except (orjson.JSONDecodeError, TypeError, LookupError):
        return None


def _named(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"
