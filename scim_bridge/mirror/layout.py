"""How resources of one type are stored: which attributes have columns, and what of a resource SQL compares.

A resource is kept as a document to send, and beside it the *keys* of its values: text folded and normalised, instants
as numbers, so that both databases compare them as `comparison` does. What clients search by most has a column with an
index; the keys of all else are one JSON document.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from scim_bridge.attributes import expand
from scim_bridge.schemas import COMMON, AttributePath, ResourceSchema, SchemaAttribute

_log = logging.getLogger("scim_bridge.mirror")

INDEXED: Final = (
    "userName",
    "externalId",
    "displayName",
    "name.familyName",
    "name.givenName",
    "active",
    "title",
    "userType",
    "meta.created",
    "meta.lastModified",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
)
"""Attributes with a column where a resource type has them with a single value: what clients look people up by."""
INDEXED_LISTS: Final = ("emails.value",)
"""The same for attributes with several values, which have rows of their own."""

KINDS: Final[Mapping[str, str]] = {
    "string": "text",
    "reference": "text",
    "binary": "text",
    "dateTime": "integer",
    "integer": "decimal",
    "decimal": "decimal",
    "boolean": "boolean",
}
"""What a database holds for the keys of each type."""


@dataclass(frozen=True, slots=True)
class Column:
    """An attribute with a column of its own."""

    name: str
    path: AttributePath

    @property
    def kind(self) -> str:
        return KINDS[self.path.target.type]


@dataclass(frozen=True, slots=True)
class Layout:
    """How one resource type is stored.

    ``relations`` are those whose elements are rows of their own; like the values of ``lists`` they are numbered, so the
    two must not change for as long as the same tables are used.
    """

    resource: ResourceSchema
    columns: tuple[Column, ...]
    lists: tuple[AttributePath, ...]
    relations: tuple[str, ...] = ()
    elsewhere: frozenset[str] = frozenset()  # relations that no row and no document holds

    def column(self, path: AttributePath) -> Column | None:
        return next((each for each in self.columns if each.path.canonical == path.canonical), None)

    def number(self, name: str) -> int | None:
        """The number of a relation or of the path of a list; None for what has no rows of its own."""
        names = (*self.relations, *(each.canonical for each in self.lists))
        return names.index(name) if name in names else None

    def has_index(self, path: str) -> bool:
        """Whether filters find what a path names, in short form too, by an index."""
        found = self.resource.resolve(expand(path, self.resource))
        return found is not None and (self.column(found) is not None or self.number(found.canonical) is not None)

    @property
    def fingerprint(self) -> str:
        """What of the layout stored data depends on: with another one, it has to be stored anew."""
        types = [
            f"{'.'.join(path)} {each.type} {each.multi_valued} {each.case_exact} {each.returned}"
            for path, each in _every(self.resource)
        ]
        names = [each.path.canonical for each in self.columns]
        return "\n".join([VERSION, *names, *self.relations, *(each.canonical for each in self.lists), *types])


VERSION: Final = "2"
"""Changes with the meaning of what is stored."""


def _every(resource: ResourceSchema) -> list[tuple[tuple[str, ...], SchemaAttribute]]:
    """Each attribute and sub-attribute, with the keys that lead to it."""
    found: list[tuple[tuple[str, ...], SchemaAttribute]] = []
    own = [((), each) for each in (*COMMON, *resource.base.attributes)]
    extended = [((each.schema.id,), one) for each in resource.extensions for one in each.schema.attributes]
    for prefix, attribute in [*own, *extended]:
        keys = (*prefix, attribute.name)
        found += [(keys, attribute), *(((*keys, sub.name), sub) for sub in attribute.sub_attributes)]
    return found


def layout(
    resource: ResourceSchema,
    relations: tuple[str, ...] = (),
    elsewhere: frozenset[str] = frozenset(),
    indexed: Iterable[str] = (),
) -> Layout:
    """The layout of a resource type; ``relations`` are kept as rows, those ``elsewhere`` not at all; of the paths
    ``indexed``, in short form too, those that it has get an index beside the usual ones."""
    more = [expand(each, resource) for each in indexed]
    found = {each.canonical: each for each in map(resource.resolve, (*INDEXED, *INDEXED_LISTS, *more)) if each}
    paths = [each for each in found.values() if each.attribute.name not in {*relations, *elsewhere, "id"}]
    # Those of texts first, and each beside others of the same object: so they are quickest to read.
    columns = sorted((each for each in paths if _single(each)), key=lambda each: (not folds(each), each.names[:-1]))
    lists = [each for each in paths if each.attribute.multi_valued and each.target.type in ("string", "reference")]
    return Layout(
        resource,
        tuple(Column(f"c{number}", each) for number, each in enumerate(columns)),
        tuple(each for each in lists if each.sub is not None),
        relations,
        elsewhere,
    )


def folds(path: AttributePath) -> bool:
    """Whether the keys of what a path names are texts in lower case."""
    return KINDS.get(path.target.type) == "text" and path.target.type != "binary" and not path.target.case_exact


def _single(path: AttributePath) -> bool:
    """Whether what a path names has one value, of a type that is compared."""
    return not path.attribute.multi_valued and path.target.type in KINDS and not path.target.multi_valued
