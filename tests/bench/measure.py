"""Measuring: arms take turns in an order that changes each round, and the median of the rounds' ratios counts."""

import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

ROUNDS: Final = 7
SECONDS: Final = 1.0
SLOW_SECONDS: Final = 2.0
"""An arm whose single request takes so long is measured once: more rounds of it would take all the time."""
Arm = Callable[[float], float]
"""Loads a server for so many seconds; returns the CPU seconds that a request took."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio and the bar it is held to: at most, or at least. None: it was not measured, which meets no bar."""

    bar: str
    what: str
    value: float | None
    limit: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        if self.value is None:
            return False
        return self.value <= self.limit if self.at_most else self.value >= self.limit


@dataclass(slots=True)
class Costs:
    """CPU seconds for each request of an arm, by round."""

    rounds: dict[str, list[float]] = field(default_factory=dict)

    def of(self, arm: str) -> float | None:
        """The median of an arm; None where it was not measured."""
        found = self.rounds.get(arm)
        return statistics.median(found) if found else None

    def ratio(self, one: str, other: str) -> float | None:
        """How many times what ``other`` costs ``one`` costs: the median of the rounds, as both saw the same noise."""
        pairs = list(zip(self.rounds.get(one, ()), self.rounds.get(other, ()), strict=False))
        return statistics.median(first / second for first, second in pairs) if pairs else None


def measured(arms: Mapping[str, Arm], rounds: int = ROUNDS, seconds: float = SECONDS) -> Costs:
    """What each arm costs."""
    costs, shuffled = Costs(), random.Random(7)
    for arm, run in arms.items():  # warm, and told apart: who is slow is measured once
        started = time.perf_counter()
        first = run(0.2)
        if time.perf_counter() - started > SLOW_SECONDS:
            costs.rounds[arm] = [first] * rounds
    for _ in range(rounds):
        order = [each for each in arms if len(costs.rounds.get(each, ())) < rounds]
        shuffled.shuffle(order)
        for arm in order:
            costs.rounds.setdefault(arm, []).append(arms[arm](seconds))
    return costs
