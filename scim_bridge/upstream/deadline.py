"""A time limit for every request, at little cost."""

import asyncio


class deadline:
    """`asyncio.timeout` for a block of the current task at half of its cost, as requests that wait for nothing, which
    are most of a mirror's, would notice it. Blocks may be nested.

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
