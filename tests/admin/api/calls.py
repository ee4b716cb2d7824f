"""Requests to the administration API, of which each answer has to be as the API is described."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs

from scim_bridge.admin.api import OPERATIONS
from scim_bridge.admin.api.openapi import described
from tests.admin.world import ADMIN, World, bridge, world

DESCRIPTION = json.loads(json.dumps(described(OPERATIONS)))
PATHS: Mapping[str, Any] = DESCRIPTION["paths"]
TOKEN = {"Authorization": f"Bearer {ADMIN}"}


@dataclass(frozen=True, slots=True)
class Calls:
    """A client of the API."""

    client: httpx.AsyncClient

    async def __call__(self, method: str, path: str, status: int, **request: Any) -> httpx.Response:
        """The answer, which has to have this status and to be as it is described."""
        headers = {**TOKEN, **request.pop("headers", {})}
        answer = await self.client.request(method, f"/api/v1{path}", headers=headers, **request)
        assert answer.status_code == status, answer.text
        assert answer.headers["X-Request-Id"] and answer.headers["Cache-Control"] == "no-store"
        as_described(method, path, answer)
        return answer

    async def refused(self, method: str, path: str, status: int, key: str | None = None, **request: Any) -> str:
        """Why a request is refused; ``key`` is what that is about."""
        answer = await self(method, path, status, **request)
        problem = answer.json()
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert (problem["status"], problem.get("key")) == (status, key), problem
        assert problem["request_id"] == answer.headers["X-Request-Id"]
        return str(problem["detail"])


def as_described(method: str, path: str, answer: httpx.Response) -> None:
    """Check status, media type and body of an answer."""
    operation = _operation(method, path)
    if operation is None:
        assert answer.status_code in (401, 404, 405)
        return
    found = operation["responses"][str(answer.status_code)]
    if "content" not in found:
        assert answer.content == b""
        return
    kind = answer.headers["Content-Type"].partition(";")[0]
    schema = found["content"][kind]["schema"]
    if kind.endswith("json"):
        jsonschema_rs.validator_for({**schema, "components": DESCRIPTION["components"]}).validate(answer.json())


def _operation(method: str, path: str) -> Any:
    path = path.partition("?")[0]
    for described_path, operations in PATHS.items():
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", described_path), path) and method.lower() in operations:
            return operations[method.lower()]
    return None


@asynccontextmanager
async def api(folder: Path, *providers: str, **server: Any) -> AsyncIterator[tuple[Calls, World]]:
    """The API of a bridge over sandboxes."""
    async with world(folder, *providers, **server) as found:
        yield Calls(found.client), found


@asynccontextmanager
async def bare(folder: Path, **server: Any) -> AsyncIterator[Calls]:
    """The API of a bridge with no upstream at all."""
    async with bridge(folder, **server) as (_, client):
        yield Calls(client)
