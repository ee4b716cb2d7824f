"""Connections: shown, made, changed, paused, tried and deleted."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from pydantic import BaseModel

from scim_bridge.admin.api.conditions import check_match, entity_tag, tagged
from scim_bridge.admin.api.endpoint import ROOT
from scim_bridge.admin.api.models import Changes, Check, Connection, Document, NewConnection, Trial
from scim_bridge.admin.api.operation import JSON, MERGE_PATCH, Answer, Call, Operation
from scim_bridge.admin.api.paging import page_of, part
from scim_bridge.admin.api.values import PageQuery, some_time
from scim_bridge.admin.html import root_path
from scim_bridge.admin.service.connections import ConnectionView
from scim_bridge.checks import CheckResult

Page: Final = page_of(Connection)


async def _all(call: Call) -> Answer:
    found, after = part(await call.administration.connections.all(), call.query, lambda each: each.name)
    return Answer(body=Page(items=[shown(each) for each in found], next=after))


async def _create(call: Call) -> Answer:
    document = {name: value for name, value in call.document.items() if name not in ("name", "label")}
    wanted, tested = call.body, call.query.test
    made = shown(
        await call.administration.connections.create(call.actor, wanted.name, document, label=wanted.label, test=tested)
    )
    location = f"{root_path(call.request)}{ROOT}/connections/{wanted.name}"
    return Answer(201, made, {"Location": location, "ETag": entity_tag(made)})


async def _one(call: Call) -> Answer:
    return tagged(call.request, shown(await call.administration.connections.one(call.path["name"])))


async def _change(call: Call) -> Answer:
    revision = await _matched(call)
    changed = shown(
        await call.administration.connections.change(
            call.actor, call.path["name"], call.document, revision=revision, test=call.query.test
        )
    )
    return Answer(body=changed, headers={"ETag": entity_tag(changed)})


async def _delete(call: Call) -> Answer:
    await _matched(call)
    await call.administration.connections.delete(call.actor, call.path["name"])
    return Answer(204)


async def _pause(call: Call) -> Answer:
    return await _paused(call, True)


async def _resume(call: Call) -> Answer:
    return await _paused(call, False)


async def _paused(call: Call, paused: bool) -> Answer:
    await _matched(call)
    found = shown(await call.administration.connections.pause(call.actor, call.path["name"], paused))
    return Answer(body=found, headers={"ETag": entity_tag(found)})


async def _check_one(call: Call) -> Answer:
    return Answer(body=_told(await call.administration.connections.check_one(call.path["name"])))


async def _check(call: Call) -> Answer:
    return Answer(body=_told(await call.administration.connections.check(call.document)))


async def _matched(call: Call) -> int | None:
    """The revision that a change has to find, where it is conditional. Raises AdminError 404, 412."""
    view = await call.administration.connections.one(call.path["name"])
    return view.revision if check_match(call.request, shown(view)) else None


def shown(view: ConnectionView) -> BaseModel:
    """A connection as the API shows it."""
    found: Mapping[str, Any] = asdict(view)
    texts = ("access", "mode", "client_profile", "patch_response", "limits", "mirror")
    times = {name: some_time(found[name]) for name in ("created_at", "changed_at")}
    # of one that cannot be read these are empty
    return Connection(**{**found, **{name: found[name] or None for name in texts}, **times})


def _told(result: CheckResult) -> Check:
    return Check(name=result.name, provider=result.provider, ok=result.ok, told=result.told)


_STORED: Final = "409 for connections of the configuration file."
OPERATIONS: Final = (
    Operation("GET", "/connections", "listConnections", "All connections", _all, {200: Page}, query=PageQuery),
    Operation(
        "POST", "/connections", "createConnection", "Make a connection", _create, {201: Connection}, (409, 422),
        query=Trial, body=NewConnection,
    ),
    Operation(
        "POST", "/connections/check", "checkDocument", "Try a connection that is not made", _check, {200: Check},
        text="Signs in and reads one row of each resource type. Nothing is kept.", body=Document,
    ),
    Operation(
        "GET", "/connections/{name}", "getConnection", "One connection", _one, {200: Connection, 304: None},
        conditional=True,
    ),
    Operation(
        "PATCH", "/connections/{name}", "changeConnection", "Change a connection", _change, {200: Connection},
        (409, 422), _STORED, query=Trial, body=Changes, media=(MERGE_PATCH, JSON), conditional=True,
    ),
    Operation(
        "DELETE", "/connections/{name}", "deleteConnection", "Delete a connection", _delete, {204: None}, (409,),
        f"With its tokens and all that is kept for it but the audit log. {_STORED}", conditional=True,
    ),
    Operation(
        "POST", "/connections/{name}/pause", "pauseConnection", "Pause a connection", _pause, {200: Connection},
        (409,), f"Its clients are answered 503, and its upstream is left alone. {_STORED}", conditional=True,
    ),
    Operation(
        "POST", "/connections/{name}/resume", "resumeConnection", "Serve a connection again", _resume,
        {200: Connection}, (409,), _STORED, conditional=True,
    ),
    Operation(
        "POST", "/connections/{name}/check", "checkConnection", "Try a connection", _check_one, {200: Check},
        text="Signs in and reads one row of each resource type.",
    ),
)  # fmt: skip
