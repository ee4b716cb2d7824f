"""What of a resource the simulated site sends: `attributes`, `excludedAttributes`, and what only comes when asked for.

`id`, `schemas` and `meta` always come. `attributes` narrows to what it names, and beats excludedAttributes. Attributes
of extensions have to be named with their URN; those "returned on request" never come by themselves.
"""

from collections.abc import Mapping
from typing import Any, Final

from scim_bridge.providers.sailpoint_iiq.sandbox_site import SP_USER, USER, Row
from scim_bridge.providers.sailpoint_iiq.sandbox_wire import names

ALWAYS: Final = frozenset({"id", "schemas", "meta"})
ON_REQUEST: Final = frozenset({"roles", "entitlements"})


def projected(row: Row, query: Mapping[str, str], *, bare: bool = False) -> Row:
    """A whole resource as one answer shows it. ``bare``: names without a URN find an extension's attributes too."""
    wanted, unwanted = names(query.get("attributes")), names(query.get("excludedAttributes"))
    if wanted:
        return _narrowed(row, frozenset(map(_without_core, wanted)), bare=bare)
    shown = {name: _by_default(value) if name == SP_USER else value for name, value in row.items()}
    return _without(shown, frozenset(map(_without_core, unwanted))) if unwanted else shown


def _by_default(extension: Row) -> Row:
    return {name: value for name, value in extension.items() if name not in ON_REQUEST}


def _without_core(name: str) -> str:
    return name.removeprefix(f"{USER.lower()}:")


def _narrowed(row: Row, wanted: frozenset[str], *, bare: bool) -> Row:
    shown: Row = {}
    for name, value in row.items():
        if name in ALWAYS or name.lower() in wanted:
            shown[name] = _by_default(value) if name == SP_USER else value
        elif ":" in name:
            prefix = f"{name.lower()}:"
            inner = frozenset(each.removeprefix(prefix) for each in wanted if each.startswith(prefix))
            if found := _named(value, inner | wanted if bare else inner):
                shown[name] = found
        elif found := _parts(name, value, wanted):
            shown[name] = found
    return shown


def _named(values: Row, wanted: frozenset[str]) -> Row:
    found = {}
    for name, value in values.items():
        if name.lower() in wanted:
            found[name] = value
        elif parts := _parts(name, value, wanted):
            found[name] = parts
    return found


def _parts(name: str, value: Any, wanted: frozenset[str]) -> Any:
    """The sub-attributes that are named: as ``name.givenName``."""
    prefix = f"{name.lower()}."
    inner = {each.removeprefix(prefix) for each in wanted if each.startswith(prefix)}
    if not inner:
        return None
    if isinstance(value, list):
        return [{sub: each[sub] for sub in each if sub.lower() in inner} for each in value]
    return {sub: value[sub] for sub in value if sub.lower() in inner} if isinstance(value, Mapping) else None


def _without(row: Row, unwanted: frozenset[str]) -> Row:
    """A resource without what is excluded; what always comes cannot be."""
    shown: Row = {}
    for name, value in row.items():
        if name in ALWAYS or name.lower() not in unwanted:
            prefix = f"{name.lower()}:"
            inner = {each.removeprefix(prefix) for each in unwanted if each.startswith(prefix)}
            kept = {key: each for key, each in value.items() if key.lower() not in inner} if inner else value
            shown[name] = kept
    return shown
