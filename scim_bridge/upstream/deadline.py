"""A time limit for every request, at little cost."""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class deadline:
    """`asyncio.timeout` for a block of the current task at half of its cost. Blocks may be nested.

    Raises TimeoutError where the block was cut short. A cancellation from elsewhere stays one.
    """

    __slots__ = ("_before", "_expired", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._before, self._expired = task, task.cancelling(), False
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._expire)

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self._timer.cancel()
        if self._expired and self._task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from error


class within(Generic[T]):
    """Await a coroutine under a `deadline` that begins once it waits for something: most requests of a mirror never do.

    Raises as the coroutine does, and TimeoutError.
    """

    __slots__ = ("_coroutine", "_seconds")

    def __init__(self, seconds: float, coroutine: Coroutine[Any, None, T]) -> None:
        self._seconds = seconds
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, None, T]:
        try:
            waiting = self._coroutine.send(None)
        except StopIteration as end:
            result: T = end.value
            return result
        with deadline(self._seconds):
            return (yield from _resumed(self._coroutine, waiting))


def _resumed(coroutine: Coroutine[Any, None, T], waiting: Any) -> Generator[Any, None, T]:
    """Go on with a coroutine that waits, as `await` does."""
    while True:
        try:
            try:
                yield waiting
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as error:
                waiting = coroutine.throw(error)
            else:
                waiting = coroutine.send(None)
        except StopIteration as end:
            result: T = end.value
            return result
