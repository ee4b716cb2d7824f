"""The simulated IdentityIQ, called directly as its own documentation has it, and what it holds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from scim_bridge.providers.sailpoint_iiq.sandbox import Sandbox
from scim_bridge.providers.sailpoint_iiq.sandbox_tokens import CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME

ORIGIN = "http://iiq.test:8080"
SP_USER = "urn:ietf:params:scim:schemas:sailpoint:1.0:User"
SP_ROLE = "urn:ietf:params:scim:schemas:sailpoint:1.0:Role"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class Api:
    """The vendor's API, signed in with HTTP Basic."""

    def __init__(self, client: httpx.AsyncClient, sandbox: Sandbox) -> None:
        self._client = client
        self._context = f"{ORIGIN}{sandbox.context}"

    async def __call__(
        self, method: str, path: str, body: Any = None, *, headers: Any = None, **query: Any
    ) -> httpx.Response:
        """``path``: below `/scim/v2`, or below the context where it starts with `/rest` or `/oauth2`."""
        below = "" if path.startswith(("/rest", "/oauth2")) else "/scim/v2"
        content: dict[str, Any] = {} if body is None else {"json": body}
        url = f"{self._context}{below}{path}"
        return await self._client.request(method, url, params=query or None, headers=headers, **content)

    async def listed(self, path: str, **query: Any) -> Any:
        answer = await self(method="GET", path=path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def names(self, filter: str) -> set[str]:
        """The user names that a filter finds."""
        found = await self.listed("/Users", filter=filter)
        assert found["totalResults"] == len(found["Resources"])
        return {each["userName"] for each in found["Resources"]}

    async def sign_in(self, client_id: str = CLIENT_ID, secret: str = CLIENT_SECRET, **form: str) -> httpx.Response:
        data = {"grant_type": "client_credentials", **form}
        auth = httpx.BasicAuth(client_id, secret)
        return await self._client.post(f"{self._context}/oauth2/token", data=data, auth=auth)


@asynccontextmanager
async def api_of(sandbox: Sandbox, *, signed_in: bool = True) -> AsyncIterator[Api]:
    auth = httpx.BasicAuth(USERNAME, PASSWORD) if signed_in else None
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sandbox.app), auth=auth) as client:
        yield Api(client, sandbox)
    sandbox.log.clear()


def error(answer: httpx.Response) -> tuple[int, str | None, str | None]:
    """Status, scimType and detail of a refusal, whose body states the status as text."""
    body = answer.json()
    assert body["schemas"] == [ERROR] and body["status"] == str(answer.status_code)
    return answer.status_code, body.get("scimType"), body.get("detail")


def related(sandbox: Sandbox, resource_type: str, *, detected: bool = False) -> dict[str, dict[str, frozenset[str]]]:
    """Who has which roles and entitlements, as the sandbox holds it."""
    people = sandbox.site.identities
    groups = {key: {*each["assigned"], *(each["detected"] if detected else ())} for key, each in people.items()}
    if resource_type == "Group":
        roles = sandbox.site.records["Role"]
        return {"members": {role: frozenset(key for key, held in groups.items() if role in held) for role in roles}}
    if resource_type != "User":
        return {}
    roles_of = {key: frozenset({*each["assigned"], *each["detected"]}) for key, each in people.items()}
    entitlements = {key: frozenset(each["entitlements"]) for key, each in people.items()}
    return {
        "groups": {key: frozenset(each) for key, each in groups.items()},
        "roles": roles_of,
        "entitlements": entitlements,
    }
