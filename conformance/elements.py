"""Users with several values of one attribute: which attribute takes them, only trying tells."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from scim_bridge.conformance.requirements import skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import Attribute, Kind, read

_LISTS: Final = ("phoneNumbers", "emails", "ims", "photos", "entitlements", "roles")
_TYPES: Final = ("work", "home", "other")


@dataclass(frozen=True, slots=True)
class Holder:
    """A user as a GET shows it, and the attribute of which it holds ``values``; ``spare`` is one that it does not."""

    resource: dict[str, Any]
    attribute: Attribute
    values: list[dict[str, Any]]
    spare: dict[str, Any]

    @property
    def name(self) -> str:
        return self.attribute.name

    @property
    def id(self) -> str:
        return str(self.resource["id"])


def holder(
    session: Session, count: int = 2, *, primary: bool = False, typed: bool = False, room: bool = False
) -> Holder:
    """A new user that holds so many values of a multi-valued attribute, none or the first of them primary.

    ``typed``: each has a `type` of its own. ``room``: so has the spare value, as a server whose schema names one type
    may hold one value. Raises Skipped where no attribute that can be written keeps them all.
    """
    kind = session.users
    if kind.read_only:
        skip("User is read-only")
    types = count + 1 if typed or room else count
    for attribute in _candidates(kind, types, primary=primary, typed=typed):
        *values, spare = [_element(session, attribute, number) for number in range(count + 1)]
        if primary:
            values[0]["primary"] = True
        made = _kept(session, kind, attribute, values)
        if made is not None:
            return Holder(made, attribute, values, spare)
    skip(
        f"no multi-valued User attribute that can be written keeps {count} values{' with a primary' if primary else ''}"
    )


def _candidates(kind: Kind, types: int, *, primary: bool, typed: bool) -> Iterator[Attribute]:
    for name in _LISTS:
        attribute = kind.attribute(name)
        if attribute is None or not attribute.writable or not attribute.multi_valued:
            continue
        wanted = ["value", *(["primary"] if primary else []), *(["type"] if typed else [])]
        subs = [attribute.sub(each) for each in wanted]
        if all(each is not None and each.writable for each in subs) and len(_types(attribute)) >= types:
            yield attribute


def _types(attribute: Attribute) -> list[str]:
    """The types that elements of an attribute may have; enough of them where the schema sets no limit."""
    sub = attribute.sub("type")
    canonical = sub.canonical if sub is not None else []
    return [str(each) for each in canonical] or list(_TYPES)


def _element(session: Session, attribute: Attribute, number: int) -> dict[str, Any]:
    result: dict[str, Any] = {"value": _value(session, attribute, number)}
    sub, types = attribute.sub("type"), _types(attribute)
    if sub is not None and sub.writable:
        result["type"] = types[number % len(types)]
    return result


def _value(session: Session, attribute: Attribute, number: int) -> str:
    name = session.name()
    if attribute.name == "emails":
        return f"{name}@example.com"
    if attribute.name == "photos":
        return f"https://example.com/{name}"
    return f"+1201555010{number}" if attribute.name == "phoneNumbers" else name


def _kept(session: Session, kind: Kind, attribute: Attribute, values: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The user made with these values, as a GET shows it; None where the server does not keep them all."""
    answer = session.post(kind.endpoint, session.body(kind, **{attribute.name: values}))
    if answer.status != 201:
        return None
    shown = session.fetch(kind, answer.object["id"])
    held = read(shown, f"{attribute.name}.value") or []
    return shown if sorted(map(str, held)) == sorted(each["value"] for each in values) else None
