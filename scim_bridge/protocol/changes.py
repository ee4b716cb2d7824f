"""What a write changes, as the audit log may keep it: no secrets, nothing that is to be left out, nothing endless."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from scim_bridge.query.capabilities import Element, Resource
from scim_bridge.query.directory import MemberChanges
from scim_bridge.schemas import ResourceSchema, SchemaAttribute
from scim_bridge.upstream.redact import MASK

MAX_TEXT: Final = 500
MAX_LIST: Final = 20
"""Longer texts and lists are cut, and say how long they are."""
_KEPT: Final = 200
_MADE: Final = frozenset({"schemas", "id", "meta"})
_SECRET_WORDS: Final = ("password", "passwd", "passphrase", "secret", "credential", "token")
"""An attribute of such a name is a secret, whatever a schema says of it."""


class Shown:
    """Shows resources of one type. ``hidden``: attributes, as clients name them, whose values are not to be kept."""

    def __init__(self, schema: ResourceSchema, hidden: Iterable[str] = ()) -> None:
        self._schemas = {each.schema.id: each.schema for each in schema.extensions}
        self._base = schema.base
        found = (schema.resolve(name) for name in hidden)
        self._hidden = frozenset(each.canonical.lower() for each in found if each is not None)

    def changes(self, before: Resource | None, after: Resource | None) -> dict[str, Any]:
        """The attributes that differ, with what they were and are; those of extensions by their URN.

        Where one of both states is None, it is not known, and missing.
        """
        told: dict[str, Any] = {}
        for name in sorted({*(before or ()), *(after or ())} - _MADE):
            if name in self._schemas:
                told |= self._of_extension(name, before, after)
            else:
                self._tell(told, name, self._base.attribute(name), _held(before, name), _held(after, name))
        return told

    def _of_extension(self, urn: str, before: Resource | None, after: Resource | None) -> dict[str, Any]:
        told: dict[str, Any] = {}
        old, new = _part(before, urn), _part(after, urn)
        for name in sorted({*(old or ()), *(new or ())}):
            attribute = self._schemas[urn].attribute(name)
            hidden = attribute if urn.lower() not in self._hidden else None
            self._tell(told, f"{urn}:{name}", hidden, _held(old, name), _held(new, name))
        return told

    def _tell(
        self, told: dict[str, Any], name: str, attribute: SchemaAttribute | None, old: list[Any], new: list[Any]
    ) -> None:
        if old == new:
            return
        states = (("before", old), ("after", new))
        told[name] = {word: self._shown(name, attribute, state[0]) for word, state in states if state}

    def _shown(self, name: str, attribute: SchemaAttribute | None, value: Any) -> Any:
        """A value; of what no schema knows, nothing is shown."""
        if value is None:
            return None
        if attribute is None or _is_secret(attribute) or name.lower() in self._hidden:
            return MASK
        if isinstance(value, list):
            shown = [self._shown(name, attribute, each) for each in value[:MAX_LIST]]
            return shown if len(value) <= MAX_LIST else {"count": len(value), "first": shown}
        if isinstance(value, Mapping):
            return {sub: self._shown(f"{name}.{sub}", attribute.sub(sub), each) for sub, each in value.items()}
        return _cut(value)

    def members(self, changes: Mapping[str, MemberChanges]) -> dict[str, Any]:
        """What happens to each relation: all that it is to have, or who is added and removed."""
        told: dict[str, Any] = {}
        for name, each in changes.items():
            states = {"all": each.added} if each.exact else {"added": each.added, "removed": each.removed}
            kept = {word: self._ids(name, elements) for word, elements in states.items() if elements or each.exact}
            if kept:
                told[name] = kept
        return told

    def _ids(self, name: str, elements: Sequence[Element]) -> dict[str, Any]:
        ids = [each.get("value") for each in elements[:MAX_LIST]]
        hidden = name.lower() in self._hidden or f"{name}.value".lower() in self._hidden
        return {"count": len(elements)} if hidden else {"count": len(elements), "first": ids}


def _held(resource: Mapping[str, Any] | None, name: str) -> list[Any]:
    """A value that is known, in a list; empty where it is not known, which is another thing than none."""
    return [] if resource is None else [resource.get(name)]


def _part(resource: Resource | None, urn: str) -> Mapping[str, Any] | None:
    if resource is None:
        return None
    found = resource.get(urn)
    return found if isinstance(found, Mapping) else {}


def _is_secret(attribute: SchemaAttribute) -> bool:
    folded = attribute.name.lower()
    unreadable = attribute.returned == "never" or attribute.mutability == "writeOnly"
    return unreadable or any(word in folded for word in _SECRET_WORDS)


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return f"{value[:_KEPT]}… ({len(value)} characters)"
    return value
