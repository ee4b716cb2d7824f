"""Looking at a directory as its SCIM clients do: by the same service, within the same limits, and audited."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from scim_bridge.admin.advice import Advice, advice
from scim_bridge.admin.console.frame import Visit
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.connections import Connection
from scim_bridge.filters import InvalidFilter, parse
from scim_bridge.protocol import terms
from scim_bridge.protocol.audit import Event
from scim_bridge.protocol.endpoint import DEADLINE_SECONDS
from scim_bridge.protocol.errors import ScimError, scim_error
from scim_bridge.protocol.requests import ScimRequest
from scim_bridge.protocol.service import ScimService
from scim_bridge.schemas import ResourceSchema
from scim_bridge.upstream.deadline import deadline
from scim_bridge.upstream.errors import AddressRefused, AuthRefused, RateLimited, TimedOut, Unavailable
from scim_bridge.upstream.redact import MASK
from scim_bridge.upstream.trace import RequestTrace, tracing

T = TypeVar("T")
READ: Final = "console.read"
_EXPLAINED: Final = (AddressRefused, AuthRefused, RateLimited, TimedOut, Unavailable)
"""Failures that say the same of one request as of a whole connection."""


@dataclass(slots=True)
class Look:
    """One look at a connection's resources. ``failure`` says why nothing is seen, and ``advice`` what to do about it,
    where that is known; ``details`` are for the audit log."""

    visit: Visit
    connection: Connection
    failure: ScimError | None = None
    advice: Advice | None = None
    calls: int = 0
    seconds: float = 0.0
    schema: ResourceSchema | None = None
    resource_id: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.connection.config.name

    def request(self, path: str, **query: str) -> ScimRequest:
        """A request of who is signed in, as the connection's service takes it; it cannot write."""
        return ScimRequest(
            "GET",
            path,
            self.visit.base_url(self.name),
            query,
            request_id=self.visit.request_id,
            connection=self.name,
            caller=f"console/{self.visit.by.name}",
            may_write=False,
        )

    async def at(self, work: Callable[[ScimService], Awaitable[T]]) -> T | None:
        """What some reading comes to; None where it failed, as `failure` tells then. It is audited either way."""
        clock = self.visit.administration.desk.clock
        started = clock.now()
        with ExitStack() as held:
            trace = held.enter_context(tracing(clock, DEADLINE_SECONDS))
            try:
                return await self._bounded(work)
            except TimeoutError:
                self.failure = ScimError(504, f"No answer in time (request {self.visit.request_id})")
            except Exception as error:
                self.failure = scim_error(error, self.visit.request_id, self.name)
                if isinstance(error, _EXPLAINED):
                    self.advice = advice(error, self.connection.config.provider.title)
            finally:
                self.calls, self.seconds = len(trace.calls), clock.now() - started
                await self._audited(trace)
        return None

    async def _bounded(self, work: Callable[[ScimService], Awaitable[T]]) -> T:
        with deadline(DEADLINE_SECONDS + 1):
            return await work(await self.connection.service())

    async def _audited(self, trace: RequestTrace) -> None:
        """Keep who looked at what: the answer waits for that as it does for writes."""
        desk, by = self.visit.administration.desk, self.visit.by
        if desk.audit is None:
            return
        status = self.failure.status if self.failure else 200
        outcome = "done" if status < 400 else "refused" if status < 500 else "failed"
        kind = self.schema.name if self.schema else ""
        details = {**self._fit(desk.audit.redact), "address": by.address, "upstreamCalls": len(trace.calls)}
        about = (self.name, by.name, kind, self.resource_id, outcome, status, self.visit.request_id)
        desk.audit.append(Event(READ, *about, details))
        await desk.audit.settled()

    def _fit(self, redact: tuple[str, ...]) -> Mapping[str, Any]:
        """What was searched for; not the values of attributes that the audit log is not to keep."""
        text = self.details.get("filter")
        if not text or not redact or self.schema is None:
            return self.details
        hidden = {found.canonical.lower() for each in redact if (found := self.schema.resolve(each))}
        try:
            named = [self.schema.resolve(each) for each in terms.named(parse(text))]
        except InvalidFilter:
            return {**self.details, "filter": MASK}
        open_to_all = all(each is not None and not _within(each.canonical.lower(), hidden) for each in named)
        return self.details if open_to_all else {**self.details, "filter": MASK}


def _within(path: str, hidden: set[str]) -> bool:
    """Whether a path is hidden, or within what is, or holds some of it."""
    parts = (".", ":")
    return any(
        path == each or path.startswith(tuple(f"{each}{part}" for part in parts)) or each.startswith(f"{path}.")
        for each in hidden
    )


async def look(visit: Visit) -> Look:
    """At the connection of a page. Raises AdminError: 404 where there is none, 409 while it does not serve."""
    name = visit.param("name")
    entry = await visit.administration.desk.entry(name)
    if entry.connection is None:
        why = "is paused" if entry.paused else "cannot be used: its own page says why"
        raise AdminError(409, f"The connection {name} {why}")
    return Look(visit, entry.connection)
