"""Values as pages show them: settings, and what resources hold."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from scim_bridge.admin.service.connections import ConnectionView
from scim_bridge.schemas import ResourceSchema, SchemaAttribute
from scim_bridge.settings import is_secret, label_of, settings_of
from scim_bridge.upstream.redact import MASK

NOTHING: Final = "\N{EN DASH}"
MOST_ELEMENTS: Final = 100
"""Of a longer list a page shows the beginning, and how long it is."""
SECRET_WORDS: Final = ("passw", "secret", "credential", "privatekey", "private_key")
"""What the name of an upstream field says that nobody is to read."""


def settings_shown(kind: type[Any] | None, view: ConnectionView) -> list[tuple[str, str]]:
    """Labels and values of a provider's settings, of secrets only whether they are set; ``kind`` None: by their keys,
    as nobody knows what they are."""
    if kind is None:
        return [(name, text(value)) for name, value in view.settings.items()]
    return [
        (label_of(each), secret(each.name, view) if is_secret(each) else text(view.settings.get(each.name)))
        for each in settings_of(kind)
    ]


def secret(name: str, view: ConnectionView) -> str:
    return "set" if name in view.secrets else "not set"


def text(value: Any) -> str:
    """A value in a line, or in several."""
    if value is None or value == "" or value == [] or value == {}:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "\n".join(f"{name} = {text(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(text(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


# -- resources --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """What a list shows of an attribute; ``at``: the time that it is, in milliseconds since 1970."""

    text: str
    at: int | None = None


def cell(value: Any, attribute: SchemaAttribute) -> Cell:
    """What a list shows of an attribute: of several values the primary one or the first, and how many more."""
    return Cell(_short(value), moment(value) if attribute.type == "dateTime" else None)


def _short(value: Any) -> str:
    if isinstance(value, list) and value:
        first = next((each for each in value if isinstance(each, Mapping) and each.get("primary")), value[0])
        more = f" (+{len(value) - 1})" if len(value) > 1 else ""
        return f"{_short(first)}{more}"
    if isinstance(value, Mapping):
        return text(value.get("display") or value.get("value") or value.get("formatted"))
    return text(value)


def moment(value: Any) -> int | None:
    """A dateTime of SCIM in milliseconds since 1970; None for what is none, or no time of UTC's years 1 to 9999."""
    try:
        found = datetime.fromisoformat(value)
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).timestamp() * 1000)
    except (TypeError, ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class Part:
    """Attributes of one schema: its URN, and a line for each attribute, with its path and its values."""

    urn: str
    lines: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Reference:
    """An element of a relation: what it is called, and where its page is; "" where it has none."""

    text: str
    note: str
    target: str


@dataclass(frozen=True, slots=True)
class Related:
    """A relation: the first of its elements, and how many there are."""

    name: str
    elements: Sequence[Reference]
    total: int


def parts(resource: Mapping[str, Any], schema: ResourceSchema, relations: Collection[str]) -> list[Part]:
    """The attributes of a resource by schema, without its relations."""
    urns = {each.id for each in schema.schemas}
    own = {name: value for name, value in resource.items() if name not in urns and name not in relations}
    found = [Part(schema.base.id, _lines(own))]
    return found + [Part(urn, _lines(resource[urn])) for urn in resource if urn in urns and resource[urn]]


def _lines(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Sequence[str]]]:
    """Path and values of each attribute; of those with several, a line for each value."""
    found: list[tuple[str, Sequence[str]]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            found += _lines(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            found.append((prefix + name, [_element(each) for each in value]))
        else:
            found.append((prefix + name, [text(value)]))
    return found


def _element(value: Any) -> str:
    """A value of several, in a line: what it is, and then what is said of it."""
    if not isinstance(value, Mapping):
        return text(value)
    notes = [
        name if each is True else f"{name}: {text(each)}"
        for name, each in value.items()
        if name not in ("value", "$ref") and each not in (None, "", False)
    ]
    said = text(value.get("value"))
    return ", ".join(notes if said == NOTHING and notes else [said, *notes])


def related(resource: Mapping[str, Any], relations: Collection[str], target: Callable[[str], str]) -> list[Related]:
    """The relations of a resource; ``target`` gives the page of what a ``$ref`` leads to."""
    found = []
    for name in relations:
        elements = resource.get(name) or []
        shown = [_reference(each, target) for each in elements[:MOST_ELEMENTS] if isinstance(each, Mapping)]
        found.append(Related(name, shown, len(elements)))
    return found


def _reference(element: Mapping[str, Any], target: Callable[[str], str]) -> Reference:
    said = element.get("display") or element.get("value")
    notes = [text(element.get("type"))] if element.get("type") else []
    notes += [text(element["value"])] if element.get("display") and element.get("value") else []
    return Reference(text(said), ", ".join(notes), target(str(element.get("$ref") or "")))


def as_json(value: Any) -> str:
    """JSON to be read: without what is a secret by its name, and of very long lists only the beginning."""
    return orjson.dumps(_readable(value), option=orjson.OPT_INDENT_2, default=str).decode()


def _readable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): MASK if _is_secret(name, each) else _readable(each) for name, each in value.items()}
    if isinstance(value, list):
        more = [f"... and {len(value) - MOST_ELEMENTS:,} more"] if len(value) > MOST_ELEMENTS else []
        return [*map(_readable, value[:MOST_ELEMENTS]), *more]
    return value


def _is_secret(name: object, value: Any) -> bool:
    return isinstance(value, str) and bool(value) and any(word in str(name).lower() for word in SECRET_WORDS)
