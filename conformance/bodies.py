"""Bodies of resources to create: what a schema requires, and what directories ask for although no schema says so."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from scim_bridge.conformance.site import Attribute, Kind, put, read


def minimal(kind: Kind, name: str, known: Callable[[Sequence[str]], str | None] = lambda types: None) -> dict[str, Any]:
    """A resource with what is required; ``name`` is in every text that may be free.

    ``known``: the id of a resource of one of these types, for what has to refer to one.
    """
    result: dict[str, Any] = {"schemas": [kind.schema]}
    for attribute in kind.attributes:
        if attribute.required and attribute.mutability != "readOnly":
            result = put(result, attribute.path, _reference(attribute, known) or _value(attribute, name))
    return _likely(kind, result, name) if kind.schema.endswith(":User") else result


def variants(kind: Kind, run: str) -> Iterator[dict[str, Any]]:
    """Values that tell four people apart, as far as the schema lets them be written; ``run`` makes them its own."""
    rows: list[dict[str, Any]] = [
        {"title": "Chief Engineer", "externalId": f"EXT-{run}-a", "active": True, "nickName": "Ada"},
        {"title": "chief engineer", "externalId": f"ext-{run}-a", "active": False, "displayName": "Zoë Ångström"},
        {"nickName": 'O"Brien \\ 50%_*', "active": True, "displayName": "álvaro"},
        {"title": "Sales", "active": True, "displayName": "Bob"},
    ]
    for row in rows:
        yield {path: each for path, each in row.items() if path == "externalId" or kind.writable(path)}


def _likely(kind: Kind, body: dict[str, Any], name: str) -> dict[str, Any]:
    """A user with what directories ask for although no schema says so: a name and an e-mail address."""
    for path, value in (("name.givenName", "Conformance"), ("name.familyName", name)):
        if kind.writable(path) and read(body, path) is None:
            body = put(body, path, value)
    if kind.writable("emails") and "emails" not in body:
        body["emails"] = [{"value": f"{name}@example.com", "type": "work", "primary": True}]
    return body


def _reference(attribute: Attribute, known: Callable[[Sequence[str]], str | None]) -> Any:
    """A value that refers to another resource; None where the attribute holds none."""
    reference = attribute.sub("$ref")
    if reference is None or attribute.sub("value") is None:
        return None
    found = known([str(each) for each in reference.raw.get("referenceTypes") or ()])
    return None if found is None else [{"value": found}] if attribute.multi_valued else {"value": found}


def _value(attribute: Attribute, name: str) -> Any:
    """A value that fits an attribute."""
    if attribute.type == "complex":
        wanted = [each for each in attribute.subs if each.required] or attribute.subs[:1]
        one: Any = {each.name: _value(each, name) for each in wanted if each.mutability != "readOnly"}
        if attribute.name == "emails":
            one = {"value": f"{name}@example.com", "type": "work", "primary": True}
    elif attribute.canonical:
        one = attribute.canonical[0]
    elif attribute.name == "userName":
        one = f"{name}@example.com"
    else:
        one = _VALUES.get(attribute.type, name)
    return [one] if attribute.multi_valued else one


_VALUES: Final[Mapping[str, Any]] = {
    "boolean": True,
    "integer": 1,
    "decimal": 1.5,
    "dateTime": "2026-01-02T03:04:05Z",
    "binary": base64.b64encode(b"conformance").decode(),
    "reference": "https://example.com/conformance",
}
