"""Splitting a filter for one access path: what the upstream evaluates, and what stays to be checked here.

The rules that keep results exact: a pushed part may be wider than the filter, never narrower; whatever is not pushed
exactly is checked again on each row; negation is pushed only around exact parts, as it turns wider into narrower.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, TypeGuard
from urllib.parse import quote

from scim2_models.path import AttrPath, Comparison, FilterNode, LogicalExpr, LogicalOperator, Not, Present, ValuePath

from scim_bridge.comparison import ORDER_OPERATORS, TEXT_OPERATORS
from scim_bridge.query.capabilities import AccessPath, Either, Nothing, Params, Rendered, Rule, Text
from scim_bridge.schemas import ResourceSchema, SchemaAttribute

MAX_BRANCHES = 16
"""More alternatives than this are not sent one by one: reading everything once is cheaper."""
_SELECTIVITY = {"eq": 0.01, "sw": 0.05, "ew": 0.05, "co": 0.1}
"""A planner's rough guess of the share of rows that match, to rank plans; never used for results."""
_TEXTUAL = ("string", "reference")
_NOT_WIDENED = ORDER_OPERATORS | {"ne"}
"""Comparisons that an upstream with another idea of equality answers with fewer rows, not more."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """One upstream read that yields at least the rows of a filter node; ``exact``: those and no more."""

    params: Params = field(default_factory=dict)
    text: str | None = None
    exact: bool = True
    share: float = 1.0  # expected share of all rows
    most: int | None = None  # rows, at most; None: unknown
    negatable: bool = False
    apart: bool = True  # no row of it is in another read for the same node
    joined: str | None = None  # the operator that joins `text` at its top, for parentheses
    length: int = 0  # of `text` as part of a larger one, URL-encoded

    def within(self, operator: str) -> str | None:
        """The text as a part of a larger expression."""
        return f"({self.text})" if self.joined not in (None, operator) else self.text


Alternatives = tuple[Pushed, ...]
"""Reads whose rows together cover a node; the empty tuple: provably no row."""


def canonical(resource: ResourceSchema, path: AttrPath, *, compared: bool, within: str | None = None) -> str | None:
    """The canonical name a rule would use; None for an attribute the resource type lacks.

    ``within`` is the multi-valued attribute of an enclosing value path. A comparison of a complex multi-valued
    attribute means its ``value`` (RFC 7644 section 3.4.2.2).
    """
    if within and (path.uri or path.sub_attr):
        return None
    text = f"{within}.{path.attr}" if within else str(path)
    resolved = resource.resolve(text)
    if resolved is None:
        return None
    if compared and resolved.sub is None and resolved.attribute.multi_valued and resolved.attribute.sub("value"):
        return f"{resolved.canonical}.value"
    return resolved.canonical


def attribute_names(node: FilterNode, resource: ResourceSchema) -> frozenset[str]:
    """The base attributes a filter speaks of, canonically spelled."""
    if isinstance(node, LogicalExpr):
        return frozenset().union(*(attribute_names(term, resource) for term in node.terms))
    if isinstance(node, Not):
        return attribute_names(node.expr, resource)
    assert isinstance(node, Comparison | Present | ValuePath)
    resolved = resource.resolve(str(node.attr_path))
    return frozenset() if resolved is None or resolved.extension else frozenset({resolved.attribute.name})


class Splitter:
    """Pushes filter nodes into one access path."""

    def __init__(self, access: AccessPath, resource: ResourceSchema) -> None:
        self._access = access
        self._resource = resource
        self._room = access.max_text - (len(quote(f"({access.always}) and ()")) if access.always else 0)
        self._rules: dict[str, list[Rule]] = {}
        for rule in access.rules:
            self._rules.setdefault(rule.attribute, []).append(rule)

    def push(self, node: FilterNode, within: str | None = None) -> Alternatives | None:
        """What of a node this access path evaluates; None when nothing of it."""
        match node:
            case Comparison():
                return self._comparison(node.attr_path, node.op.value, node.value, within)
            case Present():
                return self._comparison(node.attr_path, "pr", None, within)
            case ValuePath():
                return self._value_path(node)
            case Not():
                return self._negation(node, within)
            case LogicalExpr(op=LogicalOperator.and_):
                return self._conjunction(node.terms, within)
        assert isinstance(node, LogicalExpr)
        return self._disjunction(node.terms, within)

    def _comparison(self, path: AttrPath, operator: str, value: Any, within: str | None) -> Alternatives | None:
        name = canonical(self._resource, path, compared=operator != "pr", within=within)
        if name is None or (operator != "pr" and value in (None, "")):
            return None  # upstreams disagree on what null and empty text mean
        resolved = self._resource.resolve(name)
        assert resolved is not None
        textual = resolved.target.type in _TEXTUAL
        if operator in TEXT_OPERATORS and not (textual and isinstance(value, str)):
            return ()  # a part of what is no text: `matcher` finds none either
        for rule in self._rules.get(name, ()):
            if operator not in rule.operators:
                continue
            folds = rule.folds and textual and operator != "pr"
            exact = self._exactness(rule, operator, resolved.target, str(value)) if folds else rule.exact
            pushed = None if exact is None else _alternatives(rule.render(operator, value), rule, operator, exact=exact)
            if pushed is not None and all(each.length <= self._room for each in pushed):
                return pushed
        return None

    def _exactness(self, rule: Rule, operator: str, target: SchemaAttribute, value: str) -> bool | None:
        """Whether text that is pushed compares as SCIM does (True), wider (False), or might lose rows (None)."""
        cased = value.upper() != value.lower()
        match self._access.text_match:
            case "insensitive":
                # A collation that ignores case may ignore accents too: wider, outside ASCII.
                same, fewer = value.isascii() and not (target.case_exact and cased), False
            case "sensitive":
                same = value.isascii() and (target.case_exact or not cased)
                fewer = not same
            case _:
                same, fewer = False, not value.isascii() or (cased and not target.case_exact)
        if operator in ORDER_OPERATORS:
            # Order is a matter of collation: only code points in both cases are the same order.
            same = same and target.case_exact and self._access.text_match == "sensitive"
        if fewer or (not same and operator in _NOT_WIDENED):
            return None
        return rule.exact and same

    def _value_path(self, node: ValuePath) -> Alternatives | None:
        """``emails[a and b]`` implies ``emails.a`` and ``emails.b``: those rows and maybe more."""
        head = canonical(self._resource, node.attr_path, compared=False)
        terms = node.val_filter.terms if _is_and(node.val_filter) else (node.val_filter,)
        # Not so for `ne` and `not`: they speak of all values of the attribute, the value path of one.
        implied = [term for term in terms if _implied(term)]
        if head is None or not implied:
            return None
        pushed = self._conjunction(implied, head)
        return None if pushed is None else tuple(replace(each, exact=False, negatable=False) for each in pushed)

    def _negation(self, node: Not, within: str | None) -> Alternatives | None:
        if "not" not in self._access.logic:
            return None
        inner = self.push(node.expr, within)
        if inner is None or len(inner) != 1 or inner[0].params or not (inner[0].exact and inner[0].negatable):
            return None
        text, share = f"not ({inner[0].text})", 1 - inner[0].share
        return (Pushed(text=text, share=share, length=inner[0].length + len("not%20")),)

    def _conjunction(self, terms: Iterable[FilterNode], within: str | None) -> Alternatives | None:
        """Each term that fits joins; one that does not leaves the result wider."""
        result: Alternatives | None = None
        exact = True
        for term in terms:
            pushed = self.push(term, within)
            if pushed == ():
                return ()
            both = pushed if result is None or pushed is None else self._both(result, pushed)
            if both is None:
                exact = False
            else:
                result = both
        if result is None or exact:
            return result
        return tuple(replace(each, exact=False, negatable=False) for each in result)

    def _both(self, left: Alternatives, right: Alternatives) -> Alternatives | None:
        if len(left) * len(right) > MAX_BRANCHES:
            return None
        pairs = [self._merge(one, other) for one, other in product(left, right)]
        return tuple(pair for pair in pairs if pair is not None) if None not in pairs else None

    def _merge(self, one: Pushed, other: Pushed) -> Pushed | None:
        """Both at once in one request; None where they need the same parameter."""
        if one.params.keys() & other.params.keys() or (one.text and other.text and "and" not in self._access.logic):
            return None
        texts = [text for text in (one.within("and"), other.within("and")) if text]
        if one.length + other.length > self._room:
            return None
        return Pushed(
            params={**one.params, **other.params},
            text=" and ".join(texts) or None,
            exact=one.exact and other.exact,
            share=one.share * other.share,
            most=min((each.most for each in (one, other) if each.most is not None), default=None),
            negatable=one.negatable and other.negatable,
            apart=one.apart and other.apart,
            joined="and" if len(texts) > 1 else (one.joined or other.joined),
            length=one.length + other.length,
        )

    def _disjunction(self, terms: Sequence[FilterNode], within: str | None) -> Alternatives | None:
        """Pushed only when every branch is, whole or wider."""
        branches, terms = self._gathered(terms, within)
        for term in terms:
            pushed = self.push(term, within)
            if pushed is None:
                return None
            branches.extend(pushed)
        if "or" in self._access.logic:
            texts = [each for each in branches if not each.params]
            branches = [each for each in branches if each.params] + [
                _joined_by_or(each) for each in self._groups(texts)
            ]
        if len(branches) > 1:
            branches = [replace(each, apart=False) for each in branches]  # a row may satisfy several terms
        return tuple(branches) if len(branches) <= MAX_BRANCHES else None

    def _gathered(self, terms: Sequence[FilterNode], within: str | None) -> tuple[list[Pushed], Sequence[FilterNode]]:
        """The reads for equalities of which one request takes several, and the terms that are left."""
        taken: dict[str, tuple[Rule, dict[Any, None]]] = {}
        left: list[FilterNode] = []
        for term in terms:
            rule = self._taking_several(term, within)
            if rule is None or not isinstance(term, Comparison):
                left.append(term)
            elif not isinstance(rule.render("eq", term.value), Nothing):
                taken.setdefault(rule.attribute, (rule, {}))[1][term.value] = None
        return [each for rule, values in taken.values() for each in _chunks(rule, list(values))], left

    def _taking_several(self, term: FilterNode, within: str | None) -> Rule | None:
        if not isinstance(term, Comparison) or term.op.value != "eq" or term.value in (None, ""):
            return None
        name = canonical(self._resource, term.attr_path, compared=True, within=within)
        rules = [each for each in self._rules.get(name or "", ()) if each.several is not None]
        return next((each for each in rules if each.render("eq", term.value) is not None), None)

    def _groups(self, branches: Sequence[Pushed]) -> list[list[Pushed]]:
        """Branches in groups whose joined text a request can carry."""
        groups: list[list[Pushed]] = []
        length = self._room
        for each in branches:
            if length + each.length > self._room:
                groups.append([])
                length = 0
            groups[-1].append(each)
            length += each.length
        return groups


def _chunks(rule: Rule, values: Sequence[Any]) -> Iterator[Pushed]:
    """Reads of several values of a rule."""
    assert rule.several is not None
    share = _SELECTIVITY["eq"] if rule.share is None else rule.share
    for start in range(0, len(values), rule.chunk):
        part = values[start : start + rule.chunk]
        most = len(part) if rule.unique else None
        yield Pushed(rule.several(part), exact=rule.exact, share=min(1.0, len(part) * share), most=most)


def _joined_by_or(branches: Sequence[Pushed]) -> Pushed:
    if len(branches) == 1:
        return branches[0]
    return Pushed(
        text=" or ".join(each.within("or") or "" for each in branches),
        exact=all(each.exact for each in branches),
        share=min(1.0, sum(each.share for each in branches)),
        negatable=all(each.negatable for each in branches),
        joined="or",
        length=sum(each.length for each in branches),
    )


def _is_and(node: FilterNode) -> TypeGuard[LogicalExpr]:
    return isinstance(node, LogicalExpr) and node.op is LogicalOperator.and_


def _implied(term: FilterNode) -> bool:
    if isinstance(term, Comparison):
        return term.op.value != "ne"
    if isinstance(term, LogicalExpr):
        return all(_implied(each) for each in term.terms)
    return isinstance(term, Present)


def _alternatives(rendered: Rendered, rule: Rule, operator: str, *, exact: bool) -> Alternatives | None:
    """What a rule rendered, as reads."""
    if rendered is None:
        return None
    if isinstance(rendered, Nothing):
        return ()
    options = rendered.options if isinstance(rendered, Either) else (rendered,)
    share = _SELECTIVITY.get(operator, 0.5) if rule.share is None else rule.share
    pushed = tuple(_pushed(option, rule, operator, exact=exact, share=share) for option in options)
    apart = len(pushed) == 1 or (isinstance(rendered, Either) and rendered.apart)
    return pushed if apart else tuple(replace(each, apart=False) for each in pushed)


def _pushed(option: Params | Text, rule: Rule, operator: str, *, exact: bool, share: float) -> Pushed:
    most = 1 if rule.unique and operator == "eq" else None
    if isinstance(option, Mapping):
        return Pushed(params=option, exact=exact, share=share, most=most)
    length = len(quote(f"({option}) and "))
    return Pushed({}, str(option), exact, share, most, rule.negatable, length=length)
