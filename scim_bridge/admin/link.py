"""`/link/{token}`: the pages on which somebody who has no account here enters the credentials of a connection.

Who has the address may do this, once. There is no cookie, so the pages work in a frame of another site, and no script
is needed. A form is taken from our own pages alone: it brings a text made of the address's token, and a browser that
says which site made it send the form has to say that it was ours. The token is in no log and no referrer.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.admin.advice import Advice, advice
from scim_bridge.admin.entries import changes, entries, missing, read_form
from scim_bridge.admin.forms import PREFIX, Entries, entries_of
from scim_bridge.admin.link_pages import LinkPages
from scim_bridge.admin.requests import PageRefused, address_of, posted_form
from scim_bridge.admin.service.connections import Connections
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.admin.service.links import Links, LinkView
from scim_bridge.admin.throttle import Throttle
from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.config import ProviderByName
from scim_bridge.query.provider import Provider
from scim_bridge.settings import is_secret, settings_of

_log = logging.getLogger("scim_bridge.link")
REQUESTS_A_MINUTE: Final = 300
"""Of one address, which may be that of a proxy in front: enough for people, few for who guesses."""
TRIES_A_MINUTE: Final = 10
"""Of one session."""
_WRONG: Final = Advice("Some entries need another look", "What is wrong stands at each of them.", "unknown")
Log = Callable[[Mapping[str, Any]], None]


class Link:
    """Serves the pages. ``log`` is told of each request, with the session's id; ``pages`` shows what is found."""

    def __init__(
        self,
        links: Links,
        connections: Connections,
        provider_by_name: ProviderByName,
        pages: LinkPages,
        log: Log,
        *,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._links = links
        self._connections = connections
        self._provider_by_name = provider_by_name
        self._pages = pages
        self._log = log
        self._clock = clock
        self._addresses = Throttle(REQUESTS_A_MINUTE, 60, clock)
        self._tries = Throttle(TRIES_A_MINUTE, 60, clock)
        self.routes: Sequence[Route] = [Route("/link/{token}", self._serve, methods=["GET", "POST"])]

    async def _serve(self, request: Request) -> Response:
        """An answer, whatever happens, and a line in the log. Neither tells the session's token."""
        started, visit = self._clock.now(), _Visit(request)
        try:
            answer = await self._answered(visit)
        except AdminError as refusal:
            answer = self._pages.ended(request, refusal)
        except PageRefused as refusal:
            answer = self._pages.refused(request, refusal)
        except Exception:
            _log.error("unexpected failure", exc_info=True, extra={"link": visit.id})
            answer = self._pages.failed(request)
        told = {"method": request.method, "path": "/link", "link": visit.id, "status": answer.status_code}
        self._log({**told, "seconds": round(self._clock.now() - started, 6)})
        return answer

    async def _answered(self, visit: "_Visit") -> Response:
        request, token = visit.request, visit.token
        if wait := self._addresses.wait_seconds(address_of(request)):
            raise _too_often(wait)
        fields = None
        if request.method == "POST":
            fields = await posted_form(request, token, self._pages.public_url)
            self._pages.origin(request)  # which is shown in the end, and once only
        link = visit.link = await self._links.open(token)
        provider = self._provider(visit, fields)
        if provider is None:
            return self._pages.choice(request, link)
        if fields is None:
            return self._pages.form(request, link, provider, await self._standing(link, provider))
        return await self._tried(visit, link, provider, entries(fields))

    def _provider(self, visit: "_Visit", fields: Mapping[str, Sequence[str]] | None) -> Provider[Any] | None:
        """The session's provider, or the chosen one; None where none is, or there is no such one."""
        assert visit.link is not None
        chosen = visit.request.query_params.get("provider") if fields is None else fields.get("provider", [""])[0]
        try:
            return self._provider_by_name(visit.link.provider or chosen or "")
        except LookupError:
            return None

    async def _standing(self, link: LinkView, provider: Provider[Any]) -> Entries | None:
        """What a form begins with: the settings of the connection to be renewed, or the defaults."""
        return entries_of(provider.settings, await self._settings(link)) if link.renews else None

    async def _settings(self, link: LinkView) -> Mapping[str, Any]:
        assert link.connection is not None
        return (await self._connections.one(link.connection)).settings

    async def _tried(self, visit: "_Visit", link: LinkView, provider: Provider[Any], typed: Entries) -> Response:
        request = visit.request
        document, errors = read_form(provider.settings, typed)
        errors = {**missing(provider.settings, document), **errors}
        if errors:
            return self._pages.form(request, link, provider, typed, problem=_WRONG, errors=errors)
        if wait := self._tries.wait_seconds(link.id):
            told = Advice("Too many tries at once", f"Wait {wait} seconds, then try again.", "unknown")
            again = {"Retry-After": str(wait)}
            return self._pages.form(request, link, provider, typed, problem=told, status=429, headers=again)
        if link.renews:
            document = changes(provider.settings, document, await self._settings(link), renewed=True)
        try:
            linked = await self._links.complete(visit.token, provider.name, document, address=address_of(request))
        except AdminError as refusal:
            return self._corrected(request, link, provider, typed, refusal)
        return self._pages.done(request, link, provider, linked)

    def _corrected(
        self, request: Request, link: LinkView, provider: Provider[Any], typed: Entries, refusal: AdminError
    ) -> Response:
        """The form again, with what is to be corrected. Raises the refusal where nothing typed is to blame."""
        errors: dict[str, str] = {}
        if refusal.check is not None:
            told = advice(refusal.check.failure, provider.title)
            if told.blame == "secret":
                errors = _refused_secrets(provider, typed)
        elif refusal.key is not None and refusal.key.startswith(PREFIX):
            told, errors = _WRONG, {refusal.key: refusal.detail.removeprefix(f"{refusal.key}: ")}
        elif refusal.status in (400, 409):
            told = Advice("That did not work", f"{refusal.detail}.", "unknown")
        else:
            raise refusal
        return self._pages.form(request, link, provider, typed, problem=told, errors=errors)


def _refused_secrets(provider: Provider[Any], typed: Entries) -> dict[str, str]:
    names = [each.name for each in settings_of(provider.settings) if is_secret(each)]
    return {PREFIX + name: "was not accepted" for name in names if any(typed.get(name, ()))}


class _Visit:
    """A request, and the session that it turns out to be about."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.token: str = request.path_params["token"]
        self.link: LinkView | None = None

    @property
    def id(self) -> str | None:
        return self.link.id if self.link else None


def _too_often(wait_seconds: int) -> PageRefused:
    return PageRefused(
        429,
        "Too many requests",
        f"Wait {wait_seconds} seconds, then load the page again.",
        headers={"Retry-After": str(wait_seconds)},
    )
