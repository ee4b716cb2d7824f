"""Choosing how a query runs: which access path, what it evaluates, what is checked here, at what expected cost.

Plans are ranked by the upstream requests they are expected to cost: a look-up, then a window (direct offset), then a
walk (follow the cursors), then a scan (read everything pushed down, check and sort here). The choice depends on filter
and sort alone, never on the page or on what was seen before: all pages of a query, on every node, come from one list.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal
from urllib.parse import quote

from scim2_models.path import FilterNode, LogicalExpr, LogicalOperator

from scim_bridge.query.capabilities import AccessPath, Collection, Params, Relation
from scim_bridge.query.push import MAX_BRANCHES, Alternatives, Pushed, Splitter, attribute_names

Strategy = Literal["nothing", "lookup", "window", "walk", "scan"]
ASSUMED_ROWS = 10_000
"""How many rows a collection is taken to have; only ranks plans."""
ASSUMED_RELATED = 50
"""How many elements a relation is taken to have per owner; only ranks plans."""
_ASSUMED_COUNT = 100
_MAX_SPLITS = 4
"""Ways to split a filter that are considered: each plans all of it again."""
_RANKS: Mapping[Strategy, int] = {"nothing": 0, "lookup": 1, "window": 2, "walk": 3, "scan": 4}


@dataclass(frozen=True, slots=True)
class Sort:
    """An order asked for: ``sortBy`` in canonical spelling, and its direction."""

    path: str
    descending: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.path, "descending" if self.descending else "ascending"


@dataclass(slots=True)
class Query:
    """What to find: rows ``offset`` to ``offset + count`` of those matching ``filter``, in the order of ``sort``."""

    filter: FilterNode | None = None
    sort: Sort | None = None
    offset: int = 0
    count: int = 100
    relations: frozenset[str] = frozenset()  # the relations to fill in for the rows returned
    need_total: bool = True
    documents: bool = False  # rows may come as stored documents
    follow: bool = True  # whether where the next page begins is asked for

    @property
    def key(self) -> tuple[str, Sort | None]:
        """What makes two queries pages of the same list."""
        return str(self.filter or ""), self.sort


@dataclass(slots=True)
class Branch:
    """One upstream read of a plan: an access path with its variables filled and what is pushed down."""

    access: AccessPath
    path: str
    params: Params
    exact: bool
    share: float = 1.0  # expected, of all rows that the path holds
    most: int | None = None  # rows, at most; None: unknown
    pushed: str = ""  # what of the filter it evaluates, for people
    apart: bool = True  # it shares no row with the other reads of its plan
    lean: bool = False  # rows tell nothing of relations

    @property
    def key(self) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        """What makes two reads pages of the same upstream list, whose positions mean the same."""
        return self.mechanics, self.path, tuple(sorted(self.params.items()))

    @property
    def unique(self) -> bool:
        """Whether it brings one row at most."""
        return self.most == 1

    @property
    def mechanics(self) -> str:
        """The kind of paging: what the positions of the list mean."""
        return type(self.access.pager).__name__

    def leaner(self) -> "Branch":
        """The same without relations, where the upstream leaves them out."""
        lean = self.access.lean
        return replace(self, params={**self.params, **lean}, lean=True) if lean else self

    def richer(self) -> "Branch":
        """The same with relations, where the upstream has to be asked for them."""
        return replace(self, params={**self.params, **self.access.rich}) if self.access.rich else self


@dataclass(frozen=True, slots=True)
class Plan:
    """How one query runs. Printable: `scim-bridge explain`."""

    branches: tuple[Branch, ...]
    residual: FilterNode | None
    strategy: Strategy
    sorted_here: bool = False
    residual_relations: tuple[str, ...] = ()
    expected_requests: int = 0
    considered: tuple[str, ...] = field(default=(), compare=False)


class Planner:
    """Plans queries over one collection."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self._splitters = [
            (access, Splitter(access, collection.resource)) for access in (collection.item, *collection.reads)
        ]

    def plan(self, query: Query) -> Plan:
        """The cheapest way to answer a query exactly.

        Raises ValueError when no access path can list the collection at all.
        """
        candidates = [self._finish(branches, query) for branches in self._covers(query.filter)]
        if not candidates:
            raise ValueError(f"{self.collection.resource.name} cannot be listed by any access path")
        best = min(candidates, key=self._rank)
        others = tuple(f"{_names(plan)}: {self._rank(plan)[0]}" for plan in candidates if plan is not best)
        return replace(best, expected_requests=self._requests(best, query.offset, query.count), considered=others)

    def unaided(self, query: Query) -> Plan:
        """The plan that leaves all of the filter to us, for an upstream that refuses what is pushed down."""
        lists = (_branches(each, (Pushed(exact=False),)) for each in self.collection.reads)
        return self._finish(next(filter(None, lists)), query)

    def _covers(self, node: FilterNode | None) -> Iterator[tuple[Branch, ...]]:
        """Sets of reads whose rows together include every match."""
        yield from self._direct_covers(node)
        for arms in islice(_arms(node), _MAX_SPLITS) if node is not None else ():
            union = self._union(arms) if len(arms) <= MAX_BRANCHES else None
            if union is not None:
                yield union

    def _direct_covers(self, node: FilterNode | None) -> Iterator[tuple[Branch, ...]]:
        """Those of one access path each."""
        for access, splitter in self._splitters:
            branches = _branches(access, _push(splitter, node))
            if branches is not None:
                yield branches

    def _union(self, arms: Sequence[FilterNode]) -> tuple[Branch, ...] | None:
        """`or` as a union of reads, each arm by its own best access path; None where an arm would read everything."""
        found: dict[object, Branch] = {}
        for arm in arms:
            narrowed = [cover for cover in self._direct_covers(arm) if all(branch.share < 1 for branch in cover)]
            chosen = min(narrowed, key=_size, default=None)
            if chosen is None:
                return None
            for branch in chosen:
                twin = found.setdefault(branch.key, branch)
                found[branch.key] = replace(twin, exact=twin.exact and branch.exact, apart=False)
        return tuple(found.values()) if len(found) <= MAX_BRANCHES else None

    def _finish(self, branches: tuple[Branch, ...], query: Query) -> Plan:
        """A plan from its reads: what is left to check, and the strategy that follows."""
        if not branches:
            return Plan((), None, "nothing")
        exact = all(branch.exact for branch in branches)
        residual = None if exact else query.filter
        natively = _native_sort(branches, query.sort)
        sorted_here = query.sort is not None and natively is None
        branches = (natively,) if natively is not None else branches
        strategy = _strategy(branches, whole=residual is None and not sorted_here)
        deciding = self._deciding(residual, query.sort, sorted_here)
        related = bool(deciding or query.relations)
        branches = tuple(each.richer() if related else each.leaner() for each in branches)
        return Plan(branches, residual, strategy, sorted_here, deciding)

    def _deciding(self, residual: FilterNode | None, sort: Sort | None, sorted_here: bool) -> tuple[str, ...]:
        """The relations whose elements decide whether or where a row belongs."""
        names = attribute_names(residual, self.collection.resource) if residual is not None else frozenset()
        if sort is not None and sorted_here:
            names |= {sort.path.partition(".")[0]}
        return tuple(each.attribute for each in self.collection.relations if each.attribute in names)

    # -- what a plan costs --------------------------------------------------------------------------------------------

    def _rank(self, plan: Plan) -> tuple[int, int]:
        """Expected upstream requests for a first page, the surer strategy first; the same for all pages of a query."""
        return self._requests(plan, 0, _ASSUMED_COUNT), _RANKS[plan.strategy]

    def _requests(self, plan: Plan, offset: int, count: int) -> int:
        """Expected upstream requests for a page, with nothing cached; a total that is not stated comes on top."""
        if plan.strategy == "nothing":
            return 0
        if plan.strategy in ("lookup", "scan"):
            requests, rows = _size(plan.branches)
            return requests + rows * self._relation_requests(plan)
        pager = plan.branches[0].access.pager
        first = offset if plan.strategy == "walk" else 0
        others = len(plan.branches) - 1  # the length of each list decides where the next one starts
        uncounted = [each for each in plan.branches if not each.access.states_total]
        return max(1, math.ceil((first + count) / max(1, pager.max_page))) + others + _size(uncounted)[0]

    def _relation_requests(self, plan: Plan) -> int:
        """Per row."""
        related = [self.collection.relation(name) for name in plan.residual_relations]
        return sum(_pages_per_owner(each) for each in related if each is not None)


def _size(branches: Sequence[Branch]) -> tuple[int, int]:
    """The requests that reads of everything pushed down take, and the rows they bring."""
    requests = sum(max(1, math.ceil(_expected_rows(each) / max(1, each.access.pager.max_page))) for each in branches)
    rows = [(_expected_rows(each), each.access.refers) for each in branches]
    requests += sum(math.ceil(named / refers.chunk) for named, refers in rows if refers is not None)
    return requests, sum(named for named, _ in rows)


def _most_rows(branch: Branch) -> int | None:
    return 1 if branch.access.single and branch.access.refers is None else branch.most


def _expected_rows(branch: Branch) -> int:
    most = _most_rows(branch)
    if most is not None:
        return most
    return ASSUMED_RELATED if branch.access.variables else math.ceil(ASSUMED_ROWS * branch.share)


def _strategy(branches: Sequence[Branch], *, whole: bool) -> Strategy:
    """``whole``: what is pushed down is all there is to do."""
    if all(_most_rows(each) is not None for each in branches):
        return "lookup"
    if not whole or not all(branch.access.counts_rows and branch.access.ordered for branch in branches):
        return "scan"
    if len(branches) > 1 and not all(branch.apart and branch.access.pager.random_access for branch in branches):
        return "scan"
    return "window" if branches[0].access.pager.random_access else "walk"


def _native_sort(branches: Sequence[Branch], sort: Sort | None) -> Branch | None:
    """The one read with the upstream's own order asked for; None where it has not that order."""
    if sort is None or len(branches) != 1 or sort.key not in branches[0].access.sorts:
        return None
    branch = branches[0]
    return replace(branch, params={**branch.params, **branch.access.sorts[sort.key]})


def _push(splitter: Splitter, node: FilterNode | None) -> Alternatives:
    """The reads for a filter by one access path; with nothing pushed, one read of everything, to be checked here."""
    pushed = splitter.push(node) if node is not None else None
    return (Pushed(exact=node is None),) if pushed is None else pushed


def _branches(access: AccessPath, pushed: Alternatives) -> tuple[Branch, ...] | None:
    """The reads with path variables filled; None when a variable stays open."""
    reads = [(path, each) for each in pushed for path in (access, *access.also)]
    if not all(_fills(path, each) for path, each in reads):
        return None
    return tuple(
        _branch(path, each, part, apart=each.apart and not access.also)
        for path, each in reads
        for part in path.partitions or ({},)
        if all(each.params.get(name, value) == value for name, value in part.items())
    )


def _fills(access: AccessPath, pushed: Pushed) -> bool:
    """Whether each variable has a value that can stand in a path: none that is empty, climbs or is no text to print."""
    values = [pushed.params.get(variable, "") for variable in access.variables]
    return all(each not in ("", ".", "..") and each.isprintable() for each in values)


def _branch(access: AccessPath, pushed: Pushed, part: Params, *, apart: bool) -> Branch:
    path = access.path
    for variable in access.variables:
        path = path.replace(variable, quoted(pushed.params[variable]))
    params = {name: value for name, value in pushed.params.items() if not name.startswith("{")}
    text = scoped(access.always, pushed)
    if text is not None and access.expression is not None:
        params[access.expression] = text
    # A path read along with another one need not take its text.
    exact = pushed.exact and (pushed.text is None or access.expression is not None)
    share = pushed.share if pushed.params or pushed.text else 1.0
    params = {**access.fixed, **part, **params}
    return Branch(access, path, params, exact, share, pushed.most, _told(pushed), apart)


def _told(pushed: Pushed) -> str:
    terms = [f"{name}={value}" for name, value in sorted(pushed.params.items())]
    return " ".join([*terms, *([pushed.text] if pushed.text else [])])


def scoped(always: str | None, pushed: Pushed) -> str | None:
    """The pushed text within the connection's scope."""
    if always is None or pushed.text is None:
        return pushed.text or always
    return f"({always}) and {pushed.within('and')}"


def quoted(value: str) -> str:
    """A value as one segment of an upstream path."""
    return quote(value, safe="")


def _arms(node: FilterNode) -> Iterator[list[FilterNode]]:
    """The ways to split a filter at an `or`: at its top, or at a term of its top `and`."""
    if not isinstance(node, LogicalExpr):
        return
    if node.op is LogicalOperator.or_:
        yield list(_alternatives_of(node))
        return
    for index, term in enumerate(node.terms):
        if isinstance(term, LogicalExpr) and term.op is LogicalOperator.or_:
            rest = node.terms[:index] + node.terms[index + 1 :]
            yield [LogicalExpr(op=LogicalOperator.and_, terms=(arm, *rest)) for arm in _alternatives_of(term)]


def _alternatives_of(node: FilterNode) -> Iterator[FilterNode]:
    """The terms of an `or`, those of an `or` within it included."""
    if isinstance(node, LogicalExpr) and node.op is LogicalOperator.or_:
        for term in node.terms:
            yield from _alternatives_of(term)
    else:
        yield node


def _pages_per_owner(relation: Relation) -> int:
    pages = (math.ceil(ASSUMED_RELATED / max(1, read.access.pager.max_page)) for read in relation.reads)
    return max(1, sum(max(1, each) for each in pages))


def _names(plan: Plan) -> str:
    return f"{plan.strategy} " + " + ".join(branch.path for branch in plan.branches)
