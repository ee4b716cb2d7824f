"""Which header fields the proxy passes on, and what it makes of the rest."""

import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx

from scim_bridge.upstream.target import stays

Fields = Sequence[tuple[bytes, bytes]]

_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"http2-settings"}
)
"""For one connection alone (RFC 9110 section 7.6.1), beside those that Connection names and Proxy-*."""
_CREDENTIALS: Final = frozenset({b"authorization", b"cookie", b"cookie2", b"set-cookie", b"set-cookie2"})
_NOT_UP: Final = (
    _HOP
    | _CREDENTIALS
    | {
        b"host",
        b"expect",  # answered here; an upstream that knows nothing of it would be waited for
        b"forwarded",
        b"x-real-ip",
        # what some servers go by instead of the path and the method that were looked at here
        b"x-original-url",
        b"x-rewrite-url",
        b"x-http-method",
        b"x-http-method-override",
        b"x-method-override",
    }
)
_NOT_DOWN: Final = (
    _HOP
    | _CREDENTIALS
    | {
        b"authentication-info",
        b"date",  # the server here sets it
        b"location",  # rewritten
        b"x-request-id",  # ours
        # what a browser would take for a word of this host
        b"alt-svc",
        b"clear-site-data",
        b"content-security-policy",
        b"content-security-policy-report-only",
        b"nel",
        b"public-key-pins",
        b"refresh",
        b"report-to",
        b"reporting-endpoints",
        b"service-worker-allowed",
        b"strict-transport-security",
        b"x-content-type-options",
        # what would let a cache in between answer those who bring no token
        b"cache-control",
        b"expires",
        b"pragma",
    }
)
OWN: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
)
"""On each answer: a page of an upstream's must not act as one of this host's."""
_NO_LENGTH: Final = frozenset({204, 304})


def upward(fields: Fields) -> Fields | None:
    """A client's header fields as the upstream gets them; None where there is one that no request can carry, or two
    that leave open where the body ends, which the upstream might see elsewhere than we do."""
    if not all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) and _is_text(value) for name, value in fields):
        return None
    lengths, codings = _values(fields, b"content-length"), _values(fields, b"transfer-encoding")
    if len(lengths) + len(codings) > 1 or not all(map(bytes.isdigit, lengths)) or set(codings) - {b"chunked"}:
        return None
    dropped = _NOT_UP | _named(fields)
    return [
        each
        for each in fields
        if each[0].lower() not in dropped and not each[0].lower().startswith((b"proxy-", b"x-forwarded-"))
    ]


def _is_text(value: bytes) -> bool:
    """Whether it is UTF-8: the HTTP library would send anything else as something else."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def downward(fields: Fields, status: int) -> list[tuple[bytes, bytes]] | None:
    """An upstream's header fields as the client gets them; None where there is one that no answer can carry."""
    if not all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in fields):
        return None
    dropped = _NOT_DOWN | _named(fields)
    if status in _NO_LENGTH or _values(fields, b"transfer-encoding"):
        dropped |= {b"content-length"}
    kept = ((name.lower(), value) for name, value in fields)
    return [
        (name, value)
        for name, value in kept
        if name not in dropped and not name.startswith((b"proxy-", b"access-control-"))
    ]


def _named(fields: Fields) -> frozenset[bytes]:
    """The fields that Connection names."""
    values = (value for name, value in fields if name.lower() == b"connection")
    return frozenset(each.strip().lower() for value in values for each in value.split(b","))


def _values(fields: Fields, wanted: bytes) -> list[bytes]:
    return [value.strip().lower() for name, value in fields if name.lower() == wanted]


def brings_body(fields: Fields) -> bool:
    """Whether a request has a body (RFC 9112 section 6.3)."""
    has_length = any(each.strip(b"0") for each in _values(fields, b"content-length"))
    return has_length or bool(_values(fields, b"transfer-encoding"))


def locations(fields: Fields, base: httpx.URL, path: str, prefix: str) -> Iterable[tuple[bytes, bytes]]:
    """The Location of an answer to a request for ``path`` below ``base``, as a client of ``prefix`` finds it; none
    where it leads out of what is below ``base``."""
    for name, value in fields:
        if name.lower() == b"location" and (below := _below(value.decode("latin-1"), base, path)) is not None:
            yield b"location", f"{prefix}{below}".encode("latin-1")


def _below(location: str, base: httpx.URL, path: str) -> str | None:
    origin = str(base.copy_with(raw_path=b"/")).rstrip("/")
    root = base.raw_path.decode("ascii").rstrip("/")
    try:
        absolute = urljoin(f"{origin}{root}{path}", location)
        url, parts = httpx.URL(absolute), urlsplit(absolute)
    except (httpx.InvalidURL, ValueError):
        return None
    if url.userinfo or (url.scheme, url.raw_host, url.port) != (base.scheme, base.raw_host, base.port):
        return None
    rest = parts.path.removeprefix(root)
    if not parts.path.startswith(root) or rest[:1] not in ("", "/") or not stays(rest):
        return None
    return parts._replace(scheme="", netloc="", path=rest).geturl()
