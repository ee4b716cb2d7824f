"""Time for tests: none of the real one."""

import asyncio


class FakeClock:
    """A clock that stands still until told to move, and moves at once when something sleeps on it.

    ``slept`` holds the sleeps in the order in which they began. Sleeps side by side pass together, as on a real clock:
    two of 3 s that began at the same moment end 3 s later, not 6.
    """

    def __init__(self, start: float = 1000.0) -> None:
        self.time = start
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        until = self.time + seconds
        await asyncio.sleep(0)
        self.time = max(self.time, until)

    def advance(self, seconds: float) -> None:
        self.time += seconds
