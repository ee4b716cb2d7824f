"""Which client asks: the tokens of a connection, compared in constant time (RFC 7644 sections 2 and 7.4)."""

import hmac
from collections.abc import Sequence
from hashlib import sha256

from scim_bridge.upstream.redact import Secret

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="SCIM"'}


class TokenCheck:
    """The bearer tokens of one connection."""

    def __init__(self, tokens: Sequence[Secret]) -> None:
        self._digests = [_digest(each.reveal()) for each in tokens]

    def caller(self, authorization: str | None) -> str | None:
        """Which token a request brings, as a number in text; None for none of ours.

        The word Bearer is taken in any case, and may be missing: Okta's header mode sends the token alone.
        """
        scheme, _, rest = (authorization or "").strip().partition(" ")
        token = rest.strip() if scheme.lower() == "bearer" and rest else scheme
        digest = _digest(token)
        found = None
        for index, each in enumerate(self._digests):
            if hmac.compare_digest(each, digest):
                found = str(index)
        return found


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()
