"""An upstream within the bridge's own process, at next to no cost: what is measured of a write is then the bridge."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx
import orjson

from scim_bridge.protocol.bodies import member
from tests.bench.people import identifier, user


class InProcess(httpx.AsyncBaseTransport):
    """Users by id in memory; what else is asked, such as discovery, goes to a real server.

    A PATCH replaces attributes of the first level, which is all that is sent here.
    """

    def __init__(self, people: int, server: httpx.AsyncBaseTransport) -> None:
        self._server = server
        self._people = people
        self._changed: dict[str, dict[str, Any]] = {}
        self._answers: dict[str, httpx.Response] = {}  # to GET: making one costs as much as all else here
        self._numbers = count(people)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        kind, _, rest = request.url.path.rpartition("/Users")[2].partition("/")
        if "/Users" not in request.url.path or (not rest and request.method != "POST") or kind:
            return await self._server.handle_async_request(request)
        if request.method == "POST":
            return self._answer(201, self._stored(identifier(next(self._numbers)), orjson.loads(await request.aread())))
        if request.method == "GET":
            return self._answers.get(rest) or self._answers.setdefault(rest, self._answer(200, self._user(rest)))
        body = orjson.loads(await request.aread())
        changed = self._user(rest)
        for each in member(body, "Operations") or [{"path": name, "value": value} for name, value in body.items()]:
            changed = {**changed, each["path"]: each["value"]}
        return self._answer(200, self._stored(rest, changed))

    def _user(self, resource_id: str) -> dict[str, Any]:
        return self._changed.get(resource_id) or user(int(resource_id[:8], 16))

    def _stored(self, resource_id: str, values: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        self._changed[resource_id] = {
            **values,
            "id": resource_id,
            "meta": {"resourceType": "User", "created": "2024-01-01T00:00:00Z", "lastModified": now},
        }
        self._answers.pop(resource_id, None)
        return self._changed[resource_id]

    @staticmethod
    def _answer(status: int, body: dict[str, Any]) -> httpx.Response:
        return httpx.Response(status, content=orjson.dumps(body), headers={"Content-Type": "application/scim+json"})

    async def aclose(self) -> None:
        await self._server.aclose()
