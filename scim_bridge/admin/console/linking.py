"""Link sessions in the console: made, listed and withdrawn."""

from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.admin.console.drafts import errors_of
from scim_bridge.admin.console.frame import Console, Visit
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.admin.service.links import LinkRequest, LinkView
from scim_bridge.config import NAME_RULE
from scim_bridge.upstream.redact import Secret

DAY: Final = 24 * 3600 * 1000
LIFETIMES: Final = (("1", "in a day"), ("3", "in 3 days"), ("7", "in a week"), ("30", "in 30 days"))
STATES: Final = {"open": "info", "done": "good", "revoked": "warning", "expired": "warning"}


class LinkingPages:
    """The list of link sessions, with the form of a new one."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.routes: list[Route] = [
            console.route("/console/links", self._page),
            console.route("/console/links", self._create, "POST"),
            console.route("/console/links/{id}/revoke", self._revoke, "POST"),
        ]

    async def _page(self, visit: Visit) -> Response:
        return await self._shown(visit, {"connection": visit.asked("connection")})

    async def _shown(
        self,
        visit: Visit,
        typed: dict[str, str],
        *,
        errors: dict[str, str] | None = None,
        made: tuple[LinkView, str] | None = None,
        status: int = 200,
    ) -> Response:
        administration = self._console.administration
        stored = [each.name for each in await administration.connections.all() if each.source == "store"]
        providers = [(each, administration.desk.providers(each).title) for each in self._console.provider_names()]
        return visit.page(
            "links.html",
            status=status,
            section="links",
            links=await administration.links.all(),
            titles=dict(providers),
            states=STATES,
            typed=typed,
            errors=errors or {},
            made=made,
            providers=[("", "whichever they choose"), *providers],
            connections=[("", "a new one"), *((each, f"renew {each}") for each in stored)],
            lifetimes=LIFETIMES,
            origins=administration.desk.server.link_origins,
            name_rule=NAME_RULE,
        )

    async def _create(self, visit: Visit) -> Response:
        administration = self._console.administration
        names = ("provider", "label", "connection", "name", "redirect_url", "expires_at")
        typed = {name: visit.typed(name) for name in names}
        try:
            view, token = await administration.links.create(visit.by, self._wanted(typed))
        except AdminError as refusal:
            errors = errors_of(refusal)
            if not errors:
                raise
            return await self._shown(visit, typed, errors=errors, status=refusal.status)
        return await self._shown(visit, {}, made=(view, self._address(visit, token)))

    def _wanted(self, typed: dict[str, str]) -> LinkRequest:
        """Raises AdminError for a lifetime that cannot be chosen."""
        days = typed["expires_at"]
        if days not in dict(LIFETIMES):
            raise AdminError(400, "expires_at: is none of the times that can be chosen", "expires_at")
        wanted: dict[str, Any] = {name: text or None for name, text in typed.items()}
        expires_at = self._console.administration.desk.wall() + int(days) * DAY
        return LinkRequest(**{**wanted, "label": typed["label"], "expires_at": expires_at})

    def _address(self, visit: Visit, token: Secret) -> str:
        return f"{visit.origin}/link/{token.reveal()}"

    async def _revoke(self, visit: Visit) -> Response:
        await self._console.administration.links.revoke(visit.by, visit.param("id"))
        return visit.to("links", done="withdrawn")
