"""What all pages of the console have in common: who is signed in, forms that are ours, and an answer whatever happens.

A session is a cookie that no script reads and no other site's page sends along. Each form brings a text made of it.
"""

import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.admin.html import page, redirect, root_path
from scim_bridge.admin.requests import FORM_TOKEN, PageRefused, address_of, form_token, posted_form, public_origin
from scim_bridge.admin.service import Administration
from scim_bridge.admin.service.desk import Actor, AdminError
from scim_bridge.metrics import Metrics

COOKIE: Final = "scim_bridge_console"
HOME: Final = "/console"
SIGN_IN: Final = "/console/sign-in"
_log = logging.getLogger("scim_bridge.console")
_COOKIE: Final = re.compile(r"[A-Za-z0-9_-]{20,100}")
_TITLES: Final[Mapping[int, str]] = {
    404: "There is no such page",
    409: "That cannot be done now",
    412: "This was changed meanwhile",
    503: "This does not work at the moment",
}
DONE: Final[Mapping[str, str]] = {
    "approved": "What was held back is approved, and the mirror is being refreshed",
    "changed": "The changes are in effect",
    "created": "The connection is there",
    "deleted": "The connection is deleted",
    "paused": "The connection is paused: its clients are answered 503",
    "refresh": "The mirror is being refreshed",
    "resumed": "The connection serves again",
    "withdrawn": "The link session is withdrawn: its address shows no form any more",
    "revoked": "It is revoked: it is refused from now on, on all nodes within two seconds",
}
"""What pages say of what has just been done; addresses name it by its key, so that nobody else's words get here."""
Told = Callable[[Mapping[str, Any]], None]
Handler = Callable[["Visit"], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Console:
    """What pages work with. ``log`` is told of each request."""

    administration: Administration
    metrics: Metrics
    log: Told
    provider_names: Callable[[], Sequence[str]]

    @property
    def public_url(self) -> str | None:
        return self.administration.desk.server.public_url

    def route(self, path: str, handler: Handler, *methods: str) -> Route:
        """A page for those who are signed in; ``methods``: GET, unless others are given."""
        return self.open_route(path, _signed_in(handler), *methods)

    def open_route(self, path: str, handler: Handler, *methods: str) -> Route:
        """A page for everybody."""

        async def serve(request: Request) -> Response:
            return await self._answer(Visit(self, request), handler)

        return Route(path, serve, methods=list(methods or ("GET",)))

    async def _answer(self, visit: "Visit", handler: Handler) -> Response:
        """An answer, whatever happens, and a line in the log: never the query, which holds names of people."""
        clock = self.administration.desk.clock
        started = clock.now()
        try:
            answer = await handler(visit)
        except AdminError as refusal:
            answer = visit.message(refusal.status, _TITLES.get(refusal.status, "That did not work"), refusal.detail)
        except PageRefused as refusal:
            answer = visit.message(refusal.status, refusal.title, refusal.text, refusal.headers)
        except Exception:
            _log.error("unexpected failure", exc_info=True, extra={"request_id": visit.request_id})
            text = f"Something unexpected happened. The log tells more of it, at request {visit.request_id}."
            answer = visit.message(500, "That did not work", text)
        request, actor = visit.request, visit.actor.name if visit.actor else None
        told = {"method": request.method, "path": request.url.path, "actor": actor, "status": answer.status_code}
        self.log({"request_id": visit.request_id, **told, "seconds": round(clock.now() - started, 6)})
        answer.headers["X-Request-Id"] = visit.request_id
        return answer


@dataclass(slots=True)
class Visit:
    """A request to the console, who sent it, and the fields of the form that it brings."""

    console: Console
    request: Request
    actor: Actor | None = None
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    request_id: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def administration(self) -> Administration:
        return self.console.administration

    @property
    def by(self) -> Actor:
        """Who is signed in; only behind `Console.route`."""
        assert self.actor is not None
        return self.actor

    @property
    def cookie(self) -> str:
        """The session's cookie; "" without one that could be ours."""
        found = self.request.cookies.get(COOKIE, "")
        return found if _COOKIE.fullmatch(found) else ""

    @property
    def address(self) -> str:
        return address_of(self.request)

    @property
    def root(self) -> str:
        return root_path(self.request)

    @property
    def origin(self) -> str:
        """Our own address, as clients have it."""
        return public_origin(self.request, self.console.public_url)

    def base_url(self, connection: str) -> str:
        """Where a connection's SCIM clients find it."""
        return f"{self.origin}/scim/{connection}/v2"

    def param(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def asked(self, name: str, default: str = "") -> str:
        """A parameter of the query."""
        return self.request.query_params.get(name, default)

    def typed(self, name: str) -> str:
        """A field of the form, without spaces around it."""
        return (self.fields.get(name) or [""])[0].strip()

    # -- answers ------------------------------------------------------------------------------------------------------

    def page(
        self, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any
    ) -> Response:
        """A page of the console; ``section`` in the context names the one it belongs to."""
        common = {
            "actor": self.actor.name if self.actor else None,
            "form_token": (FORM_TOKEN, form_token(self.cookie)),
            "done": DONE.get(self.asked("done")) if self.request.method == "GET" else None,
            "section": None,
            "path": path,
        }
        return page(self.request, f"console/{template}", status=status, headers=headers, **{**common, **context})

    def message(self, status: int, title: str, text: str, headers: Mapping[str, str] | None = None) -> Response:
        return self.page("message.html", status=status, headers=headers, title=title, text=text)

    def to(self, *parts: str, done: str | None = None, headers: Mapping[str, str] | None = None) -> Response:
        """On to another page of the console, which says what was ``done``."""
        query = f"?{urlencode({'done': done})}" if done else ""
        return redirect(f"{self.root}{path(*parts)}{query}", headers)


def path(*parts: str) -> str:
    """The path of a page of the console, each part encoded."""
    return "/".join((HOME, *(quote(part, safe="") for part in parts)))


def own_path(text: str, root: str = "") -> str:
    """A path to go on to after signing in: the one that was asked for if it is within the console, else its start."""
    home = f"{root}{HOME}"
    head, _, _ = text.partition("?")
    within = head == home or head.startswith(f"{home}/")
    plain = text.isascii() and text.isprintable() and not {"\\", " "} & set(text)
    stays = ".." not in unquote(unquote(head)).split("/") and "//" not in head
    return text if within and plain and stays else home


def _signed_in(handler: Handler) -> Handler:
    async def serve(visit: Visit) -> Response:
        if visit.cookie:
            visit.actor = await visit.administration.sessions.session(visit.cookie, visit.address)
        if visit.actor is None:
            return _sign_in_first(visit)
        if visit.request.method == "POST":
            visit.fields = await posted_form(visit.request, visit.cookie, visit.console.public_url)
        return await handler(visit)

    return serve


def _sign_in_first(visit: Visit) -> Response:
    """To where one signs in, and from there back; what a form brought is not kept, so it says so."""
    if visit.request.method == "POST":
        text = "Your session has ended, and nothing was changed. Sign in, and do it once more."
        return visit.message(401, "Sign in again", text)
    url = visit.request.url
    asked = f"{url.path}?{url.query}" if url.query else url.path
    again = {} if asked == f"{visit.root}{HOME}" else {"next": asked}
    return redirect(f"{visit.root}{SIGN_IN}{'?' if again else ''}{urlencode(again)}")
