"""What the audit log is told: each write of a client and who was refused, with what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from scim_bridge.protocol.changes import Shown
from scim_bridge.protocol.errors import ScimError
from scim_bridge.query.capabilities import Resource
from scim_bridge.query.directory import MemberChanges
from scim_bridge.query.write import PartialWrite
from scim_bridge.schemas import ResourceSchema
from scim_bridge.upstream.errors import UpstreamError
from scim_bridge.upstream.trace import UpstreamCall, current_trace

BULK: Final = "scim.bulk"
"""A bulk request that failed as a whole; its operations are told one by one."""
MAX_CALLS: Final = 50
MAX_CHANGES: Final = 32 * 1024
"""Characters; of a write that changes more, the names of the attributes are kept."""
_ACTIONS: Final = {"POST": "scim.create", "PUT": "scim.replace", "PATCH": "scim.patch", "DELETE": "scim.delete"}
_DISCOVERY: Final = ("/ServiceProviderConfig", "/ResourceTypes", "/Schemas")


@dataclass(frozen=True, slots=True)
class Event:
    """What happened: who did what to what, and how it ended. An action is a word within a kind: ``scim.patch``.

    ``outcome``: done, refused, failed or unknown; ``status``: of HTTP, 0 where there is none. ``details`` are JSON.
    """

    action: str
    connection: str = ""
    actor: str = ""
    resource_type: str = ""
    resource_id: str = ""
    outcome: str = "done"
    status: int = 0
    request_id: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


class Audit(Protocol):
    """The audit log, as those see it who tell it something."""

    @property
    def redact(self) -> Sequence[str]:
        """Attributes whose values it is not to keep."""
        ...

    async def ready(self) -> bool:
        """Whether an entry could be stored now."""
        ...

    def append(self, event: Event) -> None:
        """Keep an event."""
        ...

    def count(self, event: Event, origin: str = "") -> None:
        """Keep an event that may come very often: the same ones of a minute are counted, and become one entry."""
        ...

    async def settled(self) -> None:
        """Return once what was appended so far is stored; after a while also where that takes long."""
        ...


class Answer(Protocol):
    """An answer to a client."""

    @property
    def status(self) -> int: ...

    @property
    def body(self) -> Mapping[str, Any] | bytes | None: ...


class NotAudited(ScimError):
    """A write that was refused as it could not be audited; nothing was sent upstream."""


@dataclass(slots=True)
class Trail:
    """What becomes known of one write on its way: what it is about, what it changes, and whether that came to pass."""

    schema: ResourceSchema | None = None
    resource_id: str = ""
    before: Resource | None = None
    after: Resource | None = None
    members: Mapping[str, MemberChanges] = field(default_factory=dict)
    carried_out: bool = False
    first_call: int = field(default_factory=lambda: len(_calls()))

    def changed(self, audit: Audit) -> dict[str, Any]:
        """What changes, or would have, fit to be kept."""
        if self.schema is None:
            return {}
        shown = Shown(self.schema, audit.redact)
        parts = {"changes": shown.changes(self.before, self.after), "members": shown.members(self.members)}
        if len(str(parts)) > MAX_CHANGES:
            parts["changes"] = dict.fromkeys(parts["changes"], "too large to be kept")
        return {name: part for name, part in parts.items() if part}


def _calls() -> Sequence[UpstreamCall]:
    trace = current_trace()
    return trace.calls if trace is not None else ()


@dataclass(slots=True)
class RequestAudit:
    """The audit log for one request of a client."""

    audit: Audit
    connection: str
    actor: str
    request_id: str

    async def check(self) -> None:
        """Raises NotAudited where a write could not be recorded."""
        if not await self.audit.ready():
            detail = f"The audit log cannot be written, so nothing was changed (request {self.request_id})"
            raise NotAudited(503, detail, headers={"Retry-After": "5"})

    async def answered(
        self, method: str, path: str, trail: Trail | None, response: Answer, failure: Exception | None, origin: str
    ) -> None:
        """Tell of a request that was answered, where that is a write or a refusal; returns once a write is kept.

        ``trail`` is None where nobody knew the caller; ``origin`` is the address that the request came from.
        """
        if _is_refusal(response.status, path):
            event = Event("client.refused", self.connection, self.actor, outcome="refused", status=response.status)
            self.audit.count(event, origin)
            return
        action = action_of(method, path)
        if trail is None or action is None:
            return
        if action != BULK or response.status >= 400:
            self.wrote(action, trail, response.status, response.body, failure)
        await self.audit.settled()

    def wrote(self, action: str, trail: Trail, status: int, body: Any, failure: BaseException | None) -> None:
        """Tell of a write, or of one that did not come to pass; to be called where the request is traced.

        ``body`` is the answer, which may be an error.
        """
        if isinstance(failure, NotAudited):
            return
        typed = {"scimType": body["scimType"]} if isinstance(body, Mapping) and "scimType" in body else {}
        self.audit.append(
            Event(
                action,
                self.connection,
                self.actor,
                trail.schema.name if trail.schema else "",
                trail.resource_id,
                _outcome(trail, status, failure),
                status,
                self.request_id,
                {**typed, **trail.changed(self.audit), **_told(_calls()[trail.first_call :])},
            )
        )


def action_of(method: str, path: str) -> str | None:
    """What the audit log calls a request; None for one that only reads."""
    action = _ACTIONS.get(method)
    if action is None or path.endswith("/.search"):
        return None
    return BULK if path.strip("/").lower() == "bulk" else action


def _is_refusal(status: int, path: str) -> bool:
    """Whether an answer says that the caller is not known, or may not do that; discovery refuses filters with a 403."""
    return status == 401 or (status == 403 and not path.startswith(_DISCOVERY))


def _outcome(trail: Trail, status: int, failure: BaseException | None) -> str:
    if trail.carried_out or status < 400:
        return "done"
    in_doubt = isinstance(failure, UpstreamError) and failure.sent
    if in_doubt or (failure is not None and not isinstance(failure, Exception)):
        return "unknown"
    if isinstance(failure, PartialWrite | TimeoutError):
        return "unknown"
    return "refused" if status < 500 or status == 501 else "failed"


def _told(calls: Sequence[UpstreamCall]) -> dict[str, Any]:
    """The upstream calls; of very many, those that change something come first."""
    kept = calls
    if len(calls) > MAX_CALLS:
        kept = sorted(calls, key=lambda each: each.method in ("GET", "HEAD"))[:MAX_CALLS]
    told: dict[str, Any] = {
        "upstream": [{"method": each.method, "path": each.path, "status": each.status} for each in kept]
    }
    if len(calls) > len(kept):
        told["upstreamCalls"] = len(calls)
    return told if calls else {}
