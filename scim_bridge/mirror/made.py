"""What a mirror stores of a resource: its document, and the keys by which it is found and sorted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from unicodedata import is_normalized

from scim_bridge.mirror.keys import KeyMaker, Mistyped, typed
from scim_bridge.mirror.layout import Layout
from scim_bridge.mirror.plain import Plain
from scim_bridge.query.version import digest

Element = dict[str, Any]
Resource = dict[str, Any]
Made = tuple[list[Any], list[set[str]], str, bytes | bytearray, bytes | None]
"""Keys of columns, lists and all else, and the two documents."""


class Presenter(Protocol):
    """What makes resources presentable, with BASE_MARK for the base URL."""

    def documents(self, resource: Resource, state: bytes) -> tuple[bytes, bytes | None]:
        """The document that a client is sent by default, and the whole one where that shows less."""
        ...

    def plain(self, resource: Resource, state: bytes) -> tuple[bytes, bytes] | None:
        """The document of a resource of which all is shown by default: JSON of all but `meta`, and what that ends with
        in place of its last brace. None where it has to be made by `documents`."""
        ...


class NotStorable(Exception):
    """A resource that a mirror cannot hold exactly."""


@dataclass(slots=True)
class Draft:
    """A resource to store, as the upstream has it, with the elements of its stored relations as far as known."""

    resource: Resource
    known_state: bytes | None = None
    relations: Mapping[str, Sequence[Element]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        value: str = self.resource["id"]
        return value

    @property
    def elements(self) -> Iterator[tuple[str, Element]]:
        """The elements of its relations, each with the relation's name."""
        return ((name, each) for name, elements in self.relations.items() for each in elements)

    @property
    def state(self) -> bytes:
        """The digest of the resource, made when it is needed: just before all else that is made of it."""
        if self.known_state is None:
            self.known_state = digest(self.resource)
        return self.known_state


class Maker:
    """Makes the rows of one resource type; ``presenter`` makes the documents."""

    def __init__(self, layout: Layout, presenter: Presenter) -> None:
        self._schema = layout.resource
        self._presenter = presenter
        self._plain = Plain(layout)
        self._keys = KeyMaker(layout)

    def made(self, draft: Draft, at: int) -> Made:
        """What is stored of a resource beside its state. Raises NotStorable."""
        resource_id = draft.id
        if not (resource_id.isascii() or is_normalized("NFC", resource_id)) or "\0" in resource_id:
            raise NotStorable(f"a {self._schema.name} has an id that is not in Unicode's form NFC")
        resource, state = _stamped(draft.resource, at), draft.state
        # Most resources are shown and compared as they are.
        if (read := self._plain.read(resource)) is not None:
            shown = self._presenter.plain(resource, state)
            if shown is not None and (keys := self._plain.keys(shown[0])) is not None:
                document = bytearray(shown[0])
                document[-1:] = shown[1]
                return *read, keys, document, None
        try:
            return self._made_from_each(resource, state)
        except Mistyped:
            return self._made_from_each(typed(resource, self._schema), state)

    def _made_from_each(self, resource: Resource, state: bytes) -> Made:
        """The same, value by value. Raises Mistyped."""
        columns, lists, rest = self._keys.columns(resource), self._keys.lists(resource), self._keys.rest(resource)
        document, more = self._presenter.documents(resource, state)
        return columns, lists, rest, document, more


def _stamped(resource: Resource, at: int) -> Resource:
    """The resource with `meta.lastModified`: where the upstream states none, it is the time when a difference was seen,
    so that clients can ask for what is new (RFC 7644 section 3.4.2.2)."""
    meta = resource.get("meta") or {}
    if meta.get("lastModified") is not None:
        return resource
    seen = datetime.fromtimestamp(at // 1_000_000, UTC).isoformat().replace("+00:00", "Z")
    return {**resource, "meta": {**meta, "lastModified": seen}}
