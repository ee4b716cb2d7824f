"""What is told of the use of credentials: sign-ins and refusals, and nothing of requests that succeed."""

import httpx
import pytest

from scim_bridge.upstream.auth import Bearer, ClientCredentials
from scim_bridge.upstream.client import UpstreamClient
from scim_bridge.upstream.errors import UpstreamError
from scim_bridge.upstream.exchange import CredentialUse
from scim_bridge.upstream.redact import Secret
from tests.clocks import FakeClock


def client(uses: list[CredentialUse], auth: httpx.Auth, *answers: httpx.Response | Exception) -> UpstreamClient:
    left = list(answers)

    def answered(request: httpx.Request) -> httpx.Response:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return UpstreamClient(
        "acme",
        "https://api.example/v1",
        auth=auth,
        clock=FakeClock(),
        transport=httpx.MockTransport(answered),
        observe=uses.append,
    )


def signing_in() -> ClientCredentials:
    url = "https://auth.example/token?tenant=1"
    return ClientCredentials(url, "id", Secret("s3cret"), clock=FakeClock())


TOKEN = {"access_token": "t0ken", "expires_in": 3600}
OK = httpx.Response(200, json={})


async def test_a_sign_in_is_told_once_and_requests_with_its_token_are_not() -> None:
    uses: list[CredentialUse] = []
    upstream = client(uses, signing_in(), httpx.Response(200, json=TOKEN), OK, OK)
    await upstream.send("GET", "/users")
    await upstream.send("GET", "/users")
    assert uses == [CredentialUse(True, True, "auth.example", "POST", "/token", 200)]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (httpx.Response(401, json={"error": "invalid_client"}), 401),
        (httpx.Response(200, json={"no": "token"}), 200),
        (httpx.ReadTimeout("late"), None),
    ],
)
async def test_a_sign_in_that_fails_is_told(answer: httpx.Response | Exception, status: int | None) -> None:
    uses: list[CredentialUse] = []
    upstream = client(uses, signing_in(), *[answer] * 4)
    with pytest.raises(UpstreamError):
        await upstream.send("GET", "/users")
    assert set(uses) == {CredentialUse(True, False, "auth.example", "POST", "/token", status)}


async def test_a_token_that_is_refused_is_told() -> None:
    uses: list[CredentialUse] = []
    upstream = client(uses, Bearer(Secret("t0ken")), httpx.Response(401, json={}))
    with pytest.raises(UpstreamError):
        await upstream.send("GET", "/users?name=x")
    assert uses == [CredentialUse(False, False, "api.example", "GET", "/v1/users", 401)]
