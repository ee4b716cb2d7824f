"""Where a request goes: below an upstream's base URL, or to a link of the same origin, word for word."""

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote, unquote, urlencode

import httpx

from scim_bridge.upstream.errors import BadAnswer, Rejected

_LINK = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_PLAIN = re.compile(r"(?:/[\w~-][\w.~-]*)+", re.ASCII)
"""A path that needs no encoding and does not climb (RFC 3986 sections 2.3 and 3.3), as nearly all are."""
_LONGEST_PLAIN = 2048
_SEPARATOR = re.compile(r"[/\\]")


def web_address(text: str, what: str) -> httpx.URL:
    """An http:// or https:// URL.

    ValueError for another text: it names ``what`` and quotes nothing, as there may be a password in the text.
    """
    url = _parsed(text, {})
    if url is None or url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{what} has to be an http:// or https:// URL")
    if url.port is not None and not 0 < url.port < 65_536:
        raise ValueError(f"{what} has a port that there is not")
    return url


def base_address(base_url: str) -> httpx.URL:
    """The base URL without a slash at its end. ValueError for one that no path can be put below."""
    url = web_address(base_url, "the base URL")
    if url.userinfo or url.query or url.fragment:
        raise ValueError("the base URL may not have credentials, a query or a fragment")
    return url.copy_with(raw_path=url.raw_path.rstrip(b"/?"))


def address(base: httpx.URL, target: str, params: Mapping[str, str]) -> httpx.URL:
    """The address of ``target``, with ``params`` added to its query, strictly percent-encoded (a space as ``%20``).

    What names a host (``https://…``, ``//…``) is a link: BadAnswer where it must not be followed. Anything else is a
    path below ``base``, percent-encoded by the caller, or a link from the root of the origin if it begins with the path
    of ``base``: Rejected where it would lead elsewhere. What is encoded stays as it is.
    """
    if _LINK.match(target):
        return _link(base, target.partition("#")[0], params)
    return _path(base, target, params)


def _link(base: httpx.URL, link: str, params: Mapping[str, str]) -> httpx.URL:
    absolute = f"{base.scheme}:{link}" if link.startswith("//") else link
    url = _parsed(absolute, params)
    if url is None or url.userinfo or _origin(url) != _origin(base):
        raise BadAnswer("", "named a link to another origin")
    if _climbs(absolute):
        raise BadAnswer("", "named a link with . or .. in its path")
    return url


def _path(base: httpx.URL, path: str, params: Mapping[str, str]) -> httpx.URL:
    if path and not path.startswith("/"):
        # such a reference counts from the page it stood on, which the caller does not tell
        raise BadAnswer("", "named a link relative to its page")
    root = base.raw_path.decode("ascii").rstrip("/")
    from_origin = bool(root) and path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/", "?")
    if not params and _PLAIN.fullmatch(path, 0, _LONGEST_PLAIN) and _PLAIN.fullmatch(root or path):
        return _with_path(base, path if from_origin else root + path)
    origin = _origin_text(base)
    absolute = f"{origin}{path}" if from_origin else f"{origin}{root}{path}"
    url = _parsed(absolute, params)
    # httpx would cut the path at "#" and resolve "..": another record, or another collection
    if url is None or "#" in path or _climbs(absolute):
        raise Rejected("", "a value cannot be part of an address")
    return url


def _with_path(base: httpx.URL, path: str) -> httpx.URL:
    """The URL with a path that is plain. To have httpx take it apart and put it together takes as long as sending."""
    url = httpx.URL(base)
    url._uri_reference = base._uri_reference._replace(path=path)  # it has no public way that does not parse
    return url


def _parsed(text: str, params: Mapping[str, str]) -> httpx.URL | None:
    """The URL; None for one that is malformed or too long. httpx's own error quotes parts of it."""
    try:
        query = urlencode(params, quote_via=quote, safe="")
        return httpx.URL(f"{text}{'&' if '?' in text else '?'}{query}" if query else text)
    except (httpx.InvalidURL, UnicodeError):
        return None


@lru_cache(maxsize=256)
def _origin_text(base: httpx.URL) -> str:
    return str(base.copy_with(raw_path=b"")).rstrip("/")


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    """Scheme, host and port; httpx has made the first two lower case, and the default port None."""
    return url.scheme, url.raw_host, url.port


def _climbs(url: str) -> bool:
    """Whether a step of the path is a dot segment, also in the encoded forms that a server may resolve."""
    path = url.partition("?")[0].partition("://")[2]
    return any(step in (".", "..") for step in _SEPARATOR.split(unquote(path)))
