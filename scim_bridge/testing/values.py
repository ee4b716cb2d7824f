"""Values that trip up translations: what filters compare with, and what attributes are written with."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from scim_bridge.comparison import instant
from scim_bridge.schemas import AttributePath, ResourceSchema, SchemaAttribute

AWKWARD: Final = (
    "O'Brien", 'say "x"', "back\\slash", "a%b", "a_b", "a*b", "*", "(a) and (b)", "Müller", "mu\u0308ller", "STRASSE",
    "Straße", "İstanbul", "\u212aelvin", " lead", "trail ", "tab\tbed", "null", "true", "",
)  # fmt: skip
"""Texts that some filter language, or some comparison of text, reads in a way of its own."""
_MOST: Final = 6


def literals(path: AttributePath, resources: Iterable[Mapping[str, Any]]) -> list[str]:
    """Comparison values for an attribute, as filters write them: those it has, changed and cut, then awkward ones."""
    values = list(dict.fromkeys(_simple(path, resources)))[:_MOST]
    kind = path.target.type
    if kind == "boolean":
        return ["true", "false"]
    if kind in ("integer", "decimal"):
        return [json.dumps(each) for value in values for each in (value, value + 1)] or ["1"]
    if kind == "dateTime":
        return [json.dumps(each) for value in values for each in _moments(value)] or ['"2026-01-02T03:04:05Z"']
    texts = [each for value in values for each in _variants(str(value))]
    return [json.dumps(each, ensure_ascii=False) for each in dict.fromkeys((*texts, *AWKWARD))]


def _simple(path: AttributePath, resources: Iterable[Mapping[str, Any]]) -> Iterator[Any]:
    for each in resources:
        found = path.read(each)
        yield from (
            one for one in (found if isinstance(found, list) else [found]) if isinstance(one, str | int | float)
        )


def _moments(value: str) -> Iterator[str]:
    moment = instant(value)
    if moment is None or isinstance(moment, str):
        return
    for delta in (timedelta(), timedelta(milliseconds=1), timedelta(days=-1)):
        yield (moment + delta).isoformat().replace("+00:00", "Z")


def _variants(text: str) -> tuple[str, ...]:
    """A text, its case twin, its parts, and what merely resembles it."""
    middle = len(text) // 2
    return text, text.swapcase(), text[:3], text[-3:], text[middle : middle + 3], f"{text}x"


def sample(attribute: SchemaAttribute, number: int = 1, within: str = "") -> Any:
    """A value that fits an attribute (of the complex one that it is ``within``); another ``number``, another value."""
    if attribute.type == "complex":
        subs = [each for each in attribute.sub_attributes if each.mutability != "readOnly" and each.name != "$ref"]
        named = [each for each in subs if each.name not in ("primary", "display")]
        one: Any = {each.name: sample(each, number, attribute.name) for each in named}
    elif attribute.canonical_values:
        one = attribute.canonical_values[number % len(attribute.canonical_values)]
    elif "email" in within.lower() or "email" in attribute.name.lower():
        one = f"contract{number}@example.com"
    else:
        one = _SAMPLES[attribute.type](number)
    return [one] if attribute.multi_valued else one


_SAMPLES: Final[Mapping[str, Callable[[int], Any]]] = {
    "string": lambda number: f"contract {number}",
    "boolean": lambda number: bool(number % 2),
    "integer": lambda number: number,
    "decimal": lambda number: number + 0.5,
    "dateTime": lambda number: f"2026-01-{number % 28 + 1:02}T03:04:05Z",
    "binary": lambda number: "Y29udHJhY3Q=",
    "reference": lambda number: f"https://example.com/contract/{number}",
}


def writable(resource: ResourceSchema) -> Iterator[str]:
    """The paths of what a client can set: single values and whole multi-valued attributes, of extensions too."""
    for schema in resource.schemas:
        prefix = "" if schema is resource.base else f"{schema.id}:"
        for each in schema.attributes:
            if each.mutability == "readOnly" or each.returned == "never":
                continue
            if each.type == "complex" and not each.multi_valued:
                yield from (
                    f"{prefix}{each.name}.{sub.name}"
                    for sub in each.sub_attributes
                    if sub.mutability != "readOnly" and sub.name != "$ref"
                )
            else:
                yield f"{prefix}{each.name}"
