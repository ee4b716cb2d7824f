"""Samples of metrics: how those of several processes add up, and the text that Prometheus reads."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Literal

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from scim_bridge.upstream.usage import BOUNDS

Labels = tuple[tuple[str, str], ...]
Sample = tuple[str, Labels]
"""The name of a sample and its labels."""
Samples = dict[Sample, float]
MEDIA_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4


@dataclass(frozen=True, slots=True)
class Family:
    """A metric. ``together``: what a gauge of several processes is; None: each process states the same."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    together: Literal["sum", "max", "min"] | None = "sum"

    @property
    def samples(self) -> tuple[str, ...]:
        """The names of its samples, as they are in the text."""
        return tuple(f"{self.name}{end}" for end in _ENDS) if self.kind == "histogram" else (self.name,)


_ENDS: Final = ("_bucket", "_sum", "_count")


def histogram(into: Samples, name: str, labels: Labels, counts: Iterable[int], seconds: float) -> None:
    """Add the samples of a histogram whose classes are those of `BOUNDS`, and one more."""
    upto = list(accumulate(counts))
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), upto, strict=True):
        add(into, f"{name}_bucket", (*labels, ("le", bound)), count)
    add(into, f"{name}_sum", labels, seconds)
    add(into, f"{name}_count", labels, upto[-1])


def add(into: Samples, name: str, labels: Labels, value: float) -> None:
    into[name, labels] = into.get((name, labels), 0.0) + value


def summed(first: Mapping[Sample, float], *others: Mapping[Sample, float]) -> Samples:
    """Counters of several origins as one."""
    found = dict(first)
    for each in others:
        for (name, labels), value in each.items():
            add(found, name, labels, value)
    return found


def together(families: Iterable[Family], parts: Iterable[Mapping[Sample, float]]) -> Samples:
    """Gauges of several processes as one, each as its family says."""
    rules = {name: each.together for each in families for name in each.samples}
    found: Samples = {}
    for part in parts:
        for sample, value in part.items():
            rule, known = rules[sample[0]], found.get(sample)
            if known is None or rule is None:
                found[sample] = value
            else:
                found[sample] = (
                    known + value if rule == "sum" else max(known, value) if rule == "max" else min(known, value)
                )
    return found


class _Collected(Collector):
    """What prometheus-client writes down: the families that have samples, with these."""

    def __init__(self, families: Iterable[Family], samples: Mapping[Sample, float]) -> None:
        self._families = families
        self._samples = samples

    def collect(self) -> Iterator[Metric]:
        by_name: dict[str, list[tuple[Labels, float]]] = {}
        for (name, labels), value in self._samples.items():
            by_name.setdefault(name, []).append((labels, value))
        for family in self._families:
            metric = Metric(family.name.removesuffix("_total"), family.help, family.kind)
            for name in family.samples:
                for labels, value in by_name.get(name, ()):
                    metric.add_sample(name, dict(labels), value)
            if metric.samples:
                yield metric


def exposition(families: Iterable[Family], samples: Mapping[Sample, float]) -> bytes:
    """The text of samples, each below its family; a family without samples is left out."""
    return generate_latest(_Collected(families, samples))
