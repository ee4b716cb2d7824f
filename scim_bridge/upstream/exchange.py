"""One request and its answer with all that signing in to it takes, by the steps of `httpx.Auth`."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx


@dataclass(frozen=True, slots=True)
class CredentialUse:
    """That credentials were used to sign in, or refused with a request; ``status`` is None where no answer came."""

    signing_in: bool
    accepted: bool
    host: str
    method: str
    path: str  # without its query
    status: int | None


Observe = Callable[[CredentialUse], None]


def unobserved(use: CredentialUse) -> None:
    """Nobody asks."""


def always() -> bool:
    return True


async def exchanged(
    request: httpx.Request,
    auth: httpx.Auth,
    transport: httpx.AsyncBaseTransport,
    observe: Observe,
    may_repeat: Callable[[], bool] = always,
) -> httpx.Response:
    """The answer to a request; ``observe`` is told of each sign-in, and of each answer 401. Where the request may not
    be sent again with a new token, the 401 is the answer, and the token is for those that follow.

    `AsyncClient.send` does the same, and looks for redirects and cookies, of which we follow and keep none: that took
    as long as all else that httpx does for a request (measured).
    """
    flow = auth.async_auth_flow(request)
    try:
        following = await anext(flow)
        answer: httpx.Response | None = None
        while True:
            following.extensions.setdefault("timeout", request.extensions["timeout"])
            sent, status, accepted = following, None, False
            try:
                response = await transport.handle_async_request(sent)
                response.request, status = sent, response.status_code
                answer = response if sent is request else answer
                following = await flow.asend(response)
                accepted = sent is not request
            except StopAsyncIteration:
                return response
            finally:
                if sent is not request or status == 401:
                    observe(_use(sent, status, signing_in=sent is not request, accepted=accepted))
            if answer is not None and following is request and not may_repeat():
                return answer
    finally:
        await flow.aclose()


def _use(request: httpx.Request, status: int | None, *, signing_in: bool, accepted: bool) -> CredentialUse:
    path = request.url.raw_path.partition(b"?")[0].decode("ascii")
    return CredentialUse(signing_in, accepted, request.url.host, request.method, path, status)
