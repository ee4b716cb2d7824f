"""Choosing how a query runs: which access path, what it evaluates, what is checked here, at what expected cost.

Plans are ranked by expected upstream requests: a look-up, then a window (direct offset), then a walk (follow the
cursors), then a scan (read everything pushed down, check and sort here).
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import quote

from scim2_models.path import FilterNode, LogicalExpr, LogicalOperator

from scim_bridge.query.capabilities import AccessPath, Collection, Params, Relation
from scim_bridge.query.push import MAX_BRANCHES, Alternatives, Pushed, Splitter, attribute_names

Strategy = Literal["nothing", "lookup", "window", "walk", "scan"]
ASSUMED_ROWS = 10_000
"""How many rows a collection is taken to have before one was counted; only ranks plans."""
ASSUMED_RELATED = 50
"""How many elements a relation is taken to have per owner; only ranks plans."""


@dataclass(frozen=True, slots=True)
class Sort:
    """An order asked for: ``sortBy`` in canonical spelling, and its direction."""

    path: str
    descending: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.path, "descending" if self.descending else "ascending"


@dataclass(frozen=True, slots=True)
class Query:
    """What to find: rows ``offset`` to ``offset + count`` of those matching ``filter``, in the order of ``sort``."""

    filter: FilterNode | None = None
    sort: Sort | None = None
    offset: int = 0
    count: int = 100
    relations: frozenset[str] = frozenset()  # the relations to fill in for the rows returned
    need_total: bool = True

    @property
    def key(self) -> tuple[str, Sort | None]:
        """What makes two queries pages of the same list."""
        return str(self.filter or ""), self.sort


@dataclass(frozen=True, slots=True)
class Branch:
    """One upstream read of a plan: an access path with its variables filled and what is pushed down."""

    access: AccessPath
    path: str
    params: Params
    exact: bool
    share: float = 1.0
    unique: bool = False

    @property
    def key(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What makes two reads pages of the same upstream list."""
        return self.path, tuple(sorted(self.params.items()))


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
    """Plans queries over one collection. ``sizes`` remembers how many rows each read was seen to have."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._splitters = [
            (access, Splitter(access, collection.resource)) for access in (collection.item, *collection.reads)
        ]
        self.sizes: dict[str, int] = {}

    def plan(self, query: Query) -> Plan:
        """The cheapest way to answer a query exactly.

        Raises ValueError when no access path can list the collection at all.
        """
        candidates = list(self._candidates(query))
        if not candidates:
            raise ValueError(f"{self._collection.resource.name} cannot be listed by any access path")
        best = min(candidates, key=lambda plan: plan.expected_requests)
        others = tuple(f"{_names(plan)}: {plan.expected_requests}" for plan in candidates if plan is not best)
        return replace(best, considered=others)

    def _candidates(self, query: Query) -> Iterator[Plan]:
        for branches in self._covers(query.filter):
            yield self._finish(branches, query)

    def _covers(self, node: FilterNode | None) -> Iterator[tuple[Branch, ...]]:
        """Sets of reads whose rows together include every match."""
        for access, splitter in self._splitters:
            branches = _branches(access, _push(splitter, node))
            if branches is not None:
                yield branches
        if node is not None and (union := self._union(node)) is not None:
            yield union

    def _union(self, node: FilterNode) -> tuple[Branch, ...] | None:
        """`or` as a union of reads, each arm by its own best access path; an enclosing `and` goes along."""
        for arms in _arms(node):
            chosen = [self._cheapest(arm) for arm in arms]
            if all(each is not None for each in chosen):
                branches = tuple(branch for each in chosen if each is not None for branch in each)
                if len(branches) <= MAX_BRANCHES:
                    return branches
        return None

    def _cheapest(self, node: FilterNode) -> tuple[Branch, ...] | None:
        covers = [cover for cover in self._covers(node) if all(branch.share < 1 for branch in cover)]
        return min(covers, key=self._scan_requests, default=None)

    def _finish(self, branches: tuple[Branch, ...], query: Query) -> Plan:
        """A plan from its reads: what is left to check, and the strategy that follows."""
        if not branches:
            return Plan((), None, "nothing")
        exact = all(branch.exact for branch in branches)
        residual = None if exact else query.filter
        natively = self._native_sort(branches, query.sort)
        sorted_here = query.sort is not None and natively is None
        branches = (natively,) if natively is not None else branches
        relations = self._relations_of(residual, query.sort if sorted_here else None)
        plan = Plan(branches, residual, "scan", sorted_here, relations)
        strategy = self._strategy(plan)
        return replace(
            plan, strategy=strategy, expected_requests=self._requests(replace(plan, strategy=strategy), query)
        )

    def _strategy(self, plan: Plan) -> Strategy:
        if all(branch.access.rows == "." or branch.unique for branch in plan.branches):
            return "lookup"
        whole = len(plan.branches) == 1 and plan.residual is None and not plan.sorted_here
        if not (whole and plan.branches[0].access.in_scope):
            return "scan"
        return "window" if plan.branches[0].access.pager.random_access else "walk"

    @staticmethod
    def _native_sort(branches: Sequence[Branch], sort: Sort | None) -> Branch | None:
        if sort is None or len(branches) != 1 or sort.key not in branches[0].access.sorts:
            return None
        branch = branches[0]
        return replace(branch, params={**branch.params, **branch.access.sorts[sort.key]})

    def _relations_of(self, residual: FilterNode | None, sort: Sort | None) -> tuple[str, ...]:
        """The relations whose elements decide whether or where a row belongs."""
        if residual is None and sort is None:
            return ()
        names = attribute_names(residual, self._collection.resource) if residual is not None else set()
        if sort is not None:
            names = names | {sort.path.partition(".")[0]}
        return tuple(each.attribute for each in self._collection.relations if each.attribute in names)

    def _requests(self, plan: Plan, query: Query) -> int:
        """Expected upstream requests."""
        if plan.strategy == "lookup":
            return len(plan.branches) + self._relation_requests(plan, len(plan.branches))
        if plan.strategy == "scan":
            return self._scan_requests(plan.branches) + self._relation_requests(plan, self._rows(plan.branches))
        page = max(1, plan.branches[0].access.pager.max_page)
        first = query.offset if plan.strategy == "walk" else 0
        return max(1, math.ceil((first + query.count) / page))

    def _relation_requests(self, plan: Plan, rows: int) -> int:
        related = [self._collection.relation(name) for name in plan.residual_relations]
        return rows * sum(_pages_per_owner(each) for each in related if each is not None)

    def _rows(self, branches: Iterable[Branch]) -> int:
        return sum(self._expected_rows(branch) for branch in branches)

    def _expected_rows(self, branch: Branch) -> int:
        if branch.access.rows == "." or branch.unique:
            return 1
        known = self.sizes.get(branch.access.path, ASSUMED_RELATED if branch.access.variables else ASSUMED_ROWS)
        return math.ceil(known * branch.share)

    def _scan_requests(self, branches: Sequence[Branch]) -> int:
        return sum(
            max(1, math.ceil(self._expected_rows(each) / max(1, each.access.pager.max_page))) for each in branches
        )


def _push(splitter: Splitter, node: FilterNode | None) -> Alternatives | None:
    """The reads for a filter by one access path; with nothing pushed, one read of everything, to be checked here."""
    pushed = splitter.push(node) if node is not None else None
    return (Pushed(exact=node is None),) if pushed is None else pushed


def _branches(access: AccessPath, pushed: Alternatives | None) -> tuple[Branch, ...] | None:
    """The reads with path variables filled; None when a variable stays open."""
    if any(not access.variables <= each.params.keys() for each in pushed or ()):
        return None
    return tuple(_branch(path, each) for each in pushed or () for path in (access, *access.also))


def _branch(access: AccessPath, pushed: Pushed) -> Branch:
    path = access.path
    for variable in access.variables:
        path = path.replace(variable, quoted(pushed.params[variable]))
    params = {name: value for name, value in pushed.params.items() if name not in access.variables}
    text = scoped(access.always, pushed)
    if text is not None and access.expression is not None:
        params[access.expression] = text
    share = pushed.share if pushed.params or pushed.text else 1.0
    return Branch(access, path, {**access.fixed, **params}, pushed.exact, share, pushed.unique)


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
        yield list(node.terms)
        return
    for index, term in enumerate(node.terms):
        if isinstance(term, LogicalExpr) and term.op is LogicalOperator.or_:
            rest = node.terms[:index] + node.terms[index + 1 :]
            yield [LogicalExpr(op=LogicalOperator.and_, terms=(arm, *rest)) for arm in term.terms]


def _pages_per_owner(relation: Relation) -> int:
    return sum(max(1, math.ceil(ASSUMED_RELATED / max(1, read.access.pager.max_page))) for read in relation.reads)


def _names(plan: Plan) -> str:
    return f"{plan.strategy} " + " + ".join(branch.path for branch in plan.branches)


def literal(branch: Branch, position: Mapping[str, str]) -> str:
    """The upstream request of a read as text, for `explain`."""
    query = "&".join(f"{name}={value}" for name, value in {**branch.params, **position}.items())
    return f"GET {branch.path}" + (f"?{query}" if query else "")
