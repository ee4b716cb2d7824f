"""Access tokens: how long they live, and sharing them, so that one node signs in and the others use its token."""

import math
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol, runtime_checkable

from scim_bridge.upstream.redact import Secret

DEFAULT_LIFETIME_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class KeptToken:
    """A token, how old it is, and in how many seconds it is to be renewed."""

    value: Secret
    age_seconds: float
    seconds: float


class TokenKeeper(Protocol):
    """Where nodes keep the tokens that they share. ``credentials`` are what a token was given for."""

    def turn(self, credentials: Secret, refused: Secret | None) -> AbstractAsyncContextManager[KeptToken | None]:
        """The token to use, other than one that was refused; None: to be fetched within the block, which no other node
        does meanwhile, unless the one that was to do so takes too long."""
        ...

    async def keep(self, credentials: Secret, token: KeptToken) -> None:
        """Let the other nodes use a token."""
        ...


@runtime_checkable
class SharesTokens(Protocol):
    """An authentication with a token that nodes may share."""

    def share(self, keeper: TokenKeeper) -> None: ...


class OwnTokens:
    """The keeper of a program that shares its tokens with none: the authentication itself has the token in use."""

    @asynccontextmanager
    async def turn(self, credentials: Secret, refused: Secret | None) -> AsyncIterator[KeptToken | None]:
        yield None

    async def keep(self, credentials: Secret, token: KeptToken) -> None:
        """Nobody else is there."""


def lifetime_seconds(expires_in: Any) -> float:
    """How long a token lives, also where that is sent as text; 300 s where no positive number says so."""
    if isinstance(expires_in, int | float | str) and not isinstance(expires_in, bool):
        try:
            seconds = float(expires_in)
        except ValueError:
            return DEFAULT_LIFETIME_SECONDS
        if math.isfinite(seconds) and seconds > 0:
            return seconds
    return DEFAULT_LIFETIME_SECONDS


def age_seconds(created_at: Any, date: str | None, life: float) -> float:
    """How old a token was when it was given, by the endpoint's own clock; 0 where that does not tell."""
    try:
        made = datetime.fromisoformat(created_at)
        age = (parsedate_to_datetime(date or "") - made).total_seconds()
    except (TypeError, ValueError):  # no such text, or one of the two has no zone
        return 0.0
    return age if 0 < age < life else 0.0
