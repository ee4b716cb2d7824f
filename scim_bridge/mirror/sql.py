"""SCIM filters and orders as SQL over stored keys (RFC 7644 sections 3.4.2.2 and 3.4.2.3).

A condition finds what `filters.predicate` finds, or says that it may find more and has to be checked again. SQL has a
third truth value, and ``not`` of unknown is unknown: so ``not`` never stands around a comparison, but is carried down
to it, where each has an opposite that counts a missing value as SCIM does. Unknown then only ever means no.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final

from scim2_models.path import AttrPath, Comparison, FilterNode, LogicalExpr, LogicalOperator, Not, Present, ValuePath

from scim_bridge.comparison import TEXT_OPERATORS, matcher
from scim_bridge.filters import sortable
from scim_bridge.mirror.keys import AMBIGUOUS, key_function
from scim_bridge.mirror.layout import KINDS, Layout
from scim_bridge.schemas import AttributePath, SchemaAttribute
from scim_bridge.store.database import Dialect

_ORDERS: Final = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_TELLING: Final = frozenset({"id", "userName", "externalId", "employeeNumber", "value"})
"""Attributes of which few resources have the same value."""
_LISTED: Final = TEXT_OPERATORS | {"eq"}
"""Comparisons that the rows of an indexed list answer; one with null does not get here."""
_LAST: Final = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL that is true of rows, with its parameters. ``exact=False``: of those that match, and maybe more.

    ``led``: an index leads to what matches, or is all that has to be read; ``narrow``: and that is a few rows.
    """

    text: str
    params: tuple[Any, ...] = ()
    exact: bool = True
    narrow: bool = False
    led: bool = False


YES: Final = Condition("TRUE")
NO: Final = Condition("FALSE", narrow=True, led=True)
MAYBE: Final = Condition("TRUE", exact=False)


def _all(parts: Sequence[Condition]) -> Condition:
    return _joined(" AND ", parts, any)


def _any(parts: Sequence[Condition]) -> Condition:
    return _joined(" OR ", parts, all)


def _joined(word: str, parts: Sequence[Condition], enough: Callable[[Iterable[bool]], bool]) -> Condition:
    return Condition(
        "(" + word.join(each.text for each in parts) + ")",
        tuple(one for each in parts for one in each.params),
        exact=all(each.exact for each in parts),
        narrow=enough(each.narrow for each in parts),
        led=enough(each.led for each in parts),
    )


@dataclass(frozen=True, slots=True)
class _Value:
    """A scalar in SQL, NULL where it is unassigned."""

    text: str
    indexed: bool = False


# -- one comparison of one scalar --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Test:
    """A comparison with a literal, or presence, of scalars of one attribute; ``every``: of several all have to pass."""

    attribute: SchemaAttribute
    operator: str  # of eq ne co sw ew gt ge lt le pr
    value: Any
    dialect: Dialect

    @property
    def every(self) -> bool:
        return self.operator == "ne"

    @property
    def unassigned(self) -> bool:
        """What a missing value counts as."""
        return self.operator != "pr" and matcher(self.attribute, self.operator, self.value)(None)

    def of(self, value: _Value, positive: bool) -> Condition:
        """The condition on a scalar, or its opposite."""
        found = self._plain(value)
        if self.operator == "ne":
            found, positive = self._equal(value), not positive
        if positive:
            return found
        if not found.exact:
            return MAYBE
        if found.text in ("TRUE", "FALSE"):
            return NO if found.text == "TRUE" else YES
        if self.value is None and self.operator in ("eq", "ne"):
            return Condition(f"{value.text} IS NOT NULL")
        return Condition(f"({value.text} IS NULL OR NOT ({found.text}))", found.params)

    def _plain(self, value: _Value) -> Condition:
        """The condition, unknown or false of a missing value unless the comparison is with null."""
        kind = KINDS.get(self.attribute.type)
        if self.operator == "pr":
            return Condition(f"{value.text} <> ''") if kind == "text" else Condition(f"{value.text} IS NOT NULL")
        if self.operator in ("eq", "ne"):
            return self._equal(value)
        if self.value is None:
            return NO
        if self.operator in TEXT_OPERATORS:
            textual = isinstance(self.value, str) and self.attribute.type in ("string", "reference")
            return self._textual(value) if textual else NO
        return self._ordered(value)

    def _equal(self, value: _Value) -> Condition:
        if self.value is None:
            return Condition(f"{value.text} IS NULL")
        if self.attribute.type == "complex":
            return NO
        led = value.indexed and self.attribute.type != "boolean"
        return Condition(f"{value.text} = ?", (self._key(),), narrow=led and self.attribute.name in _TELLING, led=led)

    def _key(self) -> Any:
        return key_function(self.attribute)(self.value)

    def _ordered(self, value: _Value) -> Condition:
        if self.attribute.type == "complex":
            return NO
        key = self._key()
        text = f"{value.text} {_ORDERS[self.operator]} ?"
        if self.attribute.type != "dateTime":
            return Condition(text, (key,), led=value.indexed)
        # A time with an offset has no order with one that has none, and its key is even; see `layout.moment`.
        return Condition(f"({text} AND ({self._whole(value)} & 1) = {key & 1})", (key,), led=value.indexed)

    def _whole(self, value: _Value) -> str:
        return f"CAST({value.text} AS {self.dialect.types['integer']})"

    def _textual(self, value: _Value) -> Condition:
        key = self._key()
        if not key:
            return Condition(f"{value.text} IS NOT NULL")
        exact = not key.startswith(AMBIGUOUS)
        if self.operator in ("co", "ew"):
            found = self.dialect.contains if self.operator == "co" else self.dialect.ends
            return Condition(*found(value.text, key), exact, led=value.indexed)
        # Exactly the texts that start so lie in this range, which an index reaches.
        end = _after(key)
        if end is None:
            return Condition(f"{value.text} >= ?", (key,), led=value.indexed)
        return Condition(f"({value.text} >= ? AND {value.text} < ?)", (key, end), led=value.indexed)


def _after(prefix: str) -> str | None:
    """The first text behind all that start with a prefix, in the order of code points; None where there is none."""
    for end in range(len(prefix), 0, -1):
        following = ord(prefix[end - 1]) + 1
        if following <= _LAST:
            if 0xD800 <= following <= 0xDFFF:  # which are no characters
                following = 0xE000
            return prefix[: end - 1] + chr(following)
    return None


# -- filters -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """An attribute that a filter names, and the keys that lead to it within the document of its scope."""

    keys: tuple[str, ...]
    attribute: SchemaAttribute
    sub: SchemaAttribute | None = None
    path: AttributePath | None = None  # from the top of the resource

    @property
    def target(self) -> SchemaAttribute:
        return self.sub or self.attribute

    def compared(self) -> "_Found":
        """A comparison of a complex attribute means its `value`."""
        if self.sub is None and (value := self.attribute.sub("value")):
            path = replace(self.path, sub=value) if self.path is not None else None
            return replace(self, sub=value, path=path)
        return self


class Compiler:
    """Compiles filters and orders for the tables of one layout; ``rows`` is the table with one row for each value."""

    def __init__(self, layout: Layout, dialect: Dialect, values: str) -> None:
        self._layout = layout
        self._dialect = dialect
        self._values = values
        self._aliases = count(1)
        self.unheld = False
        """Whether a filter named what is neither in documents nor in rows."""

    def filter(self, node: FilterNode) -> Condition:
        """The condition of a filter that `filters.validate` passed, over the table of documents as ``d``."""
        return self._compiled(node, None, True)

    def _compiled(self, node: FilterNode, within: "_Element | None", positive: bool) -> Condition:
        match node:
            case LogicalExpr():
                parts = [self._compiled(each, within, positive) for each in node.terms]
                return _all(parts) if (node.op is LogicalOperator.and_) is positive else _any(parts)
            case Not():
                return self._compiled(node.expr, within, not positive)
            case Comparison():
                return self._comparison(node, within, positive)
            case Present():
                found = self._find(node.attr_path, within)
                return self._present(found, within, positive) if found is not None else _never(positive)
            case ValuePath():
                return self._value_path(node, positive)
        raise TypeError(f"no filter node: {type(node).__name__}")

    def _find(self, path: AttrPath, within: "_Element | None") -> _Found | None:
        if within is not None:
            return within.find(path)
        resolved = self._layout.resource.resolve(str(path))
        if resolved is None or resolved.whole_extension:
            return None
        return _Found(resolved.keys, resolved.attribute, resolved.sub, resolved)

    def _comparison(self, node: Comparison, within: "_Element | None", positive: bool) -> Condition:
        found = self._find(node.attr_path, within)
        if found is None:
            return _never(positive)
        found = found.compared()
        return self._applied(found, _Test(found.target, node.op.value, node.value, self._dialect), within, positive)

    def _value_path(self, node: ValuePath, positive: bool) -> Condition:
        found = self._find(node.attr_path, None)
        if found is None:
            return _never(positive)
        if found.attribute.name in self._layout.relations:
            return self._bracketed(found.attribute, node.val_filter, positive)
        if found.attribute.name in self._layout.elsewhere:
            self.unheld = True
            return MAYBE
        alias = self._alias()
        inner = self._compiled(node.val_filter, _Element(found.attribute, alias), True)
        matched = self._exists(self._elements("d.keys", found.keys, alias), inner, positive)
        leading = self._leading(found, node.val_filter) if positive else []
        return _all([*leading, matched]) if leading else matched

    def _leading(self, found: _Found, node: FilterNode) -> list[Condition]:
        """What an index says of a value path: ``emails[type eq "work" and value eq "x"]`` implies ``emails eq "x"``."""
        value = found.attribute.sub("value")
        number = self._layout.number(f"{found.path.canonical}.value") if found.path is not None else None
        if value is None or number is None:
            return []
        terms = node.terms if isinstance(node, LogicalExpr) and node.op is LogicalOperator.and_ else (node,)
        tests = [
            _Test(value, each.op.value, each.value, self._dialect)
            for each in terms
            if isinstance(each, Comparison) and str(each.attr_path).lower() == "value"
        ]
        usable = [each for each in tests if each.operator in _LISTED and each.value is not None]
        return [each for each in (self._listed(number, one, True) for one in usable) if each.exact]

    # -- presence ------------------------------------------------------------------------------------------------------

    def _present(self, found: _Found, within: "_Element | None", positive: bool) -> Condition:
        """`pr`: of a complex value, that of any part of it; of several values, that of any."""
        if found.target.type != "complex" or found.attribute.name in (*self._layout.relations, *self._layout.elsewhere):
            return self._applied(found, _Test(found.target, "pr", None, self._dialect), within, positive)
        subs = [each for each in found.target.sub_attributes if each.returned != "never"]
        if found.attribute.multi_valued:
            alias = self._alias()
            element = _Element(found.attribute, alias)
            parts = [self._present(_Found((each.name,), each), element, True) for each in subs]
            return self._exists(self._elements("d.keys", found.keys, alias), _any(parts), positive)
        parts = [
            self._present(replace(found, sub=each, path=found.path and replace(found.path, sub=each)), within, positive)
            for each in subs
        ]
        return _any(parts) if positive else _all(parts)

    # -- a test of whatever holds the values ---------------------------------------------------------------------------

    def _applied(self, found: _Found, test: _Test, within: "_Element | None", positive: bool) -> Condition:
        attribute, sub, keys = found.attribute, found.sub, found.keys
        if within is None and found.path is not None:
            if attribute.name in self._layout.elsewhere:
                self.unheld = True
                return MAYBE
            if attribute.name in self._layout.relations:
                return self._over_rows(attribute, test, positive)
            if found.path.canonical == "id":
                return test.of(_Value("d.id", indexed=True), positive)  # stored as it is, which is NFC
            if (column := self._layout.column(found.path)) is not None:
                return test.of(_Value(f"d.{column.name}", indexed=True), positive)
            number = self._layout.number(found.path.canonical)
            if number is not None and not test.every and not test.unassigned and test.operator in _LISTED:
                return self._listed(number, test, positive)
        if sub is not None and not attribute.multi_valued:
            keys, attribute, sub = (*keys, sub.name), sub, None
        document = "d.keys" if within is None else self._dialect.inner(within.alias)
        if not attribute.multi_valued:
            if not keys:  # the element itself
                assert within is not None
                return test.of(_Value(self._dialect.element(within.alias, self._kind(attribute))), positive)
            return test.of(_Value(self._leaf(document, keys, self._kind(attribute))), positive)
        alias = self._alias()
        element = _Element(attribute, alias)

        def one(wanted: bool) -> Condition:
            if sub is not None:
                return self._applied(_Found((sub.name,), sub), test, element, wanted)
            return test.of(_Value(self._dialect.element(alias, self._kind(attribute))), wanted)

        return self._quantified(self._elements(document, keys, alias), one, test, positive)

    def _quantified(self, source: str, one: Callable[[bool], Condition], test: _Test, positive: bool) -> Condition:
        """Over the values of a list: any passes, or every one; where there is none, what a missing value counts as."""
        if test.every:
            passed = self._exists(source, one(False), not positive)
        else:
            passed = self._exists(source, one(True), positive)
        if test.unassigned is test.every:  # which is what an empty list gives anyway
            return passed
        none = self._exists(source, YES, not test.unassigned if positive else test.unassigned)
        return _any([passed, none]) if test.unassigned is positive else _all([passed, none])

    def _kind(self, attribute: SchemaAttribute) -> str:
        return KINDS.get(attribute.type, "text")

    def _exists(self, source: str, condition: Condition, positive: bool) -> Condition:
        if not condition.exact and not positive:
            return MAYBE
        text = f"EXISTS (SELECT 1 FROM {source} WHERE {condition.text})"
        return Condition(text if positive else f"NOT {text}", condition.params, condition.exact)

    # -- values that are rows ------------------------------------------------------------------------------------------

    def _listed(self, number: int, test: _Test, positive: bool) -> Condition:
        """A value of an indexed list: the owners are found by it."""
        found = test.of(_Value("v.key", indexed=True), True)
        text = f"d.seq IN (SELECT v.owner FROM {self._values} v WHERE v.attr = {number} AND {found.text})"
        if positive:
            return Condition(text, found.params, found.exact, narrow=found.narrow, led=True)
        return Condition(f"NOT ({text})", found.params) if found.exact else MAYBE

    def _over_rows(self, relation: SchemaAttribute, test: _Test, positive: bool) -> Condition:
        """A test over the elements of a relation: by their values, which all have; the rest is checked again."""
        number = self._layout.number(relation.name)
        assert number is not None
        if test.attribute not in (relation, relation.sub("value")):
            return MAYBE
        if test.value is None and test.operator not in ("eq", "ne", "pr"):
            return _never(positive)
        if test.operator == "eq" and test.value is not None:
            return self._listed(number, test, positive)
        rows = f"{self._values} v WHERE v.owner = d.seq AND v.attr = {number}"
        if test.value is None:
            return _with_rows(rows, YES, positive is (test.operator != "eq"))
        if test.every:
            return _with_rows(rows, test.of(_Value("v.key"), False), not positive)
        return _with_rows(rows, test.of(_Value("v.key"), True), positive)

    def _bracketed(self, relation: SchemaAttribute, node: FilterNode, positive: bool) -> Condition:
        """``members[value eq "x"]`` is what clients ask for; whatever else is between brackets is checked again."""
        if not isinstance(node, Comparison) or str(node.attr_path).lower() != "value":
            return MAYBE
        if node.op.value != "eq" or node.value is None:
            return MAYBE
        return self._over_rows(
            relation, _Test(relation.sub("value") or relation, "eq", node.value, self._dialect), positive
        )

    # Names among keys are of lower case.

    def _leaf(self, document: str, keys: Sequence[str], kind: str) -> str:
        return self._dialect.leaf(document, [each.lower() for each in keys], kind)

    def _elements(self, document: str, keys: Sequence[str], alias: str) -> str:
        return self._dialect.elements(document, [each.lower() for each in keys], alias)

    def _alias(self) -> str:
        return f"e{next(self._aliases)}"

    # -- orders --------------------------------------------------------------------------------------------------------

    def order(self, path: str) -> str | None:
        """The expression that a ``sortBy`` orders by; None where SQL has none: by what is not stored."""
        found = sortable(path, self._layout.resource)
        if found.attribute.name in (*self._layout.relations, *self._layout.elsewhere):
            return None
        if found.canonical == "id":
            return "d.id"
        if (column := self._layout.column(found)) is not None:
            return f"d.{column.name}"
        kind = KINDS[found.target.type]
        if not found.attribute.multi_valued:
            keys = (*found.keys, *((found.sub.name,) if found.sub else ()))
            return self._first("d.keys", keys, found.target, kind)
        return self._preferred(found, kind)

    def _first(self, document: str, keys: tuple[str, ...], target: SchemaAttribute, kind: str) -> str:
        if not target.multi_valued:
            return self._leaf(document, keys, kind)
        source = self._elements(document, keys, "s")
        return (
            f"(SELECT {self._dialect.element('s', kind)} FROM {source} ORDER BY {self._dialect.position('s')} LIMIT 1)"
        )

    def _preferred(self, found: AttributePath, kind: str) -> str:
        """The value of the primary element, else of the first one."""
        source, place = self._elements("d.keys", found.keys, "o"), self._dialect.position("o")
        if found.sub is None:
            return f"(SELECT {self._dialect.element('o', kind)} FROM {source} ORDER BY {place} LIMIT 1)"
        value = self._first(self._dialect.inner("o"), (found.sub.name,), found.sub, kind)
        if found.attribute.sub("primary") is None:
            return f"(SELECT {value} FROM {source} ORDER BY {place} LIMIT 1)"
        primary = self._leaf(self._dialect.inner("o"), ("primary",), "boolean")
        return f"(SELECT {value} FROM {source} ORDER BY COALESCE({primary}, FALSE) DESC, {place} LIMIT 1)"


@dataclass(frozen=True, slots=True)
class _Element:
    """The scope between the brackets of a value path: an element of a list."""

    attribute: SchemaAttribute
    alias: str

    def find(self, path: AttrPath) -> _Found | None:
        if path.uri is not None or path.sub_attr is not None:
            return None
        if self.attribute.type != "complex" and path.attr.lower() == "value":
            return _Found((), replace(self.attribute, multi_valued=False))
        sub = self.attribute.sub(path.attr)
        return None if sub is None else _Found((sub.name,), sub)


def _with_rows(rows: str, condition: Condition, wanted: bool) -> Condition:
    text = f"EXISTS (SELECT 1 FROM {rows} AND {condition.text})"
    return Condition(text if wanted else f"NOT {text}", condition.params)


def _never(positive: bool) -> Condition:
    return NO if positive else YES
