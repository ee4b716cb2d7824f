"""What a connection has to remember itself: who a DELETE took away although the upstream keeps the record."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Noted:
    """A change of the memory: the mark of an id. ``instead_of``: only in place of this mark; a mark of None is none."""

    id: str
    mark: str | None
    instead_of: str | None = None


class Memory(Protocol):
    """Where marks outlive a process, and other nodes see them."""

    async def read(self, after: int) -> tuple[Mapping[str, str | None], int]:
        """The marks that changed behind a number, by id, None for those that were taken back; and the new number."""
        ...

    async def write(self, noted: Sequence[Noted]) -> None:
        """Make changes durable, in order."""
        ...


class Remembered:
    """Records that count as deleted, by id: each with a mark of the state in which it was left, which its provider
    makes and understands. Without a memory they are known as long as this object is."""

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}
        self._memory: Memory | None = None
        self._seen = 0
        self._unsaved: list[Noted] = []
        self._saving = asyncio.Lock()

    def keep_in(self, memory: Memory) -> None:
        """From now on, take in what is in a memory, and keep there what is noted."""
        self._memory = memory

    def any(self) -> bool:
        return bool(self._marks)

    def mark(self, resource_id: object) -> str | None:
        """The mark of a record; None where it does not count as deleted."""
        return self._marks.get(resource_id) if isinstance(resource_id, str) else None

    def add(self, resource_id: str, mark: str) -> None:
        """Count a record as deleted. `save` makes it durable."""
        self._marks[resource_id] = mark
        self._note(Noted(resource_id, mark))

    def forget(self, resource_id: str) -> None:
        """A record is no longer as it was left, so it is there again. Becomes durable with the next `refresh`."""
        mark = self._marks.pop(resource_id, None)
        if mark is not None:
            self._note(Noted(resource_id, None, instead_of=mark))

    def _note(self, noted: Noted) -> None:
        if self._memory is not None:
            self._unsaved.append(noted)

    async def save(self) -> None:
        """Make what was noted durable. Raises as the memory does; it is then tried again the next time."""
        if self._memory is None or not self._unsaved:
            return
        async with self._saving:
            noted = list(self._unsaved)
            if noted:
                await self._memory.write(noted)
            del self._unsaved[: len(noted)]

    async def refresh(self) -> None:
        """Take in what other processes noted, and those before this one. Raises as the memory does."""
        if self._memory is None:
            return
        await self.save()
        found, seen = await self._memory.read(self._seen)
        if seen < self._seen:
            return  # another task has read further meanwhile
        self._seen = seen
        for resource_id, mark in found.items():
            if mark is None:
                self._marks.pop(resource_id, None)
            else:
                self._marks[resource_id] = mark
