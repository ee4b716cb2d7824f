"""A connection as a form: what stands in it, what was typed, and what is wrong with that."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from scim_bridge.admin.entries import changes, entries, missing, read_form
from scim_bridge.admin.forms import PREFIX, Entries, Form, FormField, entries_of, form, offered
from scim_bridge.admin.service.connections import ConnectionView
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.config import ConnectionTable, Limits
from scim_bridge.mirror.settings import MirrorSettings
from scim_bridge.query.provider import Provider
from scim_bridge.settings import is_secret

OWN: Final = ("access", "mode", "client_profile", "patch_response")
"""The keys of a connection itself that can be changed here."""
TABLES: Final[Mapping[str, type[Any]]] = {"limits": Limits, "mirror": MirrorSettings}
"""Its tables beside its provider's settings."""


@dataclass(frozen=True, slots=True)
class Typed:
    """The texts of a form: of the connection's name and label, its own keys, its tables, and its settings."""

    name: str = ""
    label: str = ""
    own: Entries = field(default_factory=dict)
    tables: Mapping[str, Entries | None] = field(default_factory=lambda: dict.fromkeys(TABLES))
    settings: Entries | None = None


@dataclass(frozen=True, slots=True)
class DraftForm:
    """The form as it is shown; ``errors`` by name of the field, also of those that are in no other form."""

    typed: Typed
    own: Sequence[FormField]
    tables: Mapping[str, Form]
    settings: Form
    errors: Mapping[str, str]

    @property
    def wrong(self) -> list[tuple[str, str, str]]:
        """Id, label and error of each field that is wrong, in the order of the page."""
        fields = [*self.settings.fields, *self.own, *(each for table in self.tables.values() for each in table.fields)]
        found = [(each.id, each.label, each.error) for each in fields if each.error]
        plain = [(name, label, self.errors[name]) for name, label in _PLAIN.items() if name in self.errors]
        return plain + found

    @property
    def folded_wrong(self) -> bool:
        """Whether something is wrong among what is folded away."""
        return any(each.error for each in self.own) or any(each.wrong for each in self.tables.values())


_PLAIN: Final = {"name": "Name", "label": "Label"}


def posted(fields: Mapping[str, Sequence[str]]) -> Typed:
    """What a form brings."""
    name, label = ((fields.get(each) or [""])[0].strip() for each in _PLAIN)
    own = {key: fields.get(key, ()) for key in OWN}
    tables: dict[str, Entries | None] = {each: entries(fields, f"{each}.") for each in TABLES}
    return Typed(name, label, own, tables, entries(fields))


def standing(provider: Provider[Any], view: ConnectionView) -> Typed:
    """What stands in the form of a connection that there is: nothing of its secrets."""
    own = {name: value for name in OWN if (value := getattr(view, name))}
    tables = {name: entries_of(kind, getattr(view, name)) for name, kind in TABLES.items()}
    settings = entries_of(provider.settings, view.settings)
    return Typed(view.name, view.label, entries_of(ConnectionTable, own), tables, settings)


def shown(
    provider: Provider[Any], typed: Typed, errors: Mapping[str, str] | None = None, kept: Collection[str] = ()
) -> DraftForm:
    """The form with what was typed. ``kept``: secrets that stay where nothing is typed."""
    wrong = errors or {}
    own = form(ConnectionTable, typed.own or None, errors=wrong, prefix="")
    tables = {name: form(kind, typed.tables[name], errors=wrong, prefix=f"{name}.") for name, kind in TABLES.items()}
    settings = form(provider.settings, typed.settings, errors=wrong, kept=kept)
    return DraftForm(typed, [each for each in own.fields if each.key in OWN], tables, settings, wrong)


def read(provider: Provider[Any], typed: Typed, kept: Collection[str] = ()) -> tuple[dict[str, Any], dict[str, str]]:
    """The document that was typed, without what stands as by default, and what is wrong with it."""
    settings, errors = read_form(provider.settings, typed.settings or {})
    lacking = missing(provider.settings, settings)
    errors = {**{name: told for name, told in lacking.items() if name.removeprefix(PREFIX) not in kept}, **errors}
    own, wrong = read_form(ConnectionTable, typed.own, "")
    document: dict[str, Any] = {"provider": provider.name, **own, "settings": settings}
    errors |= wrong
    for name, kind in TABLES.items():
        document[name], wrong = read_form(kind, typed.tables[name] or {}, f"{name}.")
        errors |= wrong
    return document, errors


def patch(
    provider: Provider[Any], document: Mapping[str, Any], typed: Typed, view: ConnectionView, *, renewed: bool
) -> dict[str, Any]:
    """What makes of a connection the one of a form, as a merge patch (RFC 7396).

    ``renewed``: secrets of ways to sign in that nothing was typed for go.
    """
    found: dict[str, Any] = {"label": typed.label, **{name: document.get(name) for name in OWN}}
    for name, kind in TABLES.items():
        found[name] = changes(kind, document[name], getattr(view, name))
    found["settings"] = changes(provider.settings, document["settings"], view.settings, renewed=renewed)
    return found


def has_ways(provider: Provider[Any]) -> bool:
    """Whether there are several ways to sign in."""
    return any(is_secret(each) and each.metadata["group"] for each, _ in offered(provider.settings))


def errors_of(refusal: AdminError) -> dict[str, str]:
    """A refusal as the error of the field that it names; nothing where it names none."""
    if refusal.key is None:
        return {}
    return {refusal.key: refusal.detail.removeprefix(f"{refusal.key}: ")}


def renamed(typed: Typed, view: ConnectionView) -> Typed:
    """What was typed, of a connection whose name stays."""
    return replace(typed, name=view.name)
