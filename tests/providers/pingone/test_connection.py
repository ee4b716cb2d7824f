"""A connection to PingOne: signing in, limits, what may be sent twice."""

import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.query.capabilities import Resource
from scim_bridge.upstream.errors import Unavailable, UpstreamError
from tests.providers.pingone.support import Connected, connected
from tests.providers.pingone.writing import create


async def test_a_rate_limit_is_waited_for(acme: Connected, sandbox: Sandbox, ana: Resource) -> None:
    sandbox.limit(times=2, retry_after="3")
    await acme.users.delete(ana["id"])
    assert len(acme.calls()) == 3


async def test_an_expired_token_is_renewed_once(acme: Connected, sandbox: Sandbox, ana: Resource) -> None:
    sandbox.log.clear()
    sandbox.end_tokens()
    assert await acme.users.row(ana["id"]) is not None
    assert len(sandbox.log.sign_ins) == 1


async def test_a_create_is_not_repeated_on_an_error_of_the_vendor(acme: Connected, sandbox: Sandbox) -> None:
    sandbox.fail("POST /users", status=500)
    with pytest.raises(Unavailable):
        await create(acme, {"userName": "ana"})
    assert acme.calls() == ["POST /users"]


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_either_client_authentication_works(sandbox: Sandbox, method: str) -> None:
    sandbox.knobs.token_auth_method = method
    async with connected(sandbox) as acme:
        assert len(await acme.find("")) == 60
    assert sandbox.log.sign_ins == [method]


async def test_a_wrong_client_authentication_is_refused(sandbox: Sandbox) -> None:
    """Trap 20."""
    async with connected(sandbox, token_auth_method="client_secret_post") as acme:
        with pytest.raises(UpstreamError) as failure:
            await acme.find("")
    assert type(failure.value).__name__ == "SignInRefused"
    assert sandbox.client_secret not in repr(failure.value)
