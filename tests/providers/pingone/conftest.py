"""A simulated PingOne of 60 users, a connection to it, one user and one group that were made through it."""

from collections.abc import AsyncIterator

import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.query.capabilities import Resource
from tests.providers.pingone.support import GROUP_URN, Connected, connected
from tests.providers.pingone.writing import ANA, create


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(users=60)


@pytest.fixture
async def acme(sandbox: Sandbox) -> AsyncIterator[Connected]:
    async with connected(sandbox, attributes={"enterprise.department": "department"}) as found:
        yield found


@pytest.fixture
async def ana(acme: Connected) -> Resource:
    made = await create(acme, ANA)
    acme.calls()
    return made


@pytest.fixture
async def group(acme: Connected) -> Resource:
    values = {"displayName": "Managers", "externalId": "ad-77", GROUP_URN: {"description": "People managers"}}
    made = await create(acme, values, "groups")
    acme.calls()
    return made
