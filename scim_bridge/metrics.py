"""`/metrics`: what happened since the program started, in plain numbers that prometheus-client writes down when asked.

A request costs a look-up and two additions: an answer out of a mirror takes a hundred microseconds, of which a metrics
library would take some (its `labels()` alone two). Labels come from fixed sets, or from the configuration: never ids.
"""

import asyncio
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from scim_bridge import __version__
from scim_bridge.config import ConnectionConfig
from scim_bridge.exposition import Family, Labels, Sample, Samples, add, histogram, summed, together
from scim_bridge.mirror.copy import now
from scim_bridge.mirror.standing import Standing
from scim_bridge.protocol.service import ScimService
from scim_bridge.store.database import DatabaseUnavailable
from scim_bridge.upstream.client import UpstreamClient
from scim_bridge.upstream.usage import Durations

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
OTHER: Final = "other"
ENDPOINTS: Final = {
    each.lower(): each
    for each in (
        *("Users", "Groups", "Me", "Bulk", ".search", "changes", "openapi.json", "proxy"),
        *("ServiceProviderConfig", "ResourceTypes", "Schemas"),
    )
}
COUNTERS: Final = (
    Family("scim_bridge_requests_total", "counter", "SCIM requests answered, by class of status"),
    Family("scim_bridge_request_seconds", "histogram", "How long SCIM requests took to answer"),
    Family("scim_bridge_scan_rows_total", "counter", "Upstream rows read to decide answers, counted against scan_rows"),
    Family(
        "scim_bridge_upstream_calls_total", "counter", "Exchanges with upstreams, sign-ins too; status none: no answer"
    ),
    Family("scim_bridge_upstream_call_seconds", "histogram", "How long exchanges with upstreams took"),
    Family("scim_bridge_upstream_retries_total", "counter", "Upstream requests sent again"),
    Family("scim_bridge_upstream_wait_seconds_total", "counter", "Seconds spent waiting before upstream requests"),
    Family("scim_bridge_mirror_refreshes_total", "counter", "Refreshes of mirrors, by result"),
)
GAUGES: Final = (
    Family("scim_bridge_upstream_in_flight", "gauge", "Exchanges with upstreams under way"),
    Family("scim_bridge_upstream_token_age_seconds", "gauge", "Age of the fetched upstream token", "max"),
    Family(
        "scim_bridge_connection_open", "gauge", "1 where the upstream was discovered and answers can be given", "min"
    ),
    Family("scim_bridge_workers", "gauge", "Worker processes that run"),
    Family("scim_bridge_start_time_seconds", "gauge", "When the program started, seconds since 1970", "min"),
    Family("scim_bridge_build_info", "gauge", "1, with the version", None),
)
SHARED: Final = (
    Family("scim_bridge_mirror_complete", "gauge", "1 where reads are answered from the mirror", None),
    Family("scim_bridge_mirror_age_seconds", "gauge", "Since a mirror was last as its upstream", None),
    Family("scim_bridge_mirror_full_age_seconds", "gauge", "Since a mirror was last compared as a whole", None),
    Family("scim_bridge_mirror_held_resources", "gauge", "Resources that seem gone, kept until approved", None),
)
"""What is in the database, which all workers and nodes share."""
SHARED_SECONDS: Final = 3.0
"""How long the database may take to tell that: who scrapes gives up after some seconds."""
FAMILIES: Final = (*COUNTERS, *GAUGES, *SHARED)
_Series = tuple[str, str, str, int]


class Counted(Protocol):
    """What is told of a connection."""

    config: ConnectionConfig
    client: UpstreamClient

    @property
    def refreshes(self) -> Mapping[Any, int]: ...

    @property
    def opened(self) -> ScimService | None: ...

    def standing(self) -> Awaitable[list[Standing]]: ...


class Metrics:
    """What this process counted. To be told of each request, as the log is."""

    def __init__(
        self,
        connections: Mapping[str, Counted],
        *,
        wall: Callable[[], int] = now,
        shared_seconds: float = SHARED_SECONDS,
        names: Container[str] = (),
    ) -> None:
        """``names``: also those of connections that are not in use now, whose clients are answered 503."""
        self._connections = connections
        self._names = names
        self._shared_seconds = shared_seconds
        self._wall = wall
        self._started = time.time()
        self._series: dict[_Series, Durations] = {}
        self._scan_rows: dict[str, int] = {}
        self._watched: dict[str, Counted] = {}
        self._left: Samples = {}  # what connections counted that are no more

    def __call__(self, told: Mapping[str, Any]) -> None:
        """Count a request by what the log is told of it."""
        key = (told["connection"], told["method"], told["path"].split("/", 2)[1], told["status"] // 100)
        found = self._series.get(key) or self._bounded(key)
        found.add(told["seconds"])
        if rows := told.get("scan_rows"):
            self._scan_rows[key[0]] = self._scan_rows.get(key[0], 0) + rows

    def _bounded(self, key: _Series) -> Durations:
        """The series of a request, where a client's own words become ``other``: anybody can send them."""
        name, method, endpoint, status = key
        connection = self._connections.get(name)
        ours = connection is not None or name in self._names
        label = self._endpoint(connection, endpoint) if ours else OTHER
        known = (name if ours else OTHER, method if method in METHODS else OTHER, label, status)
        return self._series.setdefault(known, Durations())

    def _endpoint(self, connection: Counted | None, endpoint: str) -> str:
        lower, service = endpoint.lower(), connection.opened if connection is not None else None
        directory = service.directories.get(lower) if service is not None else None
        return directory.collection.resource.endpoint.strip("/") if directory else ENDPOINTS.get(lower, OTHER)

    def answered(self) -> dict[str, Counter[int]]:
        """How many requests each connection was asked, by class of status (2: 200 to 299)."""
        found: defaultdict[str, Counter[int]] = defaultdict(Counter)
        for (name, _, _, status), durations in self._series.items():
            found[name][status] += sum(durations.counts)
        return found

    # -- what there is -------------------------------------------------------------------------------------------------

    def counters(self) -> Samples:
        """What only grows, also over connections that were replaced or deleted meanwhile."""
        self._watch()
        found = summed(self._left, *(_counters_of(name, each) for name, each in self._watched.items()))
        for (name, method, endpoint, status), durations in self._series.items():
            labels = (("connection", name), ("method", method), ("resource", endpoint))
            histogram(found, "scim_bridge_request_seconds", labels, durations.counts, durations.seconds)
            total = sum(durations.counts)
            add(found, "scim_bridge_requests_total", (*labels, ("status", f"{status}xx")), total)
        for name, rows in self._scan_rows.items():
            add(found, "scim_bridge_scan_rows_total", (("connection", name),), rows)
        return found

    def _watch(self) -> None:
        """Take note of connections that came and went: what is counted of one name must never go down."""
        current = dict(self._connections)
        for name, each in self._watched.items():
            if current.get(name) is not each:
                self._left = summed(self._left, _counters_of(name, each))
        self._watched = current

    def gauges(self) -> Samples:
        """How this process stands."""
        found: Samples = {
            ("scim_bridge_workers", ()): 1,
            ("scim_bridge_start_time_seconds", ()): round(self._started, 3),
            ("scim_bridge_build_info", _build()): 1,
        }
        for name, each in self._connections.items():
            labels = _labels(name, each)
            found["scim_bridge_upstream_in_flight", labels] = each.client.usage.in_flight
            found["scim_bridge_connection_open", labels] = each.opened is not None
            age = each.client.token_age_seconds()
            if age is not None:
                found["scim_bridge_upstream_token_age_seconds", labels] = round(age, 3)
        return found

    async def shared(self) -> Samples:
        """What is in the database, as far as that answers in time: all else is wanted most while it does not."""
        found: Samples = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(self._shared_seconds):
                for name, each in list(self._connections.items()):
                    with suppress(DatabaseUnavailable):
                        for one in await each.standing():
                            found |= self._mirror(name, one)
        return found

    def _mirror(self, name: str, one: Standing) -> Samples:
        labels = (("connection", name), ("resource", one.resource))
        found: Samples = {
            ("scim_bridge_mirror_complete", labels): one.complete,
            ("scim_bridge_mirror_held_resources", labels): one.held,
        }
        for metric, at in (("age", one.fresh_at), ("full_age", one.full_at)):
            if at is not None:
                found[f"scim_bridge_mirror_{metric}_seconds", labels] = max(0, self._wall() - at) / 1e6
        return found


def _counters_of(name: str, connection: Counted) -> Samples:
    """What a connection's own parts counted."""
    labels, usage, found = _labels(name, connection), connection.client.usage, Samples()
    for (kind, status), count in usage.calls.items():
        told = (*labels, ("kind", kind), ("status", "none" if status is None else str(status)))
        add(found, "scim_bridge_upstream_calls_total", told, count)
    durations = usage.durations
    histogram(found, "scim_bridge_upstream_call_seconds", labels, durations.counts, durations.seconds)
    add(found, "scim_bridge_upstream_retries_total", labels, usage.retries)
    for reason, seconds in usage.waited.items():
        add(found, "scim_bridge_upstream_wait_seconds_total", (*labels, ("reason", reason)), seconds)
    for result, count in connection.refreshes.items():
        add(found, "scim_bridge_mirror_refreshes_total", (("connection", name), ("result", result)), count)
    return found


def _labels(name: str, connection: Counted) -> Labels:
    return (("connection", name), ("provider", connection.config.table.provider))


def _build() -> Labels:
    return (("version", __version__), ("python", ".".join(map(str, sys.version_info[:3]))))


def merged(counters: Sequence[Mapping[Sample, float]], gauges: Sequence[Mapping[Sample, float]]) -> Samples:
    """The samples of several processes: counters add up, also those of processes that have ended."""
    return summed({}, *counters) | together(GAUGES, gauges)
