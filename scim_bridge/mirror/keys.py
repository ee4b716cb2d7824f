"""The keys of values, which SQL compares as `comparison` does the values themselves, and those of whole resources."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import orjson

from scim_bridge.comparison import decoded, exact, folded
from scim_bridge.mirror.layout import Layout
from scim_bridge.schemas import COMMON, ResourceSchema, SchemaAttribute

_log = logging.getLogger("scim_bridge.mirror")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)


class Mistyped(ValueError):
    """A value that is none of its attribute's type."""


def moment(value: datetime) -> int:
    """An instant as a number in order: twice its microseconds, odd without an offset, as then it compares with none
    that has one."""
    naive = value.tzinfo is None
    since = value - (_NAIVE_EPOCH if naive else _EPOCH)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 2 + naive


def plain(text: str) -> str:
    """Text as both databases hold it: neither takes a NUL. Order, and what texts begin with, stay the same."""
    return text.replace("\1", "\1\3").replace("\0", "\1\2") if "\0" in text or "\1" in text else text


AMBIGUOUS: Final = ("\2", "\3")
"""Characters that also stand for others behind a U+0001: a text that begins with them may seem to be in another."""


def key_function(attribute: SchemaAttribute) -> Callable[[Any], Any]:
    """What turns a raw value into its key. It raises Mistyped."""
    match attribute.type:
        case "string" | "reference":
            return _exact_text if attribute.case_exact else _folded_text
        case "dateTime":
            return moment_key
        case "binary":
            return _binary
        case "boolean":
            return _boolean
    return _number


def _folded_text(value: Any) -> str:
    try:
        if value.isascii() and value.isprintable():
            return value.lower()  # type: ignore[no-any-return]  # a str, or AttributeError
    except AttributeError:
        raise Mistyped from None
    return plain(folded(value))


def _exact_text(value: Any) -> str:
    if not isinstance(value, str):
        raise Mistyped
    return plain(exact(value))


def moment_key(value: Any) -> int:
    try:
        return moment(datetime.fromisoformat(value))
    except (TypeError, ValueError):
        raise Mistyped from None


def _binary(value: Any) -> str:
    found = decoded(value)
    if not isinstance(found, bytes):
        raise Mistyped
    return found.hex()


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Mistyped
    return value


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Mistyped
    return value


# -- the keys of a resource --------------------------------------------------------------------------------------------

_Reader = Callable[[Any], Any]
_Readers = Mapping[str, tuple[str, _Reader]]
"""How to make the keys of values, and their names among keys, by the values' names."""
_Group = tuple[list[str], list[str], list[tuple[str, _Reader]]]
"""Columns next to each other, of attributes that one object holds: the names that lead to it, those of texts without
case, and those of all behind them with how to read these."""
_NOTHING: Final[dict[str, Any]] = {}


class KeyMaker:
    """Makes the keys of resources of one layout; compiled, as a crawl makes millions."""

    def __init__(self, layout: Layout) -> None:
        self._groups = _grouped(layout)
        self._lists = [(path.keys, path.sub.name, key_function(path.target)) for path in layout.lists if path.sub]
        held = {each.path.canonical for each in layout.columns}
        away = {*layout.relations, *layout.elsewhere}
        schema = layout.resource
        self._base = _maker([each for each in (*COMMON, *schema.base.attributes) if each.name not in away], "", held)
        self._base.pop("id", None)
        for each in schema.extensions:
            inner = _maker(each.schema.attributes, f"{each.schema.id}:", held)
            self._base[each.schema.id] = each.schema.id.lower(), _object(inner)

    def columns(self, resource: Mapping[str, Any]) -> list[Any]:
        """The keys of the attributes with columns. Raises Mistyped."""
        found: list[Any] = []
        for names, texts, others in self._groups:
            held: Any = resource
            for name in names:
                held = _NOTHING if (inner := held.get(name)) is None else inner
                if held.__class__ is not dict:
                    raise Mistyped
            found += [None if each is None else _folded_text(each) for each in map(held.get, texts)]
            for name, key in others:
                value = held.get(name)
                found.append(None if value is None else key(value))
        return found

    def rest(self, resource: Mapping[str, Any]) -> str:
        """The keys of all that has no column, as JSON that is nested as the resource is, with names in lower case.
        Raises Mistyped."""
        return orjson.dumps(_object_keys(self._base, resource)).decode()

    def lists(self, resource: Mapping[str, Any]) -> list[set[str]]:
        """The keys of the attributes with rows of their own. Raises Mistyped."""
        return [{key(each) for each in _values(resource, names, sub)} for names, sub, key in self._lists]


def _grouped(layout: Layout) -> list[_Group]:
    found: list[_Group] = []
    for each in layout.columns:
        *holder, name = each.path.names
        if not found or found[-1][0] != holder:
            found.append((holder, [], []))
        read = key_function(each.path.target)
        _, texts, others = found[-1]
        if read is _folded_text and not others:
            texts.append(name)
        else:
            others.append((name, read))
    return found


def _values(resource: Mapping[str, Any], keys: Iterable[str], sub: str) -> list[Any]:
    """What the elements of a list have as one of their sub-attributes, as `AttributePath.read` gives it."""
    elements: Any = resource
    for name in keys:
        elements = elements.get(name) if elements.__class__ is dict else None
    found: list[Any] = []
    for each in elements if elements.__class__ is list else ():
        value = each.get(sub) if each.__class__ is dict else None
        if value.__class__ is list:
            found += [one for one in value if one is not None]
        elif value is not None:
            found.append(value)
    return found


def _maker(attributes: Any, prefix: str, held: set[str]) -> dict[str, tuple[str, _Reader]]:
    return {
        each.name: (each.name.lower(), _reader(each, f"{prefix}{each.name}", held))
        for each in attributes
        if f"{prefix}{each.name}" not in held and each.returned != "never"
    }


def _reader(attribute: SchemaAttribute, path: str, held: set[str]) -> _Reader:
    if attribute.type == "complex":
        subs = {
            each.name: (each.name.lower(), _reader(each, "", set()))
            for each in attribute.sub_attributes
            if f"{path}.{each.name}" not in held and each.returned != "never"
        }
        one: _Reader = _object(subs)
    else:
        one = key_function(attribute)
    return _list(one) if attribute.multi_valued else one


def _object(subs: _Readers) -> _Reader:
    return partial(_object_keys, subs)


def _object_keys(subs: _Readers, value: Any) -> dict[str, Any]:
    if value.__class__ is not dict:
        raise Mistyped
    found: dict[str, Any] = {}
    for name, each in value.items():
        if each is None or name not in subs:
            continue
        stored, read = subs[name]
        if read is _folded_text and each.__class__ is str and each.isascii() and each.isprintable():
            found[stored] = each.lower()  # most values; a call costs as much as this
            continue
        key = read(each)
        if key.__class__ is not list or key:  # an empty list is unassigned
            found[stored] = key
    return found


def _list(one: _Reader) -> _Reader:
    def read(value: Any) -> list[Any]:
        if value.__class__ is not list:
            raise Mistyped
        return [one(each) for each in value]

    return read


def element_key(resource: ResourceSchema, relation: str) -> Callable[[Any], Any]:
    """What makes the key of the value of a relation's element."""
    found = resource.resolve(f"{relation}.value")
    return _exact_text if found is None or found.target.case_exact else _folded_text


# -- values of another type --------------------------------------------------------------------------------------------


def typed(resource: Mapping[str, Any], schema: ResourceSchema) -> dict[str, Any]:
    """A resource without values that are none of their attributes' types, which nothing could be compared with."""
    attributes = {each.name: each for each in (*COMMON, *schema.base.attributes)}
    extensions = {each.schema.id: {one.name: one for one in each.schema.attributes} for each in schema.extensions}
    found: dict[str, Any] = {}
    for name, value in resource.items():
        if name in extensions and isinstance(value, Mapping):
            found[name] = _typed_parts(value, extensions[name])
        else:
            found |= _typed_parts({name: value}, attributes)
    return found


def _typed_parts(value: Mapping[str, Any], attributes: Mapping[str, SchemaAttribute]) -> dict[str, Any]:
    found = {name: _typed(each, attributes[name]) for name, each in value.items() if name in attributes}
    return {name: each for name, each in found.items() if each is not None}


def _typed(value: Any, attribute: SchemaAttribute) -> Any:
    """The value, what is left of it, or None."""
    if attribute.multi_valued:
        elements = [_typed(each, replace(attribute, multi_valued=False)) for each in _list_of(value)]
        return [each for each in elements if each is not None] or None
    if attribute.type == "complex" and isinstance(value, Mapping):
        return _typed_parts(value, {each.name: each for each in attribute.sub_attributes})
    try:
        if value is not None and attribute.type != "complex":
            key_function(attribute)(value)
            return value
    except Mistyped:
        pass
    _log.warning("a value that is none of its attribute's type was left out", extra={"attribute": attribute.name})
    return None


def _list_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
