"""References to resources in what clients write: by id, or by the address of the resource."""

from collections.abc import Iterable, Mapping
from typing import Any

from scim_bridge.schemas import AttributePath


def named(
    body: dict[str, Any], before: Mapping[str, Any] | None, references: Iterable[AttributePath]
) -> dict[str, Any]:
    """A resource whose single references name what they refer to by `value` alone.

    An address that a client gives instead of the id, or changes while the id stays, names it too. ``before``: what a
    PATCH started from.
    """
    for path in references:
        given = path.read(body)
        if isinstance(given, Mapping) and "$ref" in given:
            held = path.read(before or {}) or {}
            value = given.get("value")
            if value in (None, held.get("value")):
                value = str(given["$ref"]).rpartition("/")[2]
            body = _with(
                body, path.keys, {**{name: each for name, each in given.items() if name != "$ref"}, "value": value}
            )
    return body


def _with(body: Mapping[str, Any], keys: tuple[str, ...], value: Any) -> dict[str, Any]:
    first, *rest = keys
    return {**body, first: _with(body[first], tuple(rest), value) if rest else value}
