"""Which attributes an answer shows: by ``attributes``, ``excludedAttributes`` and the schema (RFC 7644 section 3.9)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from scim_bridge.protocol.errors import invalid_value
from scim_bridge.query.capabilities import Collection, Relation
from scim_bridge.schemas import COMMON, ResourceSchema, SchemaAttribute

_Below = Mapping[str, Any] | frozenset[str] | None
"""What is shown below a name: of an extension, its attributes; of an attribute, these parts; None: all there is."""


@dataclass(frozen=True, slots=True)
class Projection:
    """What a client asked to see of one resource type, compiled; `apply` shows it of a resource.

    ``written``: attributes the client wrote in the same request, which shows those that are returned on request only
    (RFC 7643 section 7).
    """

    schema: ResourceSchema
    attributes: frozenset[str] = frozenset()  # canonical paths; empty: the default set
    excluded: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    named: bool = False  # `attributes` was given, even if it names nothing that exists
    _shown: Mapping[str, _Below] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_shown", self._compiled())

    def apply(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """The part of a resource that is shown."""
        return _pick(resource, self._shown)

    @property
    def narrows(self) -> bool:
        """Whether the client asked for other than the default set."""
        return self.named or bool(self.excluded)

    def is_default(self, collection: Collection) -> bool:
        """Whether it shows what clients are shown by default, and no relation: so a stored document is the answer."""
        related = {each.attribute for each in collection.relations}
        return not (self.named or self.written or self.excluded - related or self.relations(collection))

    def depends_on(self, written: frozenset[str]) -> bool:
        """Whether it shows more where a client wrote these attributes: of what is returned on request only."""
        return not self.named and any(self._on_request(path) for path in written)

    def _on_request(self, path: str) -> bool:
        found = self.schema.resolve(path)
        if found is None or found.whole_extension:
            return True
        parts = (found.attribute, found.target, *found.attribute.sub_attributes)
        return any(each.returned == "request" for each in parts)

    def wants(self, name: str) -> bool:
        """Whether a top-level attribute is shown at all."""
        return name in self._shown

    def shows(self, relation: Relation) -> bool:
        """Whether a relation is shown where its elements are known."""
        return self.wants(relation.attribute) and (relation.shown != "request" or self._asked(relation.attribute))

    def relations(self, collection: Collection) -> frozenset[str]:
        """The relations that have to be loaded to answer; those a record brings along cost nothing and come anyway."""
        return frozenset(
            each.attribute
            for each in collection.relations
            if self.shows(each) and (each.shown == "always" or self._asked(each.attribute))
        )

    def _asked(self, name: str) -> bool:
        return any(path == name or path.startswith(f"{name}.") for path in self.attributes)

    # -- compiling -------------------------------------------------------

    def _compiled(self) -> dict[str, _Below]:
        shown: dict[str, _Below] = {}
        for attribute in (*COMMON, *self.schema.base.attributes):
            self._add(shown, attribute, attribute.name)
        for each in self.schema.extensions:
            inner: dict[str, _Below] = {}
            for attribute in each.schema.attributes:
                self._add(inner, attribute, f"{each.schema.id}:{attribute.name}", each.schema.id)
            if inner:
                shown[each.schema.id] = inner
        return shown

    def _add(self, shown: dict[str, Any], attribute: SchemaAttribute, path: str, container: str | None = None) -> None:
        if not attribute.sub_attributes:
            if self._is_shown(attribute, path, container):
                shown[attribute.name] = None
            return
        if attribute.returned == "never" or (attribute.returned != "always" and path in self.excluded):
            return
        if not self._is_shown(attribute, path, container) and not self._below(path):
            return
        parents = [each for each in (path, container) if each is not None]
        subs = frozenset(
            sub.name for sub in attribute.sub_attributes if self._is_shown(sub, f"{path}.{sub.name}", *parents)
        )
        if subs:
            # Sub-attributes that the schema does not know are none of ours: what is not listed is not shown.
            shown[attribute.name] = subs

    def _below(self, path: str) -> bool:
        return any(each.startswith(f"{path}.") for each in self.attributes)

    def _is_shown(self, attribute: SchemaAttribute, path: str, *parents: str | None) -> bool:
        """Whether an attribute is in the set; ``parents`` are the paths that name it along with others."""
        if attribute.returned in ("always", "never"):
            return attribute.returned == "always"
        if path in self.excluded or any(parent in self.excluded for parent in parents):
            return False
        if attribute.returned == "request":
            return path in self.attributes or (path in self.written and not self.named)
        return not self.named or path in self.attributes or any(parent in self.attributes for parent in parents)


def _pick(source: Mapping[str, Any], shown: Mapping[str, _Below]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in source.items():
        below = shown.get(name, _HIDDEN)
        if below is None:
            result[name] = value
        elif below is _HIDDEN:
            continue
        elif value.__class__ is list:
            elements = [_part(each, below) if each.__class__ is dict else each for each in value]
            # An element of which nothing is asked for says no more than that it exists.
            if filled := [each for each in elements if each != {}]:
                result[name] = filled
        elif isinstance(value, dict):
            if picked := _part(value, below):
                result[name] = picked
        else:
            result[name] = value
    return result


def _part(value: dict[str, Any], below: Mapping[str, _Below] | frozenset[str]) -> dict[str, Any]:
    if below.__class__ is not frozenset:
        return _pick(value, below)  # type: ignore[arg-type]  # of the two, the mapping
    # Nearly always all of it is shown, and a look at all names at once is the quickest.
    return value if below.issuperset(value) else {name: each for name, each in value.items() if name in below}


_HIDDEN: Final[Mapping[str, Any]] = {}
"""What is found of an attribute that is not shown."""


def projection(schema: ResourceSchema, attributes: Iterable[str] | None, excluded: Iterable[str] | None) -> Projection:
    """The projection for two lists of names in any spelling; a name that exists in no schema shows nothing.

    Raises ScimError 400 where both are given (RFC 7644 section 3.9).
    """
    if attributes is not None and excluded is not None:
        raise invalid_value("attributes and excludedAttributes cannot be combined")
    return Projection(
        schema, _canonical(schema, attributes), _canonical(schema, excluded), named=attributes is not None
    )


def _canonical(schema: ResourceSchema, names: Iterable[str] | None) -> frozenset[str]:
    found = (schema.resolve(name.strip()) for name in names or () if name.strip())
    return frozenset(each.canonical for each in found if each is not None)
