"""The simulated NERM, called directly, and what it holds, read behind its API's back."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from scim_bridge.providers.sailpoint_nerm.sandbox import Sandbox
from scim_bridge.query.capabilities import Row

ORIGIN = "https://acme.nerm.test"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


class Api:
    """The vendor's API, called as its own documentation has it, signed in by key."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def __call__(
        self, method: str, path: str, body: Any = None, *, query: Mapping[str, Any] | None = None, **more: Any
    ) -> httpx.Response:
        content: dict[str, Any] = {} if body is None else {"json": body}
        params = {**(query or {}), **more}
        return await self._client.request(method, f"{ORIGIN}/api{path}", params=params or None, **content)


@asynccontextmanager
async def api_of(sandbox: Sandbox, authorization: str | None = None) -> AsyncIterator[Api]:
    headers = {"Authorization": authorization or f"Bearer {sandbox.api_key}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sandbox.app), headers=headers) as client:
        yield Api(client)
    sandbox.log.clear()


def people_types(sandbox: Sandbox) -> list[str]:
    """The ids of the profile types of the category that people are."""
    return [each["id"] for each in sandbox.store.profile_types.values() if each["category"] == "non-employee"]


def raw_people(sandbox: Sandbox) -> dict[str, Row]:
    """Every person that is there, as a look-up answers, by id."""
    types = people_types(sandbox)
    held = [each for each in sandbox.store.profiles.values() if each.type_id in types and not each.archived]
    return {each.id: sandbox.store.shown(each) for each in held}
