"""Resources that are shown and compared as they are but for case, as most are: their keys are their JSON in lower case.

To make keys value by value takes longer than a database takes to store them. So does to look at each value in Python;
msgspec compares whole resources with the types of their attributes, at a fifth of that (measured: 2.2 µs).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Annotated, Any, Final, Literal

import msgspec
import orjson

from scim_bridge.mirror.keys import Mistyped, moment_key
from scim_bridge.mirror.layout import Layout, folds
from scim_bridge.query.sources import BASE_MARK
from scim_bridge.schemas import COMMON, SchemaAttribute

_TEXT: Final = ("string", "reference")
_LOWER: Final = Annotated[str, msgspec.Meta(pattern=r"\A[^A-Z]*\Z")]
_NEVER: Final = Annotated[str, msgspec.Meta(pattern="(?!)")]
"""The type of what is never plain: no text is of this type."""
_EMPTY: Final = re.compile(rb"\{\}").search  # half as long as `in` takes for two characters
_TYPES: Final[Mapping[str, Any]] = {"boolean": bool, "integer": int | float, "decimal": int | float}


class Plain:
    """Tells which resources of one layout are plain, and makes the keys of these."""

    def __init__(self, layout: Layout) -> None:
        schema, away, types = layout.resource, {"meta", *layout.relations, *layout.elsewhere}, _Types(layout)
        own = types.fields([each for each in (*COMMON, *schema.base.attributes) if each.name not in away], "")
        extended = [
            (each.schema.id, *_object(types.fields(each.schema.attributes, f"{each.schema.id}:")))
            for each in schema.extensions
        ]
        self._type = _struct([*own, *extended, ("meta", _meta(schema.name))])
        self._take = attrgetter(*(_place(each.path.names) for each in layout.columns))
        self._folded = sum(folds(each.path) for each in layout.columns)  # which come first
        self._times = [place for place, each in enumerate(layout.columns) if each.path.target.type == "dateTime"]
        self._lists = [
            (attrgetter(_place(path.keys)), attrgetter(_place((path.sub.name,)))) for path in layout.lists if path.sub
        ]
        self._meta = b',"meta":%b}' % orjson.dumps({"resourcetype": schema.name})

    def read(self, resource: Mapping[str, Any]) -> tuple[list[Any], list[set[str]]] | None:
        """The keys of a resource's columns and lists; None where its values are not all shown by default, and of their
        types. Those of a resource that `keys` makes none of are not to be used."""
        try:
            found = msgspec.convert(resource, self._type)
            columns = list(self._take(found))
            columns[: self._folded] = [text and text.lower() for text in columns[: self._folded]]
            for place in self._times:
                if columns[place] is not None:
                    columns[place] = moment_key(columns[place])
        except (msgspec.ValidationError, Mistyped):
            return None
        lists = [
            {text.lower() for text in map(value, elements(found) or ()) if text is not None}
            for elements, value in self._lists
        ]
        return columns, lists

    def keys(self, body: bytes) -> str | None:
        """The keys of a plain resource by its JSON without `meta`; None where they have to be made one by one.

        Escapes in JSON are of lower case as they are. Databases take no NUL. What is empty is unassigned. BASE_MARK is
        in references only, which nobody can search by.
        """
        if not body.isascii() or _EMPTY(body) or (b"\\" in body and b"\\u00" in body):
            return None
        return str(body.replace(BASE_MARK, b"").lower()[:-1] + self._meta, "ascii")


_Field = tuple[str, Any] | tuple[str, Any, Any]
"""The name of a value, its type, and what stands for it where there is none."""


class _Types:
    """Makes the types of attributes from a schema."""

    def __init__(self, layout: Layout) -> None:
        # What has a column is compared by that, and ids by themselves.
        self._held = {"id", *(each.path.canonical for each in layout.columns)}
        self._lists = {path.canonical for path in layout.lists}

    def fields(self, attributes: Iterable[SchemaAttribute], prefix: str) -> list[_Field]:
        return [self._field(each, f"{prefix}{each.name}") for each in attributes]

    def _field(self, attribute: SchemaAttribute, path: str) -> _Field:
        if attribute.type == "complex" and attribute.returned in ("default", "always"):
            one, empty = _object(self.fields(attribute.sub_attributes, f"{path}."))
            return (attribute.name, _list(one), None) if attribute.multi_valued else (attribute.name, one, empty)
        one = self._type(attribute, path)
        return attribute.name, _list(one) if attribute.multi_valued else one, None

    def _type(self, attribute: SchemaAttribute, path: str) -> Any:
        """The type of an attribute's single values."""
        shown = attribute.returned in ("default", "always") and attribute.name != "$ref"
        if not shown or (attribute.multi_valued and path in self._lists):
            return _NEVER
        if attribute.type in _TEXT:
            return _LOWER if attribute.case_exact and path not in self._held else str
        return _TYPES.get(attribute.type, _NEVER)


def _list(one: Any) -> Any:
    return Annotated[list[one], msgspec.Meta(min_length=1)]


def _object(fields: Sequence[_Field]) -> tuple[Any, Any]:
    """The type of an object, and one without values, which stands for what is not there."""
    kind = _struct(fields)
    return kind, kind()


def _meta(name: str) -> Any:
    """The type of `meta`: times, which have columns, and the name of the resource type, all else that is compared."""
    return _struct([("resourceType", Literal[name]), ("created", str, None), ("lastModified", str, None)])


def _struct(fields: Sequence[_Field]) -> Any:
    named = {_place((name,)): name for name, *_ in fields}
    return msgspec.defstruct(
        "Plain",
        [(place, *each[1:]) for place, each in zip(named, fields, strict=True)],
        rename=named,
        forbid_unknown_fields=True,
        kw_only=True,
        frozen=True,
        gc=False,
    )


def _place(names: Iterable[str]) -> str:
    """Where a value is within objects: names of SCIM, and URNs, are not always such of Python."""
    return ".".join(f"x{name.encode().hex()}" for name in names)
