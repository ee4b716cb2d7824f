"""Forms made of a settings dataclass: its fields with what explains them, what stands in them, and what is wrong."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass
from itertools import groupby
from types import NoneType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from scim_bridge.settings import is_local, is_required, is_secret, label_of, settings_of
from scim_bridge.upstream.redact import Secret

Kind = Literal["text", "secret", "choice", "choices", "bool", "number", "list", "mapping"]
Entries = Mapping[str, Sequence[str]]
"""What was typed, by setting: the texts of one field, of which all but checkboxes have one."""
PREFIX: Final = "settings."
"""What the names of a provider's own fields begin with, as the keys that refusals name do."""


@dataclass(frozen=True, slots=True)
class FormField:
    """One field, ready to be shown. ``text`` is what stands in it, ``values`` what is chosen; of a secret, nothing."""

    key: str
    name: str
    kind: Kind
    label: str
    help: str
    where: str
    placeholder: str
    group: str
    required: bool
    advanced: bool
    options: tuple[tuple[str, str], ...] = ()
    text: str = ""
    values: tuple[str, ...] = ()
    error: str = ""

    @property
    def id(self) -> str:
        return self.name.replace(".", "-")

    @property
    def optional(self) -> bool:
        """Whether it has to be said that nothing need be entered: not where something stands there, nor in a group,
        which is one of several ways, nor among the rare ones."""
        return not (self.required or self.advanced or self.group) and self.kind not in ("choice", "number", "bool")


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields that belong together; "" is no title."""

    title: str
    fields: tuple[FormField, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """All fields of a provider's settings."""

    fields: tuple[FormField, ...]

    @property
    def groups(self) -> list[FieldGroup]:
        """What everybody has to look at."""
        shown = (each for each in self.fields if not each.advanced)
        return [FieldGroup(title, tuple(found)) for title, found in groupby(shown, lambda each: each.group)]

    @property
    def advanced(self) -> list[FormField]:
        return [each for each in self.fields if each.advanced]

    @property
    def advanced_wrong(self) -> bool:
        return any(each.error for each in self.advanced)

    @property
    def wrong(self) -> bool:
        return any(each.error for each in self.fields)


def form(
    kind: type[Any],
    entries: Entries | None = None,
    *,
    errors: Mapping[str, str] | None = None,
    kept: Collection[str] = (),
    prefix: str = PREFIX,
) -> Form:
    """The form of a settings dataclass, without what only the configuration file may set.

    ``entries``: what stands in it; None: the defaults. ``errors`` by name of a field (`settings.client_secret`, also
    for what is below it). ``kept``: secrets that stay as they are where nothing is typed. ``prefix``: what the names of
    the fields begin with.
    """
    return Form(tuple(_field(each, hint, entries, errors or {}, kept, prefix) for each, hint in offered(kind)))


def entries_of(kind: type[Any], document: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """A document as it would have been typed, without its secrets; what it does not name is as by default."""
    known = [(each, hint) for each, hint in offered(kind) if not is_secret(each)]
    return {each.name: _typed(hint, document.get(each.name, default_of(each))) for each, hint in known}


def offered(kind: type[Any]) -> Iterator[tuple[Field[Any], Any]]:
    hints = get_type_hints(kind)
    for each in settings_of(kind):
        if not is_local(each):
            yield each, _bare(hints[each.name])


def _bare(hint: Any) -> Any:
    """A type without its None."""
    arguments = get_args(hint)
    return next(each for each in arguments if each is not NoneType) if NoneType in arguments else hint


def kind_of(hint: Any) -> Kind:
    if hint is Secret:
        return "secret"
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return "choice"
    if origin is tuple:
        return "choices" if get_origin(arguments[0]) is Literal else "list"
    if origin is not None:
        return "mapping"
    return "bool" if hint is bool else "number" if hint in (int, float) else "text"


def _field(
    each: Field[Any], hint: Any, typed: Entries | None, errors: Mapping[str, str], kept: Collection[str], prefix: str
) -> FormField:
    kind, name = kind_of(hint), prefix + each.name
    stands = _typed(hint, default_of(each)) if typed is None else typed.get(each.name, ())
    shown = () if kind == "secret" or is_secret(each) else tuple(stands)
    told = each.metadata
    return FormField(
        key=each.name,
        name=name,
        kind=kind,
        label=label_of(each),
        help=told["help"],
        where=told["where"],
        placeholder="unchanged" if kind == "secret" and each.name in kept else told["placeholder"],
        group=told["group"],
        required=is_required(each) and each.name not in kept,
        advanced=told["advanced"],
        options=_options(hint, told["choices"], unset=default_of(each) is None),
        text=shown[0] if shown else "",
        values=shown,
        error=next((text for key, text in errors.items() if key == name or key.startswith(f"{name}.")), ""),
    )


def _options(hint: Any, told: Mapping[Any, str], *, unset: bool) -> tuple[tuple[str, str], ...]:
    """What can be chosen, as value and text; ``unset``: nothing, too."""
    choice = get_args(hint)[0] if get_origin(hint) is tuple else hint
    if get_origin(choice) is not Literal:
        return ()
    nothing = (("", "-"),) if unset else ()
    return (*nothing, *((str(value), told.get(value) or str(value) or "-") for value in get_args(choice)))


def default_of(each: Field[Any]) -> Any:
    if each.default_factory is not MISSING:
        return each.default_factory()
    return None if each.default is MISSING else each.default


def _typed(hint: Any, value: Any) -> tuple[str, ...]:
    """A value as the texts of its field."""
    match kind_of(hint):
        case "secret":
            return ()
        case "choices":
            return tuple(map(str, value or ()))
        case "list":
            return ("\n".join(map(str, value or ())),)
        case "mapping":
            return ("\n".join(f"{path} = {field}" for path, field in (value or {}).items()),)
        case "bool":
            return ("true",) if value else ()
        case "number" if isinstance(value, float) and value.is_integer():
            return (str(int(value)),)
    return ("" if value is None else str(value),)
