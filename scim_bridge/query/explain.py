"""How a query would run, in words and literal requests; nothing is sent."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

import orjson

from scim_bridge.query.capabilities import Collection, Params, Referral, Relation
from scim_bridge.query.pages import request_of
from scim_bridge.query.plan import Branch, Plan, Planner, Query, Strategy
from scim_bridge.query.relations import for_owner
from scim_bridge.query.windows import entry


@dataclass(frozen=True, slots=True)
class Explanation:
    """A plan for people.

    ``requests``: the first upstream request of each read, percent-decoded, then those that each row takes, with
    ``{id}`` for the row's id. ``pushed``: per read, what it evaluates of the filter ("": nothing, it is read whole).
    ``residual``: the filter that is checked here, row by row.
    """

    strategy: Strategy
    requests: tuple[str, ...]
    pushed: tuple[str, ...]
    residual: str | None
    sorted_here: bool
    residual_relations: tuple[str, ...]
    expected_requests: int
    considered: tuple[str, ...]  # the other ways, with the requests a first page was expected to take


def explain(planner: Planner, query: Query) -> Explanation:
    """The plan of a query, for a page of which nothing is cached."""
    plan = planner.plan(query)
    return Explanation(
        strategy=plan.strategy,
        requests=tuple(_requests(planner, plan, query)),
        pushed=tuple(branch.pushed for branch in plan.branches),
        residual=str(plan.residual) if plan.residual is not None else None,
        sorted_here=plan.sorted_here,
        residual_relations=plan.residual_relations,
        expected_requests=plan.expected_requests,
        considered=plan.considered,
    )


def _requests(planner: Planner, plan: Plan, query: Query) -> Iterator[str]:
    for branch in plan.branches:
        yield _literal(branch, _first_position(branch, plan, query))
        if branch.access.refers is not None:
            yield _records(planner.collection, branch.access.refers)
    shown = sorted(query.relations - set(plan.residual_relations))
    for names, when in ((plan.residual_relations, "each row read"), (shown, "each row returned")):
        for name in names:
            relation = planner.collection.relation(name)
            if relation is not None:
                yield from (f"{request} (for {when})" for request in _per_owner(planner.collection, relation))


def _first_position(branch: Branch, plan: Plan, query: Query) -> Params:
    pager = branch.access.pager
    if plan.strategy in ("window", "walk"):
        return entry(pager, query.offset if query.count else 0, query.count).position
    return pager.start(0, pager.max_page).position


def _records(collection: Collection, referral: Referral) -> str:
    """The request for the records that rows name."""
    access, params, rows = collection.item, {}, "each row"
    if referral.access is not None:
        access, rows = referral.access, f"{referral.chunk} rows"
        params = {referral.parameter: referral.joined(["{ids}"])}
    return f"{_literal(Branch(access, access.path, {**access.fixed, **params}, exact=True), {})} (for {rows} read)"


def _per_owner(collection: Collection, relation: Relation) -> Iterator[str]:
    """The first request of each list that holds a relation's elements; else the look-up of the record itself."""
    for read in relation.reads:
        pager = read.access.pager
        yield _literal(for_owner(read, None), pager.start(0, pager.max_page).position)
    if not relation.reads:
        yield _literal(Branch(collection.item, collection.item.path, collection.item.fixed, exact=True), {})


def _literal(branch: Branch, position: Params) -> str:
    """The upstream request of a read as text."""
    params, body = request_of(branch, position)
    query = "&".join(f"{name}={value}" for name, value in params.items())
    told = f"{unquote(branch.path)}" + (f"{'&' if '?' in branch.path else '?'}{query}" if query else "")
    return f"GET {told}" if body is None else f"POST {told} {orjson.dumps(body).decode()}"
