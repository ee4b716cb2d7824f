"""What was typed into a form, as a document of the configuration; or what is wrong with it, in words for its field."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args
from urllib.parse import parse_qsl

from scim_bridge.admin.forms import PREFIX, Entries, default_of, kind_of, offered
from scim_bridge.settings import is_required, is_secret

MAX_FORM_BYTES: Final = 64 * 1024
MAX_FORM_FIELDS: Final = 500
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,15}")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")


def read_form(kind: type[Any], entries: Entries, prefix: str = PREFIX) -> tuple[dict[str, Any], dict[str, str]]:
    """The document that was typed, and what is wrong with it by name of the field.

    The document has no key for an empty field, nor for one that stands as by default.
    """
    document: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for each, hint in offered(kind):
        try:
            value = _read(hint, entries.get(each.name, ()))
        except ValueError as problem:
            errors[prefix + each.name] = str(problem)
            continue
        if value is not None and value != plain(default_of(each)):
            document[each.name] = value
    return document, errors


def missing(kind: type[Any], document: Mapping[str, Any]) -> dict[str, str]:
    """What a document lacks that is required, as errors by name of the field."""
    required = [each.name for each, _ in offered(kind) if is_required(each)]
    return {PREFIX + name: "is needed" for name in required if name not in document}


def changes(
    kind: type[Any], document: Mapping[str, Any], before: Mapping[str, Any], *, renewed: bool = False
) -> dict[str, Any]:
    """What makes of settings those of a form, as a merge patch (RFC 7396): null for what is as by default.

    Secrets that were not typed are not named, so they stay; where credentials are ``renewed``, those of a way to sign
    in that was not chosen go.
    """
    found: dict[str, Any] = {}
    for each, _ in offered(kind):
        value, old = document.get(each.name), before.get(each.name)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            value = {**dict.fromkeys(old), **value}  # a patch merges what is below, too
        if value is not None or not is_secret(each) or (renewed and each.metadata["group"]):
            found[each.name] = value
    return found


def posted(body: bytes) -> dict[str, list[str]]:
    """The fields of an urlencoded body. ValueError for one that is too long, has too many, or is no such text."""
    if len(body) > MAX_FORM_BYTES:
        raise ValueError("the form is too long")
    pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS, errors="strict")
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def entries(fields: Mapping[str, Sequence[str]], prefix: str = PREFIX) -> dict[str, Sequence[str]]:
    """Of posted fields those that are settings, by their keys."""
    return {name.removeprefix(prefix): values for name, values in fields.items() if name.startswith(prefix)}


def plain(value: Any) -> Any:
    """A value as a document has it."""
    return list(value) if isinstance(value, tuple) else value


def _read(hint: Any, texts: Sequence[str]) -> Any:
    """The value that was typed, None for nothing. ValueError, in words to stand at the field."""
    text = texts[0] if texts else ""
    match kind_of(hint):
        case "secret":
            return _printable(text) or None  # with its spaces: a password may have them
        case "bool":
            return "true" in texts
        case "choice":
            return _chosen(hint, text) if text or (texts and "" in get_args(hint)) else None
        case "choices":
            return [_chosen(get_args(hint)[0], each) for each in texts]
        case "list":
            return [_item(get_args(hint)[0], each) for each in _lines(text)] or None
        case "mapping":
            return _mapping(text) or None
    return _item(hint, text.strip()) if text.strip() else None


def _item(hint: Any, text: str) -> Any:
    if hint is int:
        if not _WHOLE.fullmatch(text):
            raise ValueError("takes a whole number")
        return int(text)
    if hint is float:
        if not _DECIMAL.fullmatch(text) or not math.isfinite(float(text)):
            raise ValueError("takes a number")
        return float(text)
    return _printable(text)


def _chosen(hint: Any, text: str) -> Any:
    taken = {str(value): value for value in get_args(hint)}
    if text not in taken:
        raise ValueError(f"takes {', '.join(filter(None, taken))}")
    return taken[text]


def _mapping(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _lines(text):
        # at the last sign: a path may compare, as in `emails[type eq "a=b"].value`
        path, _, field = map(_unquoted, line.rpartition("="))
        if not path or not field:
            raise ValueError(f"takes one line for each attribute: path = field; not {line!r}")
        if path in found:
            raise ValueError(f"has {path!r} twice")
        found[path] = field
    return found


def _unquoted(text: str) -> str:
    """A key or value without the quotes of TOML, from where it may have been copied."""
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _lines(text: str) -> list[str]:
    return [_printable(line.strip()) for line in text.splitlines() if line.strip()]


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds characters that cannot be seen")
    return text
