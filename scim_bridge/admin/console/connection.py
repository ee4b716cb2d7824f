"""The page of one connection: how it is doing, its settings, tokens and mirror, and what is done to them."""

from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.admin.advice import Advice, advice
from scim_bridge.admin.console.frame import Console, Visit
from scim_bridge.admin.console.listing import types
from scim_bridge.admin.console.overview import of_view, title_of
from scim_bridge.admin.console.shown import settings_shown
from scim_bridge.admin.service.connections import ConnectionView
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.admin.service.tokens import SCOPES, TokenView
from scim_bridge.checks import CheckResult
from scim_bridge.upstream.errors import UpstreamError

DAY: Final = 24 * 3600 * 1000
LIFETIMES: Final = (("", "never"), ("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year"))
MOST_HELD: Final = 200
"""Of what is held back, so many are named."""
SCOPE_WORDS: Final = {
    "read": "Read people and groups over SCIM",
    "write": "Change them over SCIM, too",
    "proxy": "Use the upstream's own API through /proxy",
}
_MIRROR: Final[dict[str, dict[str, bool]]] = {"refresh": {}, "full": {"full": True}, "approve": {"approve": True}}


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made, to be shown this once."""

    view: TokenView
    text: str


@dataclass(frozen=True, slots=True)
class Tried:
    """What testing a connection came to, in words; ``advice`` says what to do where it failed."""

    told: str
    advice: Advice | None


class ConnectionPages:
    """One connection."""

    def __init__(self, console: Console) -> None:
        self._console = console
        one = "/console/connections/{name}"
        self.routes: list[Route] = [
            console.route(one, self._page),
            console.route(f"{one}/pause", self._pause, "POST"),
            console.route(f"{one}/test", self._test, "POST"),
            console.route(f"{one}/tokens", self._new_token, "POST"),
            console.route(f"{one}/tokens/{{token}}/revoke", self._revoke, "POST"),
            console.route(f"{one}/mirror", self._mirror, "POST"),
            console.route(f"{one}/held", self._held),
            console.route(f"{one}/delete", self._delete_page),
            console.route(f"{one}/delete", self._delete, "POST"),
        ]

    async def _page(self, visit: Visit) -> Response:
        return await self._shown(visit)

    async def _shown(self, visit: Visit, *, status: int = 200, **more: Any) -> Response:
        """The page, with what has just come of something."""
        administration, name = self._console.administration, visit.param("name")
        view = await administration.connections.one(name)
        mirrored = view.mode == "mirror" and not view.paused and view.problem is None
        standing = await administration.mirrors.standing(name) if mirrored else ()
        context: dict[str, Any] = {"new_token": None, "tried": None, "token_error": None, **more}
        return visit.page(
            "connection.html",
            status=status,
            section="connections",
            health=of_view(self._console, view, standing, self._console.metrics.answered()),
            base_url=visit.base_url(name),
            endpoints=self._endpoints(name),
            tokens=await administration.tokens.all(name),
            now=administration.desk.wall(),
            settings=self._settings(view),
            is_running=administration.mirrors.is_running(name),
            scopes=[(each, SCOPE_WORDS[each]) for each in SCOPES],
            lifetimes=LIFETIMES,
            **context,
        )

    def _endpoints(self, name: str) -> list[str]:
        """The resource types that can be browsed; none before the upstream was discovered."""
        connection = self._console.administration.desk.registry.entries[name].connection
        service = connection.opened if connection is not None else None
        return [endpoint for endpoint, _ in types(service)] if service is not None else []

    def _settings(self, view: ConnectionView) -> list[tuple[str, str]]:
        try:
            kind = self._console.administration.desk.providers(view.provider).settings
        except LookupError:
            kind = None
        return settings_shown(kind, view)

    # -- what is done -------------------------------------------------------------------------------------------------

    async def _pause(self, visit: Visit) -> Response:
        name, paused = visit.param("name"), visit.typed("paused") == "true"
        await self._console.administration.connections.pause(visit.by, name, paused)
        return visit.to("connections", name, done="paused" if paused else "resumed")

    async def _test(self, visit: Visit) -> Response:
        result = await self._console.administration.connections.check_one(visit.param("name"))
        return await self._shown(visit, tried=tried(self._console, result))

    async def _new_token(self, visit: Visit) -> Response:
        administration, days = self._console.administration, visit.typed("expires")
        known = days in dict(LIFETIMES)
        expires_at = administration.desk.wall() + int(days) * DAY if known and days else None
        try:
            if not known:
                raise AdminError(400, "expires: is none of the times that can be chosen", "expires")
            made, token = await administration.tokens.create(
                visit.by,
                visit.param("name"),
                label=visit.typed("label"),
                scopes=visit.fields.get("scopes", ()),
                expires_at=expires_at,
            )
        except AdminError as refusal:
            if refusal.key is None:
                raise
            return await self._shown(visit, status=refusal.status, token_error=refusal)
        return await self._shown(visit, new_token=NewToken(made, token.reveal()))

    async def _revoke(self, visit: Visit) -> Response:
        name = visit.param("name")
        await self._console.administration.tokens.revoke(visit.by, name, visit.param("token"))
        return visit.to("connections", name, done="revoked")

    async def _mirror(self, visit: Visit) -> Response:
        name, what = visit.param("name"), visit.typed("what")
        if what not in _MIRROR:
            raise AdminError(400, "A mirror can be refreshed, compared as a whole, or what it holds back be approved")
        await self._console.administration.mirrors.refresh(visit.by, name, **_MIRROR[what])
        return visit.to("connections", name, done="approved" if what == "approve" else "refresh")

    async def _held(self, visit: Visit) -> Response:
        """What would go if what is held back were approved."""
        name = visit.param("name")
        mirrors = self._console.administration.mirrors
        totals = {each.resource: each.held for each in await mirrors.standing(name) if each.held}
        held = await mirrors.held(name, MOST_HELD)
        return visit.page("held.html", section="connections", name=name, held=held, totals=totals, most=MOST_HELD)

    async def _delete_page(self, visit: Visit, problem: str = "") -> Response:
        administration, name = self._console.administration, visit.param("name")
        view = await administration.connections.one(name)
        if view.source == "file":
            raise AdminError(409, f"The connection {name} is in the configuration file, and is changed there")
        tokens = await administration.tokens.all(name)
        status = 400 if problem else 200
        title = title_of(self._console, view.provider)
        return visit.page(
            "delete.html",
            status=status,
            section="connections",
            view=view,
            tokens=tokens,
            problem=problem,
            title=title,
        )

    async def _delete(self, visit: Visit) -> Response:
        name = visit.param("name")
        if visit.typed("confirmed") != name:
            return await self._delete_page(visit, "This is not its name.")
        await self._console.administration.connections.delete(visit.by, name)
        return visit.to(done="deleted")


def tried(console: Console, result: CheckResult) -> Tried:
    """A test with what to do about its failure."""
    if result.ok:
        return Tried(f"The bridge signed in and {result.told}.", None)
    return Tried(told_of(result), advice(result.failure, title_of(console, result.provider)))


def told_of(result: CheckResult) -> str:
    """What the upstream failed with; a test has no request that the log knows."""
    return result.failure.detail if isinstance(result.failure, UpstreamError) else result.told
