"""Which filters a SCIM server was seen to get right: each is tried on a row that it has to find, some on none.

SCIM says that most text compares without case (RFC 7643 section 2.2), so text is asked for in swapped case; what finds
its row only as it is spelled is proven for that alone. Where `and` holds every term to account, many terms are proven
by one request, and a group that fails is taken apart.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import quote

from scim_bridge.providers.scim.paging import Totals
from scim_bridge.providers.scim.probe import Ask
from scim_bridge.providers.scim.rules import UNPROVEN, Fact, Proof, is_plain, literal
from scim_bridge.providers.scim.terms import RELATION_PATHS, Term, terms_of
from scim_bridge.query.capabilities import Row, ops
from scim_bridge.schemas import ResourceSchema

_MAX_TEXT: Final = 2000
"""Characters of a filter, URL-encoded: some servers take no longer addresses."""
_MAX_ANCHORS: Final = 4
_MAX_SINGLE: Final = 30
"""Terms that are tried one by one: of each operator, equality first."""
_LEFT_OVER: Final = 4
"""Requests that are not spent on terms: the tries that find nothing come after them."""
_SAMPLES_USED: Final = 3
NOWHERE: Final = ".no-such-value"
_ORDER: Final = ("eq", "eq true", "eq false", "sw", "co", "ew", "ge", "gt", "le", "lt", "pr")


@dataclass(frozen=True, slots=True)
class Proven:
    """What filters do, and what `totalResults` is worth in a list they made."""

    proof: Proof = UNPROVEN
    totals: Totals = "unproven"


_NO_TERM: Final = Term("", ("", ""), "")


def _any(fact: Fact) -> bool:
    return True


async def proven(
    ask: Ask, resource: ResourceSchema, rows: Sequence[Row], *, tried: Callable[[Fact], bool] = _any
) -> Proven:
    """Try the filters of a resource type on its first rows. ``tried``: the comparisons that are worth it."""
    terms = [each for each in terms_of(resource, rows) if tried(each.fact)]
    anchor, folds = await _anchor(ask, terms)
    if anchor is None:
        return Proven()
    prover = _Prover(ask, terms, anchor, folds)
    if await ask.ids(prover.impossible) != []:
        return Proven()  # whatever it does with filters, it finds what is not there
    return await prover.run()


async def _anchor(ask: Ask, terms: Sequence[Term]) -> tuple[Term | None, bool]:
    """A term that finds its row, and whether it did so in swapped case: what clients ask all day, if possible."""
    equal = [each for each in terms if each.fact[1] == "eq" and each.value]
    first: dict[Fact, Term] = {}
    for each in equal:
        if not first.get(each.fact, _NO_TERM).swapped:
            first[each.fact] = each
    for each in islice(sorted(first.values(), key=lambda each: (not each.unique, not each.swapped)), _MAX_ANCHORS):
        for swap in (True, False) if each.swapped else (False,):
            if each.sample in (await ask.ids(each.text(swap=swap)) or ()):
                return each, swap or each.swapped is None
    return None, False


class _Prover:
    """Proves the terms of one resource type; ``folds``: the anchor was found in swapped case, or has none."""

    def __init__(self, ask: Ask, terms: Sequence[Term], anchor: Term, folds: bool) -> None:
        self._ask = ask
        self._terms = terms
        self._anchor = anchor
        self._folds = folds
        self._known = anchor.text(swap=folds)
        self.impossible = f"{anchor.fact[0]} eq {literal(anchor.value + NOWHERE)}"

    async def run(self) -> Proven:
        strict, both = await self._is_strict(), await self._holds_all()
        logic, totals = await self._either(both=both)
        cased = {each.fact for each in self._terms if each.swapped}
        swappable = [each for each in self._terms if each.swapped or each.fact not in cased]
        swapped = await self._proven(swappable, swap=True, both=both) if self._folds else set()
        rest = [each for each in self._terms if each.fact not in {one.fact for one in swapped}]
        folding = frozenset(each.fact for each in swapped if each.swapped)
        finding = frozenset(each.fact for each in swapped | await self._proven(rest, swap=False, both=both))
        wrong = frozenset([each for each in ("sw", "co", "ew") if await self._finds_nothing(each, finding) is False])
        folding = frozenset(each for each in folding if each[1] not in wrong)
        finding = frozenset(each for each in finding if each[1] not in wrong)
        logic |= ops("and") if both else frozenset()
        proof = Proof(folding, finding, logic, strict, sensitive=(finding - folding) & cased)
        return Proven(proof, totals)

    async def _finds(self, *texts: str, sample: str) -> bool:
        return sample in (await self._ask.ids(" and ".join(texts)) or ())

    async def _holds_all(self) -> bool:
        """Whether `and` holds every term to account, wherever it stands."""
        known, impossible = self._known, self.impossible
        if not await self._finds(known, known, sample=self._anchor.sample):
            return False
        return await self._ask.ids(f"{known} and {impossible} and {known}") == []

    # -- one comparison after the other ---------------------------------------------------------------------------

    async def _proven(self, terms: Sequence[Term], *, swap: bool, both: bool) -> set[Term]:
        if not both:
            return await self._proven_singly(_once_each(terms, self._anchor.sample)[:_MAX_SINGLE], swap=swap)
        found: set[Term] = set()
        hopeless: set[str] = set()
        for sample in _samples(terms, self._anchor.sample):
            done = {each.fact for each in found}
            left = [each for each in terms if each.sample == sample and each.fact not in done]
            for group in _groups((each for each in _once_each(left) if each.fact[1] not in hopeless), swap=swap):
                found |= await self._proven_together(group, hopeless, swap=swap)
        return found

    async def _proven_singly(self, terms: Iterable[Term], *, swap: bool) -> set[Term]:
        found: set[Term] = set()
        failed: list[str] = []
        for each in terms:
            operator = each.fact[1]
            if failed.count(operator) > 1 and all(one.fact[1] != operator for one in found):
                continue  # hopeless
            if self._ask.left > _LEFT_OVER and await self._finds(each.text(swap=swap), sample=each.sample):
                found.add(each)
            else:
                failed.append(operator)
        return found

    async def _proven_together(self, group: Sequence[Term], hopeless: set[str], *, swap: bool) -> set[Term]:
        """Of terms that are true of one row, those that find it; taken apart by operator, then in halves.

        An operator of which two fail by themselves is ``hopeless``.
        """
        if not group or self._ask.left <= _LEFT_OVER:
            return set()
        if await self._finds(*(each.text(swap=swap) for each in group), sample=group[0].sample):
            return set(group)
        by_operator: dict[str, list[Term]] = {}
        for each in group:
            by_operator.setdefault(each.fact[1], []).append(each)
        if len(by_operator) > 1:
            return await self._all_of(list(by_operator.values()), hopeless, swap=swap)
        if len(group) < 3:
            return await self._all_of([[each] for each in group], hopeless, swap=swap) if len(group) > 1 else set()
        ends = await self._all_of([[group[0]], [group[-1]]], hopeless, swap=swap)
        if not ends:
            hopeless |= by_operator.keys()
            return set()
        inner, half = group[1:-1], len(group) // 2 - 1
        return ends | await self._all_of([inner[:half], inner[half:]], hopeless, swap=swap)

    async def _all_of(self, parts: Sequence[Sequence[Term]], hopeless: set[str], *, swap: bool) -> set[Term]:
        found: set[Term] = set()
        for each in parts:
            found |= await self._proven_together(each, hopeless, swap=swap)
        return found

    async def _finds_nothing(self, operator: str, finding: frozenset[Fact]) -> bool | None:
        """Whether a comparison that no row can satisfy finds none; None where it is not used."""
        path = next((path for path, each in sorted(finding) if each == operator and path not in RELATION_PATHS), None)
        return None if path is None else await self._ask.ids(f"{path} {operator} {literal(NOWHERE)}") == []

    async def _is_strict(self) -> bool:
        """Whether `eq` compares whole values: a part of one does not find its row."""
        part = self._anchor.value[:-1]
        if not is_plain(part):
            return False
        found = await self._ask.ids(f"{self._anchor.fact[0]} eq {literal(part)}")
        return found is not None and self._anchor.sample not in found

    # -- or -------------------------------------------------------------------------------------------------------

    async def _either(self, *, both: bool) -> tuple[frozenset[str], Totals]:
        """`or` where either arm counts, also within brackets; and the worth of totals, tried on a list of two."""
        known, impossible, sample = self._known, self.impossible, self._anchor.sample
        bracketed = f"({impossible} or {known})" + (f" and {known}" if both else "")
        if not await self._finds(bracketed, sample=sample) or not await self._finds(
            f"{known} or {impossible}", sample=sample
        ):
            return frozenset(), "unproven"
        return ops("or"), await self._totals()

    async def _totals(self) -> Totals:
        """Whether a filtered list states how many rows it has, not how many came or there are in all."""
        other = next(
            (
                each
                for each in self._terms
                if each.fact == self._anchor.fact and each.value.lower() != self._anchor.value.lower()
            ),
            None,
        )
        if other is None:
            return "unproven"
        text = f"{self._known} or {other.text(swap=self._folds)}"
        pages = [await self._ask.page(filter=text, startIndex="1", count=count) for count in ("1", "5")]
        if any(each is None or each.total is None for each in pages):
            return "unproven"
        totals = {each.total for each in pages if each is not None}
        sizes = [len(each.rows) for each in pages if each is not None]
        if totals != {sizes[1]}:
            return "wrong"
        return "proven" if sizes[0] < sizes[1] else "unproven"


def _once_each(terms: Iterable[Term], preferred: str = "") -> list[Term]:
    """One term a fact, of the preferred row where that has one, in the order in which they matter."""
    found: dict[Fact, Term] = {}
    for each in sorted(terms, key=lambda each: each.sample != preferred):
        found.setdefault(each.fact, each)
    return sorted(found.values(), key=lambda each: (not each.unique, _ORDER.index(each.fact[1])))


def _samples(terms: Iterable[Term], first: str) -> list[str]:
    """The rows to try terms on: one, and those that have the most of what it lacks."""
    by_sample: dict[str, set[Fact]] = {}
    for each in terms:
        by_sample.setdefault(each.sample, set()).add(each.fact)
    chosen: list[str] = []
    covered: set[Fact] = set()
    while by_sample and len(chosen) < _SAMPLES_USED:
        fullest = max(by_sample, key=lambda each: len(by_sample[each] - covered))
        best = first if not chosen and first in by_sample else fullest
        if not by_sample[best] - covered:
            break
        covered |= by_sample.pop(best)
        chosen.append(best)
    return chosen


def _groups(terms: Iterable[Term], *, swap: bool) -> list[list[Term]]:
    """Terms in groups that one request can carry."""
    groups: list[list[Term]] = [[]]
    length = 0
    for each in terms:
        size = len(quote(each.text(swap=swap))) + len("%20and%20")
        if length + size > _MAX_TEXT and groups[-1]:
            groups.append([])
            length = 0
        groups[-1].append(each)
        length += size
    return groups
