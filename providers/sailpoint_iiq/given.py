"""What IdentityIQ's users are given: roles and entitlements, which come only when they are asked for by name."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from scim_bridge.providers.sailpoint_iiq.site import SP_USER, reference_of
from scim_bridge.query.capabilities import AccessPath, Element, Relation, Rendered, Row, Rule, ops
from scim_bridge.query.pagers import OnePage

ROLES: Final = f"{SP_USER}:roles"
ENTITLEMENTS: Final = f"{SP_USER}:entitlements"
_ID: Final = re.compile(r"[0-9a-f]{32}")


def is_id(value: str) -> bool:
    """Whether it can be an id: anything else in a path would be taken for a name."""
    return _ID.fullmatch(value) is not None


def record(fixed: Mapping[str, str]) -> AccessPath:
    """The look-up of a user by id; who comes back is checked, as a name would do as well."""
    by_id = Rule("id", ops("eq"), _filled, exact=False, folds=False, unique=True)
    return AccessPath("/Users/{id}", rows=".", pager=OnePage(), rules=(by_id,), fixed=fixed)


def _filled(operator: str, value: Any) -> Rendered:
    return {"{id}": value} if isinstance(value, str) and is_id(value) else None


def relations(*, detected: bool) -> Iterator[Relation]:
    """Roles and entitlements only come when asked for by name."""
    kept = ops("assigned detected") if detected else ops("assigned")
    yield _on_request("groups", ROLES, lambda row: _groups(row, kept), "/Groups")
    yield _on_request("roles", ROLES, _roles, "/Roles")
    yield _on_request("entitlements", ENTITLEMENTS, _entitlements, "/Entitlements")


def _on_request(attribute: str, asked: str, inline: Callable[[Row], list[Element] | None], endpoint: str) -> Relation:
    look_up = record({"attributes": asked})
    return Relation(attribute, (), {"": endpoint}, shown="request", inline=inline, record=look_up)


def given(row: Row, name: str) -> list[Row] | None:
    """What a record says somebody was given; None where it does not tell."""
    extension = row.get(SP_USER)
    found = extension.get(name) if isinstance(extension, Mapping) else None
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else None


def role_ids(row: Row, kept: frozenset[str]) -> list[str] | None:
    """The ids of somebody's roles, of those that were acquired in the ways kept; None where the record does not tell.

    They are in the addresses alone: `value` may be the word detectedRoles.
    """
    roles = given(row, "roles")
    if roles is None:
        return None
    wanted = [each for each in roles if str(each.get("acquired") or "assigned").lower() in kept]
    return list(dict.fromkeys(found for each in wanted if (found := reference_of(each)) is not None))


def _groups(row: Row, kept: frozenset[str]) -> list[Element] | None:
    ids = role_ids(row, kept)
    shown = {reference_of(each): each.get("display") for each in given(row, "roles") or ()}
    return None if ids is None else [_element(each, shown.get(each), "direct") for each in ids]


def _roles(row: Row) -> list[Element] | None:
    roles = given(row, "roles")
    return (
        None
        if roles is None
        else _distinct(_element(reference_of(each), each.get("display"), each.get("type")) for each in roles)
    )


def _entitlements(row: Row) -> list[Element] | None:
    """Entitlements by their ids; one that has none, by its value."""
    held = given(row, "entitlements")
    if held is None:
        return None
    return _distinct(
        _element(reference_of(each) or each.get("value"), each.get("display"), each.get("type")) for each in held
    )


def _element(value: Any, display: Any, kind: Any) -> Element:
    parts = {"value": value, "display": display, "type": kind}
    return {name: part for name, part in parts.items() if isinstance(part, str) and part}


def _distinct(elements: Iterable[Element]) -> list[Element]:
    """Each once: a role may be both assigned and detected."""
    found: dict[tuple[Any, Any], Element] = {}
    for each in elements:
        if "value" in each:
            found.setdefault((each["value"], each.get("type")), each)
    return list(found.values())
