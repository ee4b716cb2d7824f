"""A simulated NERM of 60 people."""

from collections.abc import AsyncIterator

import pytest

from scim_bridge.providers.sailpoint_nerm.sandbox import Sandbox
from tests.providers.sailpoint_nerm.support import Api, api_of


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(users=60)


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[Api]:
    async with api_of(sandbox) as found:
        yield found
