"""Somebody at the console, in a browser without scripts."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any

import httpx

from tests.admin.world import ADMIN, World, bridge, world

TOKEN = re.compile(r'name="form_token" value="([0-9a-f]{64})"')


class Operator:
    """Signed in to the console of a world."""

    def __init__(self, found: World) -> None:
        self.world = found
        self.client = found.client

    async def sign_in(self, token: str = ADMIN, **fields: str) -> httpx.Response:
        form = form_token((await self.client.get("/console/sign-in")).text)
        return await self.client.post("/console/sign-in", data={"form_token": form, "token": token, **fields})

    async def get(self, path: str, status: int = 200, **params: Any) -> str:
        """The text of a page."""
        answer = await self.client.get(path, params=params or None)
        assert answer.status_code == status, (answer.status_code, answer.headers, answer.text)
        return answer.text

    async def post(
        self,
        path: str,
        fields: Mapping[str, Any] | None = None,
        status: int | None = 303,
        page: str = "/console/providers",
    ) -> httpx.Response:
        """The answer to a form of a page; ``status`` None: any."""
        token = form_token((await self.client.get(page)).text)
        answer = await self.client.post(path, data={"form_token": token, **(fields or {})})
        assert status is None or answer.status_code == status, (answer.status_code, plain(answer.text))
        return answer


def form_token(page: str) -> str:
    found = TOKEN.search(page)
    assert found, page
    return found[1]


def plain(page: str) -> str:
    """The texts of a page, with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


@asynccontextmanager
async def console(folder: Path, *providers: str, **options: Any) -> AsyncIterator[Operator]:
    """Somebody signed in to the console of a world with the sandboxes of these providers."""
    async with _world(folder, *providers, **options) as found:
        operator = Operator(found)
        assert (await operator.sign_in()).status_code == 303
        yield operator


@asynccontextmanager
async def _world(folder: Path, *providers: str, **options: Any) -> AsyncIterator[World]:
    if providers:
        async with world(folder, *providers, **options) as found:
            yield found
    else:
        async with bridge(folder, **options) as (app, client):
            yield World(app, client, {})
