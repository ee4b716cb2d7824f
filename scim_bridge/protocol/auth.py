"""Which client asks, and what it may do: the tokens of a connection (RFC 7644 sections 2 and 7.4)."""

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from scim_bridge.clock import milliseconds
from scim_bridge.upstream.redact import Secret

CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="SCIM", Basic realm="SCIM", charset="UTF-8"'}
READ: Final = "read"
WRITE: Final = "write"
PROXY: Final = "proxy"
SCIM: Final = frozenset({READ, WRITE})


@dataclass(frozen=True, slots=True)
class Caller:
    """A client that is known. ``name`` says which token it brought, and may be shown."""

    name: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is good for, by its SHA-256: there is no way back to the token, which is too random to be guessed.
    ``expires_at`` is in milliseconds since 1970; None: never."""

    digest: bytes
    caller: Caller
    expires_at: int | None = None


def granted(tokens: Sequence[Secret], scopes: frozenset[str] = SCIM, prefix: str = "") -> list[Grant]:
    """Tokens of the configuration, which never expire, named by their place in it."""
    return [
        Grant(token_digest(each.reveal()), Caller(f"{prefix}{number}", scopes)) for number, each in enumerate(tokens)
    ]


def token_digest(token: str) -> bytes:
    """The SHA-256 of a token, by which it is known."""
    return sha256(token.encode("utf-8", "surrogateescape")).digest()


class TokenCheck:
    """The tokens of one connection; ``user`` is the user name that goes with them in HTTP Basic (None: no Basic).

    ``used`` tells when each was last used, by its name, in milliseconds since 1970.
    """

    def __init__(
        self, grants: Iterable[Grant] = (), *, user: str | None = None, wall: Callable[[], int] = milliseconds
    ) -> None:
        self._user = user
        self._wall = wall
        self.used: dict[str, int] = {}
        self.replace(grants)

    def replace(self, grants: Iterable[Grant]) -> None:
        """Take these tokens from now on, and no others."""
        # Found by a digest: how long that takes tells of digests at most, not of tokens.
        self._grants = {each.digest: each for each in grants}

    def caller(self, authorization: str | None) -> Caller | None:
        """Who brings an Authorization header; None for none of ours, or one that has expired.

        The word Bearer is taken in any case, and may be missing: Okta's header mode sends the token alone.
        """
        scheme, _, rest = (authorization or "").strip().partition(" ")
        kind, rest = scheme.lower(), rest.strip()
        token = self._password(rest) if kind == "basic" and rest else rest if kind == "bearer" and rest else scheme
        grant = self._grants.get(token_digest(token)) if token is not None else None
        if grant is None:
            return None
        now = self._wall()
        if grant.expires_at is not None and now >= grant.expires_at:
            return None
        self.used[grant.caller.name] = now
        return grant.caller

    def _password(self, credentials: str) -> str | None:
        """The password of Basic credentials with our user name (RFC 7617)."""
        try:
            user, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
        except ValueError:  # no Base64, or no UTF-8
            return None
        return password if colon and self._user is not None and user == self._user else None
