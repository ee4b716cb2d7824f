"""How connections and their mirrors stand, and mirrors refreshed."""

from typing import Final

from pydantic import Field

from scim_bridge.admin.api.models import Copy, Mirror, Refresh
from scim_bridge.admin.api.operation import Answer, Call, Operation
from scim_bridge.admin.api.values import Given, Time, some_time
from scim_bridge.clock import time_text
from scim_bridge.connections import Connection


class Calls(Given):
    """Exchanges with the upstream that ended alike."""

    kind: str = Field(description="api, or sign_in.")
    status: int | None = Field(description="Null: there was no answer.")
    count: int


class Failure(Given):
    """An upstream that did not do what was asked of it."""

    at: Time
    status: int | None = Field(description="Of HTTP; null: there was no answer.")
    detail: str


class Usage(Given):
    """What the node that answers has asked of the upstream since it opened the connection."""

    in_flight: int
    calls: list[Calls]
    retries: int
    waited_seconds: dict[str, float] = Field(description="By reason.")
    token_age_seconds: float | None = Field(description="Of the token that requests carry; null: none was fetched.")
    last_errors: list[Failure] = Field(description="The newest first.")


class Status(Given):
    """How a connection stands."""

    name: str
    provider: str
    paused: bool
    problem: str | None
    open: bool = Field(description="Whether the node that answers has found out about the upstream what it needs.")
    mirror: Mirror | None = Field(description="Null: the connection has none, or cannot be used.")
    refreshes: dict[str, int] = Field(description="Refreshes of the mirror by this node, by result.")
    upstream: Usage | None = Field(description="Null: the connection cannot be used.")


async def _status(call: Call) -> Answer:
    name = call.path["name"]
    view = await call.administration.connections.one(name)
    connection = call.administration.desk.registry.connections.get(name)
    return Answer(
        body=Status(
            name=name,
            provider=view.provider,
            paused=view.paused,
            problem=view.problem,
            open=connection is not None and connection.opened is not None,
            mirror=await _standing(call) if connection is not None and connection.is_mirror else None,
            refreshes={result: count for result, count in connection.refreshes.items()}
            if connection is not None
            else {},
            upstream=_usage(connection) if connection is not None else None,
        )
    )


def _usage(connection: Connection) -> Usage:
    usage, age = connection.client.usage, connection.client.token_age_seconds()
    return Usage(
        in_flight=usage.in_flight,
        calls=[Calls(kind=kind, status=status, count=count) for (kind, status), count in usage.calls.items()],
        retries=usage.retries,
        waited_seconds={reason: round(seconds, 3) for reason, seconds in usage.waited.items()},
        token_age_seconds=None if age is None else round(age, 3),
        last_errors=[
            Failure(at=time_text(each.at), status=each.status, detail=each.text) for each in reversed(usage.troubles)
        ],
    )


async def _mirror(call: Call) -> Answer:
    return Answer(body=await _standing(call))


async def _refresh(call: Call) -> Answer:
    wanted: Refresh = call.body
    await call.administration.mirrors.refresh(call.actor, call.path["name"], full=wanted.full, approve=wanted.approve)
    return Answer(202, await _standing(call))


async def _standing(call: Call) -> Mirror:
    name, mirrors = call.path["name"], call.administration.mirrors
    copies = [
        Copy(
            resource=each.resource,
            complete=each.complete,
            fresh_at=_time(each.fresh_at),
            full_at=_time(each.full_at),
            held=each.held,
        )
        for each in await mirrors.standing(name)
    ]
    return Mirror(running=mirrors.is_running(name), resources=copies)


def _time(microseconds: int | None) -> str | None:
    return some_time(None if microseconds is None else microseconds // 1000)


OPERATIONS: Final = (
    Operation("GET", "/connections/{name}/status", "getStatus", "How a connection stands", _status, {200: Status}),
    Operation("GET", "/connections/{name}/mirror", "getMirror", "How a mirror stands", _mirror, {200: Mirror}),
    Operation(
        "POST", "/connections/{name}/mirror/refresh", "refreshMirror", "Begin to refresh a mirror", _refresh,
        {202: Mirror}, (409,), "It goes on by itself. 409 where there is no mirror, or it is being refreshed.",
        body=Refresh, optional_body=True,
    ),
)  # fmt: skip
