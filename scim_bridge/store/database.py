"""A database as the rest of the bridge sees it: functions that run in a transaction, wherever that is quickest.

What uses it is written as plain functions over `Sql`, once for both databases. Text holds ``?`` for parameters.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
Params = Sequence[Any]


class DatabaseUnavailable(Exception):
    """The database cannot be reached or used; the message names no credentials."""


class Dialect(Protocol):
    """How the two databases spell what they say differently."""

    @property
    def types(self) -> dict[str, str]:
        """Column types by what they hold: text integer decimal boolean json bytes."""
        ...

    @property
    def now(self) -> str:
        """The database's own time, which all nodes agree on, in microseconds since 1970."""
        ...

    @property
    def passing(self) -> str:
        """The kind of table for what may be lost with the database's process: it is written without waiting for the
        disk where there is such a kind."""
        ...

    @property
    def indexes_rows(self) -> bool:
        """Whether each index has the numbers of rows behind its columns, in order, as it is."""
        ...

    def among(self, expression: str) -> str:
        """Whether an expression is one of a list, the one parameter of which `listed` makes."""
        ...

    def listed(self, values: Sequence[str]) -> Any:
        """A list of texts as the parameter of `among`."""
        ...

    def leaf(self, document: str, keys: Sequence[str], kind: str) -> str:
        """A scalar within a JSON document as text, integer, decimal or boolean; NULL where it is missing."""
        ...

    def elements(self, document: str, keys: Sequence[str], alias: str) -> str:
        """The elements of a list within a JSON document, as a table; none where it is missing."""
        ...

    def element(self, alias: str, kind: str) -> str:
        """An element of `elements` that is a scalar."""
        ...

    def inner(self, alias: str) -> str:
        """An element of `elements` as a document of its own."""
        ...

    def position(self, alias: str) -> str:
        """The place of an element in its list, to order by."""
        ...

    def contains(self, expression: str, part: str) -> tuple[str, tuple[Any, ...]]:
        """Whether a text contains another, and the parameters of that."""
        ...

    def ends(self, expression: str, part: str) -> tuple[str, tuple[Any, ...]]:
        """Whether a text ends with another, and the parameters of that."""
        ...

    @property
    def parts(self) -> str | None:
        """The statement that makes `part_index` possible, where that is permitted; None: there are no such indexes."""
        ...

    def part_index(self, name: str, table: str, column: str, where: str = "TRUE") -> str:
        """The statement that makes an index which leads to what `contains` and `ends` find, where there is none."""
        ...


class Sql(Protocol):
    """A transaction that runs."""

    @property
    def dialect(self) -> Dialect: ...

    def exclusive(self, what: str) -> None:
        """Wait until no other transaction that writes holds the same, and hold it until the end of this one."""
        ...

    def rows(self, text: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        ...

    def stream(self, text: str, params: Params = ()) -> Iterable[tuple[Any, ...]]:
        """The rows of a query, a few at a time."""
        ...

    def run(self, text: str, params: Params = ()) -> int:
        """Run a statement; how many rows it changed."""
        ...

    def many(self, text: str, params: Iterable[Params]) -> None:
        """Run a statement for each set of parameters."""
        ...


class Database(Protocol):
    """A database that is open; each call is a transaction."""

    @property
    def dialect(self) -> Dialect: ...

    def read(self, work: Callable[Concatenate[Sql, P], T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """What a function reads, from one state of the database."""
        ...

    def read_quick(self, work: Callable[Concatenate[Sql, P], T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """The same for a single query that takes well below a millisecond, which may then block."""
        ...

    def write(self, work: Callable[Concatenate[Sql, P], T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """What a function returns whose changes are then durable; none is where it raises."""
        ...

    def write_quick(self, work: Callable[Concatenate[Sql, P], T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """The same for a few rows, which takes well below a millisecond and may then block."""
        ...

    def lease(self, name: str) -> AbstractAsyncContextManager[bool]:
        """What one node at a time does, within the block; False where another one does. A node that dies loses it."""
        ...

    async def aclose(self) -> None: ...
