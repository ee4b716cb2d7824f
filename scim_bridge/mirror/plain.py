"""Resources that are shown and compared as they are but for case, as most are: their keys are their JSON in lower case.

To make keys value by value takes longer than a database takes to store them.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any, Final

import orjson

from scim_bridge.mirror.keys import Mistyped, moment_key
from scim_bridge.mirror.layout import Layout
from scim_bridge.query.sources import BASE_MARK
from scim_bridge.schemas import COMMON, SchemaAttribute

Columns = list[Any]
Lists = list[set[str]]
_Check = Callable[[Any, list[Any], Columns, Lists], bool]
"""Whether a value is plain, provided that what it adds to the texts is all text; it adds the keys it has, too."""
_Place = tuple[int, Callable[[Any], str]]
"""The column of a text, and what makes its key."""
_Shape = tuple[Callable[[Any], Iterable[Any]], list[_Place], list[tuple[str, _Check]]]
"""How to take all texts of objects with the same names, the columns of the first ones, and the checks of all else."""
_NO_KEYS: Final[set[str]] = set()
_TEXT: Final = ("string", "reference")
_META: Final = frozenset({"resourceType", "created", "lastModified"})
MAX_SHAPES: Final = 256
"""Sets of names for which it is remembered what they hold; upstreams have a few."""


class Plain:
    """Tells which resources of one layout are plain, and makes the keys of these."""

    def __init__(self, layout: Layout) -> None:
        schema, away = layout.resource, {"meta", *layout.relations, *layout.elsewhere}
        places = {each.path.canonical: place for place, each in enumerate(layout.columns)}
        lists = {path.canonical: place for place, path in enumerate(layout.lists)}
        compiler = _Compiler(places, lists)
        own = compiler.checks([each for each in (*COMMON, *schema.base.attributes) if each.name not in away], "")
        extended = {
            each.schema.id: compiler.parts(each.schema.attributes, f"{each.schema.id}:") for each in schema.extensions
        }
        checks = {**own, **extended, "meta": _meta(schema.name, places)}
        self._check = _parts(checks, compiler.places([*COMMON, *schema.base.attributes], ""))
        self._sizes = len(places), len(lists)
        self._meta = b',"meta":%b}' % orjson.dumps({"resourcetype": schema.name})

    def read(self, resource: Mapping[str, Any]) -> tuple[Columns, Lists] | None:
        """The keys of a resource's columns and lists; None where not all of it is shown by default, or where more than
        `keys` has to tell how the rest is compared."""
        texts: list[Any] = []
        columns, lists = [None] * self._sizes[0], [_NO_KEYS] * self._sizes[1]
        try:
            plain = self._check(resource, texts, columns, lists) and "".join(texts).isascii()
        except (TypeError, AttributeError, Mistyped):  # which tell that there was something else among the texts
            return None
        return (columns, lists) if plain else None

    def keys(self, body: bytes) -> str | None:
        """The keys of a plain resource by its JSON without `meta`; None where they have to be made one by one.

        Escapes in JSON are of lower case as they are. Databases take no NUL. BASE_MARK is in references only, which
        nobody can search by.
        """
        if b"\\" in body and b"\\u00" in body:
            return None
        return (body.replace(BASE_MARK, b"").lower()[:-1] + self._meta).decode()


def _parts(checks: Mapping[str, _Check | None], places: Mapping[str, _Place]) -> _Check:
    """The check of a complex value, or a resource, of which some texts, those without a check, have columns."""
    shapes: dict[tuple[str, ...], _Shape] = {}

    def check(value: Any, texts: list[Any], columns: Columns, lists: Lists) -> bool:
        if value.__class__ is not dict:
            return False
        shape = shapes.get(names := tuple(value))
        if shape is None:
            shape = _shape(names, checks, places)
            if shape is None:
                return False
            if len(shapes) < MAX_SHAPES:
                shapes[names] = shape
        take, first, others = shape
        found = take(value)
        texts += found
        for (place, key), text in zip(first, found, strict=False):
            columns[place] = key(text)
        for name, other in others:  # noqa: SIM110 - a generator takes longer
            if not other(value[name], texts, columns, lists):
                return False
        return True

    return check


def _shape(names: tuple[str, ...], checks: Mapping[str, _Check | None], places: Mapping[str, _Place]) -> _Shape | None:
    if not names or any(each not in checks for each in names):
        return None
    texts = sorted((each for each in names if checks[each] is None), key=lambda each: each not in places)
    take = itemgetter(*texts, *texts[:1]) if texts else _nothing  # of two names at least: a tuple
    others = [(each, check) for each in names if (check := checks[each]) is not None]
    return take, [places[each] for each in texts if each in places], others


class _Compiler:
    """Makes the checks of attributes; ``columns`` and ``lists``: the places of those that have some, by path."""

    def __init__(self, columns: Mapping[str, int], lists: Mapping[str, int]) -> None:
        self._columns = columns
        self._lists = lists

    def parts(self, attributes: Iterable[SchemaAttribute], prefix: str) -> _Check:
        attributes = list(attributes)
        return _parts(self.checks(attributes, prefix), self.places(attributes, prefix))

    def checks(self, attributes: Iterable[SchemaAttribute], prefix: str) -> dict[str, _Check | None]:
        shown = [each for each in attributes if each.returned in ("default", "always") and each.name != "$ref"]
        return {each.name: self._check(each, f"{prefix}{each.name}") for each in shown}

    def places(self, attributes: Iterable[SchemaAttribute], prefix: str) -> dict[str, _Place]:
        """The columns of texts, by name."""
        texts = [each for each in attributes if each.type in _TEXT and f"{prefix}{each.name}" in self._columns]
        return {
            each.name: (self._columns[f"{prefix}{each.name}"], str if each.case_exact else str.lower) for each in texts
        }

    def _check(self, attribute: SchemaAttribute, path: str) -> _Check | None:
        """The check of an attribute; None: it is plain where it is a text."""
        if attribute.type == "complex":
            return (self._complex_list if attribute.multi_valued else self.parts)(attribute.sub_attributes, f"{path}.")
        place = self._columns.get(path)
        if attribute.type in _TEXT:
            # What has a column is compared by that, and ids by themselves.
            one = _lower if attribute.case_exact and place is None and path != "id" else None
        else:
            one = _CHECKS.get(attribute.type, _never)
        if attribute.multi_valued:
            return _list(one)
        return one if place is None or one is None else _with_column(one, place)

    def _complex_list(self, attributes: Iterable[SchemaAttribute], prefix: str) -> _Check:
        checks = self.checks(attributes, prefix)
        parts = _parts(checks, {})
        only_texts = frozenset(name for name, check in checks.items() if check is None).issuperset
        kept = [(each, self._lists[f"{prefix}{each}"]) for each in checks if f"{prefix}{each}" in self._lists]

        def check(value: Any, texts: list[Any], columns: Columns, lists: Lists) -> bool:
            if value.__class__ is not list or not value:
                return False
            for each in value:
                if each.__class__ is dict and each and only_texts(each):
                    texts += each.values()
                elif not parts(each, texts, columns, lists):
                    return False
            for name, place in kept:
                lists[place] = {each[name].lower() for each in value if name in each}
            return True

        return check


def _with_column(one: _Check, place: int) -> _Check:
    def check(value: Any, texts: list[Any], columns: Columns, lists: Lists) -> bool:
        columns[place] = value
        return one(value, texts, columns, lists)

    return check


def _list(one: _Check | None) -> _Check:
    def check(value: Any, texts: list[Any], columns: Columns, lists: Lists) -> bool:
        if value.__class__ is not list or not value:
            return False
        if one is not None:
            return all([one(each, texts, columns, lists) for each in value])
        texts += value
        return True

    return check


def _meta(name: str, places: Mapping[str, int]) -> _Check:
    """The check of `meta`: times with columns, and the name of the resource type, which is all that is compared."""
    times = [(each, places[f"meta.{each}"]) for each in ("created", "lastModified")]

    def check(value: Any, texts: list[Any], columns: Columns, lists: Lists) -> bool:
        if value.__class__ is not dict or not _META.issuperset(value) or value.get("resourceType") != name:
            return False
        for each, place in times:
            if each in value:
                columns[place] = moment_key(value[each])
        return True

    return check


def _lower(value: Any, texts: list[Any], columns: Columns, lists: Lists) -> bool:
    return value.__class__ is str and bool(value == value.lower())


def _boolean(value: Any, texts: list[Any], columns: Columns, lists: Lists) -> bool:
    return value is True or value is False


def _number(value: Any, texts: list[Any], columns: Columns, lists: Lists) -> bool:
    return value.__class__ is int or value.__class__ is float


def _never(value: Any, texts: list[Any], columns: Columns, lists: Lists) -> bool:
    return False


def _nothing(value: Any) -> tuple[()]:
    return ()


_CHECKS: Final[Mapping[str, _Check]] = {"boolean": _boolean, "integer": _number, "decimal": _number}
