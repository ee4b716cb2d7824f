"""Resources that are shown and compared as they are but for case, as most are: their keys are their JSON in lower case.

To make keys value by value takes longer than a database takes to store them.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any, Final

import orjson

from scim_bridge.mirror.layout import Layout
from scim_bridge.query.sources import BASE_MARK
from scim_bridge.schemas import COMMON, SchemaAttribute

_Check = Callable[[Any, list[Any]], bool]
"""Whether a value is plain, provided that what it adds to a list is all text."""
_Shape = tuple[Callable[[Any], Iterable[Any]], list[tuple[str, _Check]]]
"""How to take all texts from objects with the same names, and the checks of all else."""
_TEXT: Final = ("string", "reference")
_META: Final = frozenset({"resourceType", "created", "lastModified"})
MAX_SHAPES: Final = 256
"""Sets of names for which it is remembered what they hold; upstreams have a few."""


class Plain:
    """Tells which resources of one layout are plain, and makes the keys of these."""

    def __init__(self, layout: Layout) -> None:
        schema, away = layout.resource, {"meta", *layout.relations, *layout.elsewhere}
        # What has a column is compared by that, and ids by themselves.
        held = {"id", *(each.path.canonical for each in layout.columns if each.path.target.type in _TEXT)}
        own = _checks([each for each in (*COMMON, *schema.base.attributes) if each.name not in away], "", held)
        extended = {
            each.schema.id: _Parts(_checks(each.schema.attributes, f"{each.schema.id}:", held))
            for each in schema.extensions
        }
        self._parts = _Parts({**own, **extended, "meta": _meta(schema.name)})
        self._meta = b',"meta":%b}' % orjson.dumps({"resourcetype": schema.name})

    def is_plain(self, resource: Mapping[str, Any]) -> bool:
        """Whether all of a resource is shown by default, and nothing but `keys` can tell that it is not compared so."""
        texts: list[Any] = []
        try:
            return self._parts(resource, texts) and "".join(texts).isascii()
        except TypeError:  # which tells that there was something else among the texts
            return False

    def keys(self, body: bytes) -> str | None:
        """The keys of a plain resource by its JSON without `meta`; None where they have to be made one by one.

        Escapes in JSON are of lower case as they are. Databases take no NUL. BASE_MARK is in references only, which
        nobody can search by.
        """
        if b"\\" in body and b"\\u00" in body:
            return None
        return (body.replace(BASE_MARK, b"").lower()[:-1] + self._meta).decode()


class _Parts:
    """What a complex value, or a resource, may hold; texts are what has no check."""

    def __init__(self, checks: Mapping[str, _Check | None]) -> None:
        self._checks = checks
        self.only_texts = frozenset(name for name, check in checks.items() if check is None).issuperset
        self._shapes: dict[tuple[str, ...], _Shape] = {}

    def __call__(self, value: Any, texts: list[Any]) -> bool:
        if value.__class__ is not dict:
            return False
        names = tuple(value)
        shape = self._shapes.get(names) or self._shape(names)
        if shape is None:
            return False
        take, checks = shape
        texts += take(value)
        for name, check in checks:  # noqa: SIM110 - a generator takes longer
            if not check(value[name], texts):
                return False
        return True

    def _shape(self, names: tuple[str, ...]) -> _Shape | None:
        if not names or any(each not in self._checks for each in names):
            return None
        checks = [(each, check) for each in names if (check := self._checks[each]) is not None]
        texts = [each for each in names if self._checks[each] is None]
        found: _Shape = itemgetter(*texts, *texts[:1]) if texts else _nothing, checks  # of two names at least: a tuple
        if len(self._shapes) < MAX_SHAPES:
            self._shapes[names] = found
        return found


def _checks(attributes: Iterable[SchemaAttribute], prefix: str, held: set[str]) -> dict[str, _Check | None]:
    shown = [each for each in attributes if each.returned in ("default", "always") and each.name != "$ref"]
    return {each.name: _check(each, f"{prefix}{each.name}", held) for each in shown}


def _check(attribute: SchemaAttribute, path: str, held: set[str]) -> _Check | None:
    """The check of an attribute; None: it is plain where it is a text."""
    if attribute.type == "complex":
        parts = _Parts(_checks(attribute.sub_attributes, f"{path}.", held))
        return _complex_list(parts) if attribute.multi_valued else parts
    if attribute.type in _TEXT:
        one = _lower if attribute.case_exact and path not in held else None
    else:
        one = _CHECKS.get(attribute.type, _never)
    return _list(one) if attribute.multi_valued else one


def _complex_list(parts: _Parts) -> _Check:
    only_texts = parts.only_texts

    def check(value: Any, texts: list[Any]) -> bool:
        if value.__class__ is not list or not value:
            return False
        for each in value:
            if each.__class__ is dict and each and only_texts(each):
                texts += each.values()
            elif not parts(each, texts):
                return False
        return True

    return check


def _list(one: _Check | None) -> _Check:
    def check(value: Any, texts: list[Any]) -> bool:
        if value.__class__ is not list or not value:
            return False
        if one is not None:
            return all(one(each, texts) for each in value)
        texts += value
        return True

    return check


def _meta(name: str) -> _Check:
    """The check of `meta`: what has columns, and the name of the resource type, which is all that is compared."""

    def check(value: Any, texts: list[Any]) -> bool:
        return value.__class__ is dict and _META.issuperset(value) and value.get("resourceType") == name

    return check


def _lower(value: Any, texts: list[Any]) -> bool:
    return value.__class__ is str and bool(value == value.lower())


def _boolean(value: Any, texts: list[Any]) -> bool:
    return value is True or value is False


def _number(value: Any, texts: list[Any]) -> bool:
    return value.__class__ is int or value.__class__ is float


def _never(value: Any, texts: list[Any]) -> bool:
    return False


def _nothing(value: Any) -> tuple[()]:
    return ()


_CHECKS: Final[Mapping[str, _Check]] = {"boolean": _boolean, "integer": _number, "decimal": _number}
