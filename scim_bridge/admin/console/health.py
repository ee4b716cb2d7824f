"""How a connection is doing: whether it serves, how fresh its mirror is, and what its upstream was asked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from scim_bridge.admin.service.connections import ConnectionView
from scim_bridge.mirror.keeper import RefreshResult
from scim_bridge.mirror.standing import Standing
from scim_bridge.registry import Entry
from scim_bridge.upstream.usage import Trouble, Usage

LATELY: Final = 5 * 60 * 1000
"""Milliseconds for which a failure makes a connection look unwell."""
Kind = Literal["good", "warning", "bad", "info"]
_REASONS: Final = {
    "own_limit": "to keep to our own rate limit",
    "retry_after": "as the upstream asked",
    "backoff": "before trying again",
}


@dataclass(frozen=True, slots=True)
class State:
    """A word for it, and what it means."""

    kind: Kind
    text: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Quota:
    """What the upstream was asked by this process since it opened the connection.

    ``requests``: exchanges, by what became of them; ``waits``: seconds, by reason in words.
    """

    requests: int = 0
    sign_ins: int = 0
    failed: int = 0
    retries: int = 0
    in_flight: int = 0
    requests_per_second: float | None = None
    waits: Mapping[str, float] = field(default_factory=dict)

    @property
    def waited_seconds(self) -> float:
        return sum(self.waits.values())


@dataclass(frozen=True, slots=True)
class Health:
    """One connection. ``answered``: requests of its SCIM clients by class of status; ``fresh_at``: of its oldest
    resource type in the mirror, in milliseconds since 1970; ``troubles``: the newest first."""

    view: ConnectionView
    title: str
    state: State
    quota: Quota
    answered: Counter[int]
    troubles: Sequence[Trouble] = ()
    standing: Sequence[Standing] = ()
    refreshes: Mapping[RefreshResult, int] = field(default_factory=dict)
    token_age_seconds: float | None = None

    @property
    def asked(self) -> int:
        return sum(self.answered.values())

    @property
    def broken(self) -> int:
        """Requests that were answered with a failure of the bridge or of the upstream."""
        return self.answered[5]

    @property
    def held(self) -> int:
        return sum(each.held for each in self.standing)

    @property
    def fresh_at(self) -> int | None:
        times = [each.fresh_at for each in self.standing]
        return min(each // 1000 for each in times if each) if times and all(times) else None


def health(
    view: ConnectionView, entry: Entry, title: str, answered: Counter[int], standing: Sequence[Standing], now: int
) -> Health:
    """How a connection is doing at ``now``; ``title`` is its provider's."""
    connection = entry.connection
    if connection is None:
        return Health(view, title, _state(view, entry, (), (), now), Quota(), answered)
    troubles = list(reversed(connection.client.usage.troubles))
    return Health(
        view,
        title,
        _state(view, entry, troubles, standing, now),
        _quota(connection.client.usage),
        answered,
        troubles,
        standing,
        connection.refreshes,
        connection.client.token_age_seconds(),
    )


def _state(
    view: ConnectionView, entry: Entry, troubles: Sequence[Trouble], standing: Sequence[Standing], now: int
) -> State:
    if view.paused:
        return State("info", "Paused", "Its clients are answered 503, and its upstream is left alone.")
    if view.problem is not None:
        return State("bad", "Cannot be used", view.problem)
    late = troubles and troubles[0].at >= now - LATELY
    if entry.connection is None or entry.connection.opened is None:
        told = "Its upstream has not been discovered; that is tried again at the next request."
        return State("bad", "Not open", told) if late else State("warning", "Not open yet", told)
    if any(each.held for each in standing):
        return State("warning", "Changes held", "So much seems to be gone upstream that somebody has to approve it.")
    if late:
        return State("warning", "Errors lately", "It is open, but its upstream failed within the last five minutes.")
    return State("good", "Open", "It serves, and its upstream has not failed within the last five minutes.")


def _quota(usage: Usage) -> Quota:
    api = {status: count for (kind, status), count in usage.calls.items() if kind == "api"}
    failed = sum(count for status, count in api.items() if status is None or status == 429 or status >= 500)
    return Quota(
        requests=sum(api.values()),
        sign_ins=sum(count for (kind, _), count in usage.calls.items() if kind == "sign_in"),
        failed=failed,
        retries=usage.retries,
        in_flight=usage.in_flight,
        requests_per_second=usage.requests_per_second,
        waits={_REASONS[reason]: seconds for reason, seconds in usage.waited.items() if seconds > 0},
    )
