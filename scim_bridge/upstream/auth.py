"""Ways to sign in to an upstream, as httpx authentication flows."""

import asyncio
import base64
import math
import re
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable
from urllib.parse import quote_plus

import httpx

from scim_bridge import __version__
from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.upstream.address import web_address
from scim_bridge.upstream.errors import (
    AuthRefused,
    BadAnswer,
    Conflict,
    NotFound,
    Rejected,
    SignInRefused,
    UpstreamError,
)
from scim_bridge.upstream.pace import retry_after_seconds
from scim_bridge.upstream.redact import Secret
from scim_bridge.upstream.reply import decode, error_by_status
from scim_bridge.upstream.tokens import KeptToken, OwnTokens, TokenKeeper, age_seconds, lifetime_seconds

USER_AGENT = f"scim-bridge/{__version__}"
REFUSAL_STANDS_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 600
"""A Retry-After longer than this does not keep us from asking the token endpoint again."""

ClientAuthentication = Literal["client_secret_basic", "client_secret_post"]
TokenRequest = Literal["form", "json"]
"""What the body of a sign-in is: the standard's form, or JSON, as some vendors have it."""

# RFC 6749 section 5.2 allows nearly any text as an error code; one that looks like a code is safe to show
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", re.ASCII)
_TOKEN = re.compile(r"[\x21-\x7e]+")
"""What a header can carry; RFC 6750 section 2.1 allows less, some vendors use more."""


@runtime_checkable
class HoldsSecrets(Protocol):
    """An authentication that tells the client which texts must never show up in an error."""

    def secrets(self) -> Sequence[Secret]: ...


@runtime_checkable
class HoldsToken(Protocol):
    """An authentication with a token that it fetches."""

    def token_age_seconds(self) -> float | None:
        """Since the token in use was made; None before the first."""
        ...


class Bearer(httpx.Auth):
    """A fixed token (RFC 6750 section 2.1). ValueError for one that no header can carry."""

    def __init__(self, token: Secret) -> None:
        if not _TOKEN.fullmatch(token.reveal()):
            raise ValueError("the token is empty, or holds spaces, line ends or other than ASCII characters")
        self._token = token

    def secrets(self) -> Sequence[Secret]:
        return (self._token,)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        yield request


class Basic(httpx.Auth):
    """User name and password (RFC 7617), in UTF-8. ValueError for a user name with a colon, where it would be cut."""

    def __init__(self, username: str, password: Secret) -> None:
        if ":" in username:
            raise ValueError("the user name holds a colon, which Basic authentication cannot carry")
        self._password = password
        self._credentials = _basic(username, password.reveal())

    def secrets(self) -> Sequence[Secret]:
        return (self._password, self._credentials)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Basic {self._credentials.reveal()}"
        yield request


def _basic(username: str, password: str) -> Secret:
    return Secret(base64.b64encode(f"{username}:{password}".encode()).decode("ascii"))


@dataclass(frozen=True, slots=True)
class _Token:
    value: Secret
    made_at: float
    renew_at: float


@dataclass(frozen=True, slots=True)
class _Failure:
    """A sign-in that failed, and until when its answer stands without asking again."""

    error: UpstreamError
    until: float


class ClientCredentials(httpx.Auth):
    """OAuth 2.0 client credentials (RFC 6749 section 4.4).

    There is one sign-in at a time, however many requests wait for it, and those that wait for one that fails, fail with
    it: fifty requests with a wrong secret are one failed login, not fifty. A refusal stands for 5 s, and "too many
    requests" for as long as its Retry-After says. A token is renewed ``renew_before_seconds`` before it ends (at half
    its life, if that is later), and once more when the API answers 401 to the token that is still the current one. An
    answer without a usable `expires_in` counts as 300 s. Where the endpoint gives a token again and states in
    `created_at` when it was made, its life counts from then.

    Tokens live in memory only, unless they are shared with other nodes: then one of these signs in for all.

    A refusal is SignInRefused with the OAuth error code in ``codes``, also where the token endpoint is not found; an
    outage of it is Unavailable. ValueError for a token URL that is none.
    """

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: Secret,
        *,
        method: ClientAuthentication = "client_secret_basic",
        body: TokenRequest = "form",
        scope: str | None = None,
        clock: Clock = SYSTEM_CLOCK,
        renew_before_seconds: float = 60.0,
    ) -> None:
        self._token_url = web_address(token_url, "the token URL")
        self._client_id = client_id
        self._client_secret = client_secret
        self._method = method
        self._body = body
        self._scope = scope
        self._clock = clock
        self._renew_before_seconds = renew_before_seconds
        # RFC 6749 section 2.3.1: both are form-encoded first, unlike the user name and password of plain Basic
        self._basic = _basic(quote_plus(client_id), quote_plus(client_secret.reveal()))
        self._token: _Token | None = None
        self._former: Secret | None = None
        self._failure: _Failure | None = None
        self._failures = 0
        self._lock = asyncio.Lock()
        self._keeper: TokenKeeper = OwnTokens()

    def share(self, keeper: TokenKeeper) -> None:
        """Share tokens with the other nodes that have the same credentials."""
        self._keeper = keeper

    def secrets(self) -> Sequence[Secret]:
        """The client secret in both its forms, the token, and the one before it, which may still be valid."""
        token = self._token.value if self._token else None
        return [each for each in (self._client_secret, self._basic, token, self._former) if each is not None]

    @property
    def _credentials(self) -> Secret:
        """What a token is given for, and by whom."""
        return Secret(
            "\n".join((str(self._token_url), self._client_id, self._client_secret.reveal(), self._scope or ""))
        )

    def token_age_seconds(self) -> float | None:
        return None if self._token is None else self._clock.now() - self._token.made_at

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        # httpx closes this generator whenever a request fails or is cancelled, which also gives the lock back.
        refused: _Token | None = None
        while True:
            token = self._usable(refused)
            if token is None:
                failures = self._failures
                async with self._lock:
                    token = self._usable(refused)
                    if token is None:
                        self._share_failure(failures)
                        async with self._keeper.turn(self._credentials, refused.value if refused else None) as kept:
                            if kept is None:
                                asked_at = self._clock.now()
                                answer = yield self._token_request(request)
                                kept = await self._signed_in(answer, asked_at)
                                await self._keeper.keep(self._credentials, kept)
                            token = self._use(kept)
            request.headers["Authorization"] = f"Bearer {token.value.reveal()}"
            answer = yield request
            if answer.status_code != 401 or refused is not None:
                return
            refused = token

    def _usable(self, refused: _Token | None) -> _Token | None:
        token = self._token
        if token is None or token is refused or self._clock.now() >= token.renew_at:
            return None
        return token

    def _share_failure(self, failures: int) -> None:
        """Raise the failure of a sign-in that ended while this request waited for it, or that still stands."""
        failure, now = self._failure, self._clock.now()
        if failure is None or (failures == self._failures and now >= failure.until):
            return
        left = max(0, math.ceil(failure.until - now))
        raise _again(failure.error, left if failure.error.retry_after_seconds else 0)

    def _token_request(self, request: httpx.Request) -> httpx.Request:
        """The sign-in, under the time limits of the request that needs it."""
        form = {"grant_type": "client_credentials"}
        headers = {"Accept": "application/json", "User-Agent": USER_AGENT}
        if self._scope is not None:
            form["scope"] = self._scope
        if self._method == "client_secret_post":
            form |= {"client_id": self._client_id, "client_secret": self._client_secret.reveal()}
        else:
            headers["Authorization"] = f"Basic {self._basic.reveal()}"
        extensions = {"timeout": request.extensions.get("timeout", {})}
        content: dict[str, Any] = {"json": form} if self._body == "json" else {"data": form}
        return httpx.Request("POST", self._token_url, headers=headers, extensions=extensions, **content)

    async def _signed_in(self, answer: httpx.Response, asked_at: float) -> KeptToken:
        """The new token; raises what the answer says otherwise, and keeps that."""
        try:
            body = _granted(answer, await answer.aread())
        except UpstreamError as error:
            self._keep_failure(error)
            raise
        life = lifetime_seconds(body.get("expires_in"))
        age = age_seconds(body.get("created_at"), answer.headers.get("Date"), life)
        life -= age
        since = self._clock.now() - asked_at
        seconds = max(life - self._renew_before_seconds, life / 2) - since
        return KeptToken(Secret(body["access_token"]), age + since, seconds)

    def _use(self, kept: KeptToken) -> _Token:
        """A token as the one in use."""
        now = self._clock.now()
        self._former = self._token.value if self._token else None
        self._token = _Token(kept.value, now - kept.age_seconds, now + kept.seconds)
        self._failure = None
        return self._token

    def _keep_failure(self, error: UpstreamError) -> None:
        asked = min(error.retry_after_seconds, LONGEST_WAIT_SECONDS)
        stands = REFUSAL_STANDS_SECONDS if isinstance(error, AuthRefused) else asked
        self._failures += 1
        self._failure = _Failure(_again(error, error.retry_after_seconds), self._clock.now() + stands)


def _again(error: UpstreamError, retry_after_seconds: int) -> UpstreamError:
    """A copy: whoever raises one puts its own fate into it, and its traceback holds the answer."""
    return type(error)(
        "", error.detail, status=error.status, codes=error.codes, retry_after_seconds=retry_after_seconds
    )


def _granted(answer: httpx.Response, content: bytes) -> Mapping[str, Any]:
    """The body of an answer with a token. Raises what any other answer means."""
    try:
        reply = decode(answer, content)
    except BadAnswer as fault:
        raise _about_sign_in(fault) from None
    error = error_by_status(reply)
    body = reply.body if isinstance(reply.body, Mapping) else {}
    if isinstance(error, AuthRefused | NotFound | Conflict | Rejected):
        raise _refusal(reply.status, body)
    if error is not None:
        error.retry_after_seconds = retry_after_seconds(reply.headers)
        raise _about_sign_in(error)
    token = body.get("access_token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise BadAnswer("", "the sign-in answered no token", status=reply.status)
    return body


def _refusal(status: int, body: Mapping[str, Any]) -> SignInRefused:
    code = body.get("error")
    codes = (code,) if isinstance(code, str) and _CODE.fullmatch(code) else ()
    return SignInRefused("", f"the sign-in was refused: {', '.join((*codes, str(status)))}", status=status, codes=codes)


def _about_sign_in(error: UpstreamError) -> UpstreamError:
    error.reword("", f"the sign-in {error.detail}")
    return error
