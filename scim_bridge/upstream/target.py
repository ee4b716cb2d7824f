"""Where a request goes whose target somebody else wrote: below an upstream's base URL, word for word, or nowhere."""

import re
import unicodedata
from typing import Final
from urllib.parse import unquote

import httpx

from scim_bridge.upstream.errors import Rejected

_PATH: Final = re.compile(r"(?:/(?:[!\"$&-.0->@-[\]-~]|%[0-9A-Fa-f]{2})*)*", re.ASCII)
"""Printable ASCII with sound escapes; no `#`, no `?`, and no backslash, which some servers take for a slash."""
_QUERY: Final = re.compile(r"[!-\"$-~]*", re.ASCII)
_SCHEME: Final = re.compile(r"/*[a-z][a-z0-9+.-]*:/", re.IGNORECASE)
_SEPARATOR: Final = re.compile(r"[/\\]")
_ROUNDS: Final = 5
"""So often an escape is looked into for another one; what is deeper is nobody's path."""
LONGEST: Final = 16 * 1024


def below(base: httpx.URL, path: str, query: str) -> httpx.URL:
    """The address of a raw path and query below ``base``, not a character of them changed.

    ``path`` is empty or begins with a slash; ``query`` is without its question mark. Rejected where the path could lead
    elsewhere in the eyes of any server: see `stays`.
    """
    if len(path) + len(query) > LONGEST:
        raise Rejected("", "the path and query are too long")
    if not _PATH.fullmatch(path) or not _QUERY.fullmatch(query):
        raise Rejected("", "the path or query holds characters that a request cannot carry")
    if not stays(path):
        raise Rejected("", "the path could lead out of the place that it has to stay in")
    url = httpx.URL(base)
    whole = base.raw_path.decode("ascii").rstrip("/") + path
    # it has no public way that does not rewrite
    url._uri_reference = base._uri_reference._replace(path=whole, query=query or None)
    return url


def stays(path: str) -> bool:
    """Whether a path stays below what it is put behind, also with a server that decodes it more than once, takes a
    backslash for a slash, cuts parameters off (`..;x`, as Java servers do) or reads letters that only look like dots.

    A host or a scheme in front, line ends and zeros are no path either, once decoded.
    """
    for _ in range(_ROUNDS):
        steps = _SEPARATOR.split(path)
        if (steps[:2] == ["", ""] and len(steps) > 2) or _SCHEME.match(path) or any(map(_climbs, steps)):
            return False
        if any(unicodedata.category(char) in ("Cc", "Cs") for char in path):
            return False
        decoded = unicodedata.normalize("NFKC", unquote(path, errors="surrogateescape"))
        if decoded == path:
            return True
        path = decoded
    return False


def _climbs(step: str) -> bool:
    return step.partition(";")[0].strip() in (".", "..")
