"""schemathesis with the derived description: what it finds, and what it must leave alone."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from scim_bridge.conformance.results import Result
from scim_bridge.conformance.suites import fuzzing
from scim_bridge.conformance.target import Target
from scim_bridge.providers.scim.sandbox import TOKEN, Sandbox
from tests.servers import running

pytestmark = pytest.mark.slow

Change = Callable[[int, dict[str, Any]], tuple[int, dict[str, Any]]]


class Changed:
    """A server whose JSON answers to one method are changed on their way out."""

    def __init__(self, app: Any, method: str, change: Change) -> None:
        self._app, self._method, self._change = app, method, change

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != self._method or not scope["path"].endswith("/Users"):
            await self._app(scope, receive, send)
            return
        start: dict[str, Any] = {}

        async def changed(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            status, body = self._change(start["status"], json.loads(message["body"]))
            content = json.dumps(body).encode()
            kept = [each for each in start["headers"] if each[0].lower() != b"content-length"]
            await send({**start, "status": status, "headers": [*kept, (b"content-length", b"%d" % len(content))]})
            await send({**message, "body": content})

        await self._app(scope, receive, changed)


@contextmanager
def target(app: Any, *, write: bool = True) -> Iterator[Target]:
    with running(app) as origin:
        yield Target(f"{origin}/v2", TOKEN, write=write)


def fuzzed(app: Any, *, write: bool = True) -> list[Result]:
    with target(app, write=write) as found:
        return list(fuzzing.run(found))


def held(server: Sandbox) -> Mapping[str, Any]:
    """Every resource there is, by id."""
    return {str(each.id): each.model_dump() for each in server.memory.resources}


def crashes(status: int, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    if status != 200 or body["totalResults"]:
        return status, body
    return 500, {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "500"}


def tells_more(status: int, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    return status, {**body, "passwordHash": "x"} if status == 201 else body


def counts_in_text(status: int, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    return status, {**body, "totalResults": str(body["totalResults"])} if status == 200 else body


@pytest.mark.parametrize(
    "method, change, title",
    [
        ("GET", crashes, "GET /Users (fuzzing)"),
        ("POST", tells_more, "POST /Users (fuzzing)"),
        ("GET", counts_in_text, "GET /Users (fuzzing)"),
    ],
)
def test_a_wrong_server_is_found_out(method: str, change: Change, title: str) -> None:
    failed = [each for each in fuzzed(Changed(Sandbox(3), method, change)) if each.status == "failed"]
    assert title in {each.title for each in failed}
    assert all(each.exchanges and TOKEN not in str(each.exchanges) for each in failed if each.title == title)


def test_nothing_is_touched_but_what_the_run_made() -> None:
    server = Sandbox(12)
    before = held(server)
    results = fuzzed(server)
    assert {"POST /Users (fuzzing)", "DELETE /Users/{id} (fuzzing)"} <= {each.title for each in results}
    assert held(server) == before
    assert results[-1] == Result("schemathesis", "Everything the requests made is deleted", "passed")


def test_without_writing_it_only_reads() -> None:
    server = Sandbox(12)
    results = fuzzed(server, write=False)
    version = next(server.memory.versions)
    assert {each.title.split()[0] for each in results} <= {"GET", "POST", "Stateful"}
    assert all("/.search" in each.title for each in results if each.title.startswith("POST"))
    assert version == next(Sandbox(12).memory.versions)
