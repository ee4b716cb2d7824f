"""What answers reads of one resource type: its upstream, or a copy of what that holds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from scim_bridge.query.capabilities import Element
from scim_bridge.query.plan import Query
from scim_bridge.query.relations import Record

BASE_MARK: Final = b"\x01"
"""Stands for the base URL in stored documents; JSON text holds it nowhere else, as control characters are escaped."""


@dataclass(slots=True)
class Page:
    """Records of one page, how many match in all (None where nobody asked and it was not known), where the next starts.

    ``next`` is plain JSON and all that another node needs to go on; None at the end. ``documents`` come instead of
    records where a query takes them and the source has them. ``revision``: of a copy, no later than what is listed.
    """

    records: list[Record]
    total: int | None
    next: Mapping[str, Any] | None
    documents: Sequence[bytes] | None = None
    revision: int | None = None

    @property
    def resources(self) -> list[dict[str, Any]]:
        return [each.resource for each in self.records]


@dataclass(slots=True)
class Document:
    """A resource as a client is sent it by default, with BASE_MARK for the base URL, and the digest of its state.

    ``related``: elements of relations that a single resource shows although nobody asked, where the copy has them.
    ``age_seconds``: how long ago the copy was as its upstream.
    """

    body: bytes
    state: bytes
    age_seconds: int
    related: Mapping[str, Sequence[Element]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """A difference that was applied to a copy: its number in the connection's sequence, when, in microseconds since
    1970, and what happened (created, changed, deleted) to which resource; the attributes concerned, of a change."""

    number: int
    at: int
    resource: str
    what: str
    id: str
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Changes, oldest first, out of those that are kept, which come behind the number ``before``; ``last`` is that of
    the last one there was. ``complete``: the copy holds everything; until then, differences are not recorded."""

    changes: list[RecordedChange]
    before: int
    last: int
    complete: bool


class Changes(Protocol):
    """The sequence of changes of a connection."""

    async def read(self, after: int | None, count: int) -> ChangePage:
        """Changes behind a number; None: from the oldest that is kept."""
        ...


class Source(Protocol):
    """Answers reads. It raises as `Reader` does."""

    async def record(self, resource_id: str) -> Record | None:
        """The resource with an id, with the relations its own record brings; None where there is none."""
        ...

    async def search(self, query: Query, position: Mapping[str, Any] | None = None) -> Page:
        """One page of a query; ``position`` is what an earlier page gave as `next`, and says where this one starts."""
        ...

    async def load(self, records: Sequence[Record], names: Iterable[str]) -> None:
        """Make the named relations of records known."""
        ...

    async def fill(self, records: Sequence[Record], names: Iterable[str]) -> None:
        """Put the named relations into the records' resources; an empty one stays unassigned."""
        ...


class Copy(Source, Protocol):
    """A copy of what an upstream holds of one resource type. Writes that the upstream has taken are noted in it."""

    async def ready(self) -> bool:
        """Whether it holds everything, so that it can answer."""
        ...

    async def document(self, resource_id: str) -> Document | None:
        """The document of a resource; None where there is none."""
        ...

    async def freshness(self) -> dict[str, Any]:
        """As of when it is as its upstream, and when it was last compared as a whole, as JSON; {} before that."""
        ...

    async def age_seconds(self) -> int:
        """How long ago it was as its upstream."""
        ...

    async def revision(self) -> int:
        """A number that changes with everything that is answered."""
        ...

    async def wrote(self, record: Record, relations: Mapping[str, Sequence[Element]]) -> None:
        """A resource was written; with all elements of the relations given."""
        ...

    async def changed_elements(
        self, owner: str, relation: str, added: Sequence[Element], removed: Sequence[Element]
    ) -> None:
        """Elements were added to a resource's relation, and removed from it."""
        ...

    async def deleted(self, resource_id: str) -> None:
        """A resource was deleted."""
        ...

    async def read_again(self, resource_id: str) -> None:
        """A resource was written, and its upstream has to be asked what it is now."""
        ...

    def doubt(self, resource_id: str) -> None:
        """What became of a write to a resource is not known, so it is to be read again."""
        ...
