"""Making connections in the console, and changing them."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.admin.advice import Advice, advice
from scim_bridge.admin.console import drafts
from scim_bridge.admin.console.connection import told_of
from scim_bridge.admin.console.drafts import Typed
from scim_bridge.admin.console.frame import Console, Visit
from scim_bridge.admin.service.connections import ConnectionView
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.config import NAME_RULE
from scim_bridge.query.provider import Provider

_WRONG = Advice("Some entries need another look", "What is wrong stands at each of them.", "unknown")


class EditingPages:
    """The forms of connections."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.routes: list[Route] = [
            console.route("/console/new", self._choice),
            console.route("/console/new/{provider}", self._new),
            console.route("/console/new/{provider}", self._create, "POST"),
            console.route("/console/connections/{name}/edit", self._edit),
            console.route("/console/connections/{name}/edit", self._change, "POST"),
        ]

    async def _choice(self, visit: Visit) -> Response:
        """Which kind of upstream it is to be."""
        providers = [self._console.administration.desk.providers(name) for name in self._console.provider_names()]
        return visit.page("choice.html", section="connections", providers=providers)

    def _provider(self, name: str) -> Provider[Any]:
        try:
            return self._console.administration.desk.providers(name)
        except LookupError as error:
            raise AdminError(404, str(error.args[0]).capitalize()) from None

    # -- a new one ----------------------------------------------------------------------------------------------------

    async def _new(self, visit: Visit) -> Response:
        return self._form(visit, self._provider(visit.param("provider")), Typed())

    async def _create(self, visit: Visit) -> Response:
        provider, typed = self._provider(visit.param("provider")), drafts.posted(visit.fields)
        document, errors = drafts.read(provider, typed)
        if not typed.name:
            errors = {"name": "is needed", **errors}
        if errors:
            return self._form(visit, provider, typed, _WRONG, errors)
        connections, test = self._console.administration.connections, visit.typed("test") == "yes"
        try:
            await connections.create(visit.by, typed.name, document, label=typed.label, test=test)
        except AdminError as refusal:
            return self._refused(visit, provider, typed, refusal)
        return visit.to("connections", typed.name, done="created")

    # -- one that there is --------------------------------------------------------------------------------------------

    async def _view(self, visit: Visit) -> ConnectionView:
        view = await self._console.administration.connections.one(visit.param("name"))
        if view.source == "file":
            raise AdminError(409, f"The connection {view.name} is in the configuration file, and is changed there")
        return view

    async def _edit(self, visit: Visit) -> Response:
        view = await self._view(visit)
        provider = self._provider(view.provider)
        return self._form(visit, provider, drafts.standing(provider, view), view=view)

    async def _change(self, visit: Visit) -> Response:
        view = await self._view(visit)
        provider, typed = self._provider(view.provider), drafts.renamed(drafts.posted(visit.fields), view)
        document, errors = drafts.read(provider, typed, view.secrets)
        if errors:
            return self._form(visit, provider, typed, _WRONG, errors, view=view)
        revision, renewed = visit.typed("revision"), visit.typed("renewed") == "yes"
        changes = drafts.patch(provider, document, typed, view, renewed=renewed)
        try:
            await self._console.administration.connections.change(
                visit.by,
                view.name,
                changes,
                revision=int(revision) if revision.isdecimal() and len(revision) < 16 else -1,
                test=visit.typed("test") == "yes",
            )
        except AdminError as refusal:
            return self._refused(visit, provider, typed, refusal, view)
        return visit.to("connections", view.name, done="changed")

    # -- answers ------------------------------------------------------------------------------------------------------

    def _refused(
        self,
        visit: Visit,
        provider: Provider[Any],
        typed: Typed,
        refusal: AdminError,
        view: ConnectionView | None = None,
    ) -> Response:
        """The form again, with why it was refused. Raises the refusal where nothing typed is to blame."""
        if refusal.check is not None:
            told = advice(refusal.check.failure, provider.title)
            return self._form(visit, provider, typed, told, view=view, detail=told_of(refusal.check))
        errors = drafts.errors_of(refusal)
        if not errors:
            raise refusal
        return self._form(visit, provider, typed, _WRONG, errors, view=view, status=refusal.status)

    def _form(
        self,
        visit: Visit,
        provider: Provider[Any],
        typed: Typed,
        problem: Advice | None = None,
        errors: Mapping[str, str] | None = None,
        *,
        view: ConnectionView | None = None,
        status: int = 422,
        detail: str = "",
    ) -> Response:
        """The form with what was typed, but secrets; ``view``: the connection that it changes."""
        draft = drafts.shown(provider, typed, errors, view.secrets if view is not None else ())
        if errors and not draft.wrong:  # it is about no field that is here
            told = "; ".join(errors.values())
            problem = Advice("These settings cannot be used", f"{told[:1].upper()}{told[1:]}.", "unknown")
        return visit.page(
            "edit.html",
            status=200 if problem is None else status,
            section="connections",
            provider=provider,
            draft=draft,
            view=view,
            problem=problem,
            detail=detail,
            name_rule=NAME_RULE,
            has_ways=view is not None and drafts.has_ways(provider),
        )
