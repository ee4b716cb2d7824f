"""What nodes share of what pages of a query leave behind for the next ones, as the cache of each node sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found: the state of the connection, which an own write on any node ends, and parts by name, each with
    its age in seconds. ``state`` None: it is not known, and so is nothing else."""

    state: str | None
    parts: Mapping[str, tuple[bytes, float]] = field(default_factory=dict)


class Shelf(Protocol):
    """Memory of one connection that all nodes share. What is put there may be gone at any time."""

    async def look(self, key: str | None = None, parts: Sequence[str] = ()) -> Looked:
        """The state, and the parts of an entry: those named, or all of them; none without a key."""
        ...

    async def keep(self, key: str, parts: Mapping[str, bytes], state: str, seconds: float) -> None:
        """Put parts of an entry there; not where the state is another one by now."""
        ...

    async def end(self) -> bool:
        """Begin a new state, as a write made all that is there stale; whether the other nodes will know."""
        ...
