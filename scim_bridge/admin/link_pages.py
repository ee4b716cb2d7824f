"""What the link pages show: a choice of providers, a form, and what came of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from scim_bridge.admin.advice import Advice
from scim_bridge.admin.forms import Entries, Form, form
from scim_bridge.admin.html import page, redirect
from scim_bridge.admin.requests import FORM_TOKEN, PageRefused, form_token, public_origin
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.admin.service.links import Linked, LinkView
from scim_bridge.config import ProviderByName
from scim_bridge.query.provider import Provider

_TITLES: Final[Mapping[int, str]] = {
    404: "There is no such link",
    410: "This link cannot be used any more",
    429: "Too many tries",
    503: "This does not work at the moment",
}
_ASK: Final = "Ask who sent it to you for a new one."


class LinkPages:
    """Pages as answers. ``origins`` may embed them, and be led back to; ``public_url`` is our own address."""

    def __init__(
        self,
        provider_by_name: ProviderByName,
        provider_names: Callable[[], Sequence[str]],
        *,
        origins: Sequence[str] = (),
        public_url: str | None = None,
    ) -> None:
        self._provider_by_name = provider_by_name
        self._provider_names = provider_names
        self._origins = tuple(origins)
        self.public_url = public_url

    def choice(self, request: Request, link: LinkView) -> Response:
        """Which kind of upstream it is to be."""
        providers = [self._provider_by_name(name) for name in self._provider_names()]
        unknown = request.query_params.get("provider") is not None
        return self._page(request, "link_choice.html", 404 if unknown else 200, link=link, providers=providers)

    def form(
        self,
        request: Request,
        link: LinkView,
        provider: Provider[Any],
        typed: Entries | None,
        *,
        problem: Advice | None = None,
        errors: Mapping[str, str] | None = None,
        status: int = 422,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """A provider's form with what was typed, but secrets; ``status`` and ``headers`` go with a ``problem``."""
        fields = form(provider.settings, typed, errors=errors)
        return self._page(
            request,
            "link_form.html",
            200 if problem is None else status,
            headers,
            target=link.redirect_url,
            link=link,
            provider=provider,
            fields=fields,
            problem=problem,
            spaced=_spaced(fields, typed) if problem is not None and problem.blame == "secret" else [],
            form_token=(FORM_TOKEN, form_token(request.path_params["token"])),
            back=self._back(link, status="cancelled"),
        )

    def done(self, request: Request, link: LinkView, provider: Provider[Any], linked: Linked) -> Response:
        """Back to where the link came from, or the connection's address and token, which are shown this once."""
        if back := self._back(link, connection=linked.name, status="connected"):
            return redirect(back)
        token = linked.token.reveal() if linked.token is not None and link.redirect_url is None else None
        base_url = f"{self.origin(request)}/scim/{linked.name}/v2"
        return self._page(
            request, "link_done.html", link=link, provider=provider, name=linked.name, base_url=base_url, token=token
        )

    def ended(self, request: Request, refusal: AdminError) -> Response:
        """Why a link is of no use, or not now."""
        title = _TITLES.get(refusal.status, "That did not work")
        text = f"{refusal.detail}. {_ASK}" if refusal.status in (404, 410) else f"{refusal.detail}."
        return self._message(request, refusal.status, title, text)

    def refused(self, request: Request, refusal: PageRefused) -> Response:
        return self._message(request, refusal.status, refusal.title, refusal.text, refusal.headers)

    def failed(self, request: Request) -> Response:
        return self._message(request, 500, "That did not work", "Something unexpected happened. Try again later.")

    def _message(
        self, request: Request, status: int, title: str, text: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        return self._page(request, "link_message.html", status, headers, title=title, text=text)

    def _page(
        self,
        request: Request,
        template: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        *,
        target: str | None = None,
        **context: Any,
    ) -> Response:
        """``target``: where the answer to the page's form may lead."""
        targets = [origin] if target is not None and (origin := _origin_of(target)) in self._origins else []
        return page(
            request,
            template,
            status=status,
            headers=headers,
            frame_ancestors=self._origins,
            form_targets=targets,
            **context,
        )

    def _back(self, link: LinkView, **told: str) -> str | None:
        """Where the link came from, with what came of it, and never a token; None where it may not be led to."""
        if link.redirect_url is None or _origin_of(link.redirect_url) not in self._origins:
            return None
        parts = urlsplit(link.redirect_url)
        query = "&".join(filter(None, (parts.query, urlencode({"link_session": link.id, **told}))))
        return parts._replace(query=query).geturl()

    def origin(self, request: Request) -> str:
        """Where clients find us. Raises PageRefused where nobody knows."""
        return public_origin(request, self.public_url)


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _spaced(fields: Form, typed: Entries | None) -> list[str]:
    """The secrets that were typed with a space around them, by their labels."""
    texts = {each.label: ((typed or {}).get(each.key) or [""])[0] for each in fields.fields if each.kind == "secret"}
    return [label for label, text in texts.items() if text != text.strip()]
