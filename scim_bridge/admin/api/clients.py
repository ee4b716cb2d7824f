"""Tokens of SCIM clients, and link sessions: what is shown once."""

from dataclasses import asdict
from typing import Any, Final

from scim_bridge.admin.api.endpoint import ROOT
from scim_bridge.admin.api.models import LinkSession, MadeLink, MadeToken, NewLink, NewToken, Token
from scim_bridge.admin.api.operation import Answer, Call, Operation
from scim_bridge.admin.api.paging import page_of, part, place_in_time
from scim_bridge.admin.api.values import PageQuery, some_time
from scim_bridge.admin.html import root_path
from scim_bridge.admin.requests import PageRefused, public_origin
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.admin.service.links import LinkRequest, LinkView
from scim_bridge.admin.service.tokens import TokenView
from scim_bridge.clock import time_text

TokenPage: Final = page_of(Token)
LinkPage: Final = page_of(LinkSession)

# -- tokens -----------------------------------------------------------------------------------------------------------


async def _tokens(call: Call) -> Answer:
    views = await call.administration.tokens.all(call.path["name"])
    found, after = part(views, call.query, lambda each: place_in_time(each.created_at, each.id))
    return Answer(body=TokenPage(items=[Token(**_token(each)) for each in found], next=after))


async def _create_token(call: Call) -> Answer:
    wanted: NewToken = call.body
    view, token = await call.administration.tokens.create(
        call.actor, call.path["name"], label=wanted.label, scopes=wanted.scopes, expires_at=wanted.expires_at
    )
    return Answer(201, MadeToken(**_token(view), token=token.reveal()))


async def _revoke_token(call: Call) -> Answer:
    await call.administration.tokens.revoke(call.actor, call.path["name"], call.path["id"])
    return Answer(204)


def _token(view: TokenView) -> dict[str, Any]:
    times = {name: some_time(getattr(view, name)) for name in ("created_at", "expires_at", "used_at")}
    return {**asdict(view), "scopes": list(view.scopes), **times}


# -- link sessions ----------------------------------------------------------------------------------------------------


async def _links(call: Call) -> Answer:
    views = await call.administration.links.all()
    found, after = part(views, call.query, lambda each: place_in_time(each.created_at, each.id), newest_first=True)
    return Answer(body=LinkPage(items=[LinkSession(**_link(each)) for each in found], next=after))


async def _create_link(call: Call) -> Answer:
    origin = _origin(call)  # before anything is made
    view, token = await call.administration.links.create(call.actor, _wanted(call.body))
    made = MadeLink(**_link(view), url=f"{origin}/link/{token.reveal()}")
    return Answer(201, made, {"Location": f"{root_path(call.request)}{ROOT}/link-sessions/{view.id}"})


def _wanted(asked: NewLink) -> LinkRequest:
    """Raises AdminError 400 for what does not go together."""
    for name in ("provider", "name"):
        if asked.connection is not None and getattr(asked, name) is not None:
            raise AdminError(400, f"{name}: is that of the connection", name)
    return LinkRequest(**asked.model_dump())


async def _link_one(call: Call) -> Answer:
    return Answer(body=LinkSession(**_link(await call.administration.links.one(call.path["id"]))))


async def _revoke_link(call: Call) -> Answer:
    await call.administration.links.revoke(call.actor, call.path["id"])
    return Answer(204)


def _link(view: LinkView) -> dict[str, Any]:
    return {**asdict(view), **{name: time_text(getattr(view, name)) for name in ("created_at", "expires_at")}}


def _origin(call: Call) -> str:
    """Where our pages are. Raises AdminError 400 where nobody knows."""
    try:
        return public_origin(call.request, call.administration.desk.server.public_url)
    except PageRefused as refusal:
        raise AdminError(refusal.status, refusal.text.rstrip(".")) from None


OPERATIONS: Final = (
    Operation(
        "GET", "/connections/{name}/tokens", "listTokens", "Tokens of a connection's clients", _tokens,
        {200: TokenPage}, text="The oldest first; those of the configuration file are not among them.",
        query=PageQuery,
    ),
    Operation(
        "POST", "/connections/{name}/tokens", "createToken", "Make a token for a client", _create_token,
        {201: MadeToken}, body=NewToken, optional_body=True,
    ),
    Operation(
        "DELETE", "/connections/{name}/tokens/{id}", "revokeToken", "Revoke a token", _revoke_token, {204: None},
        text="It is refused from now on; on other nodes, within two seconds.",
    ),
    Operation(
        "GET", "/link-sessions", "listLinkSessions", "Link sessions", _links, {200: LinkPage},
        text="Those of the last months, the newest first.", query=PageQuery,
    ),
    Operation(
        "POST", "/link-sessions", "createLinkSession", "Make a link session", _create_link, {201: MadeLink}, (404, 409),
        "Its address is for the one who enters the credentials.", body=NewLink, optional_body=True,
    ),
    Operation(
        "GET", "/link-sessions/{id}", "getLinkSession", "One link session", _link_one, {200: LinkSession},
    ),
    Operation(
        "DELETE", "/link-sessions/{id}", "revokeLinkSession", "End a link session", _revoke_link, {204: None}, (409,),
    ),
)  # fmt: skip
