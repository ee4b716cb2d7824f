"""The part of the contract on writes that meet an upstream in trouble."""

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import pytest

from scim_bridge.protocol.requests import ScimResponse
from scim_bridge.query.directory import Directory
from scim_bridge.testing.base import no_problems
from scim_bridge.testing.faults import BARE, ODD, REFUSALS, UNCLEAR, Fault, From
from scim_bridge.testing.simulated import Connected
from scim_bridge.testing.trouble import TroubleContract, credential, wrong
from scim_bridge.testing.values import writable
from scim_bridge.testing.writing import covers

PATCH_URN: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MOST: Final = 4
"""Upstream requests of a write that are tried; further ones are like those before."""


@dataclass(frozen=True, slots=True)
class Write:
    """A request of a client, and whether what it asks for has been done."""

    name: str
    method: str
    path: str
    body: Any
    done: Callable[[Connected], bool]


class BrokenWritesContract(TroubleContract):
    """A write that fails says so, and leaves nothing behind that it does not name."""

    @pytest.mark.slow
    async def test_no_trouble_of_a_write_passes_for_success_or_leaves_half_of_it(self) -> None:
        """Each request that a creation, a change, a deletion or a new member takes is answered in each wrong way."""
        async with self.connected() as acme:
            writes = [each for name, one in acme.directories.items() for each in self._writes(acme, name, one)]
        problems = []
        for write in writes:
            problems += await self._broken(write)
        no_problems(problems)

    def _writes(self, acme: Connected, name: str, directory: Directory) -> Iterator[Write]:
        offered, endpoint = directory.collection.writes, directory.collection.resource.endpoint
        held = acme.resources(name)
        if offered.create is not None:
            body, count = self.new(directory.collection, 7), len(held)
            yield Write(f"create {name}", "POST", endpoint, body, lambda acme: len(acme.resources(name)) == count + 1)
        if offered.delete is not None:
            gone = next(iter(held))
            yield Write(
                f"delete {name}", "DELETE", f"{endpoint}/{gone}", None, lambda acme: gone not in acme.resources(name)
            )
        if offered.update is not None and (change := self._change(acme, name, directory)) is not None:
            yield change
        for relation in offered.members:
            yield self._joining(acme, name, endpoint, relation)

    def _change(self, acme: Connected, name: str, directory: Directory) -> Write | None:
        """Another value for an attribute that nothing else hangs on."""
        collection = directory.collection
        others = {*self.unwritten, *self.twins, *self.follows, *(each.attribute for each in collection.relations)}
        resolved = {each: collection.resource.resolve(each) for each in writable(collection.resource)}
        fitting = [
            (path, found)
            for path, found in resolved.items()
            if found is not None and found.attribute.mutability == "readWrite" and path.partition(".")[0] not in others
        ]
        if not fitting:
            return None
        path, found = fitting[0]
        value, changed = self._value(collection, path, 5), next(iter(acme.resources(name)))
        body = _patch("replace", path, value)

        def done(acme: Connected) -> bool:
            return covers(found.read(acme.resources(name)[changed]), value)

        return Write(f"change {path} of {name}", "PATCH", f"{collection.resource.endpoint}/{changed}", body, done)

    def _joining(self, acme: Connected, name: str, endpoint: str, relation: str) -> Write:
        owners = acme.simulated.related(name)[relation]
        owner, held = next((owner, held) for owner, held in owners.items() if held)
        new = next(each for each in acme.resources("User") if each not in held)
        body = _patch("add", relation, [{"value": new, "type": "User"}])

        def done(acme: Connected) -> bool:
            return new in acme.simulated.related(name)[relation][owner]

        return Write(f"add to {relation} of {name}", "PATCH", f"{endpoint}/{owner}", body, done)

    async def _broken(self, write: Write) -> list[str]:
        async with self.connected() as acme:
            right = await acme.ask(write.method, write.path, write.body)
            assert right.status < 300 and write.done(acme), f"{write.name}: {right.body!r}"
            requests = sum(not self.signs_in(each) for each in acme.wire.calls)
        faults = [(number, each) for number in range(min(requests, MOST)) for each in (*REFUSALS, *UNCLEAR, *BARE)]
        problems = []
        while faults:
            async with AsyncExitStack() as stack:
                acme = await stack.enter_async_context(self.connected())
                before = _state(acme)
                while faults and _state(acme) == before:  # else the next one needs a fresh sandbox
                    problems += await self._broken_at(acme, write, *faults.pop(0))
        return problems

    async def _broken_at(self, acme: Connected, write: Write, number: int, fault: Fault) -> list[str]:
        await acme.ask(
            "GET", write.path if write.method != "POST" else f"{write.path}/none"
        )  # so that it has signed in
        before, secret = _state(acme), credential(acme)
        acme.wire.instead = From(number, fault.answer, secret, self.signs_in, alone=True)
        answer = await acme.ask(write.method, write.path, write.body)
        self._over(acme)
        told = f"{write.name}: request {number} answered with {fault.name}"
        if answer.status < 300:
            return [] if write.done(acme) or fault in (*ODD, *BARE) else [f"{told} passes for done"]
        detail = answer.body["detail"] if isinstance(answer.body, dict) else ""
        owned_up = any(each in detail for each in ("Still in effect", "took effect"))
        statuses = (*_statuses(write, fault), *((502,) if owned_up else ()))
        problems = wrong(told, answer, _NEVER, statuses, {secret, *acme.secrets})
        if _state(acme) != before and not owned_up and answer.status != 404:  # by then it is said to be gone
            problems.append(f"{told} leaves something behind, and only says: {detail}")
        return problems


_NEVER: Final = ScimResponse(0)


def _statuses(write: Write, fault: Fault) -> tuple[int, ...]:
    """What a client may be told; what is not there may be the resource itself, or a member."""
    missing = (400, 404) if fault.name == "404" and write.method != "POST" else ()
    return (*fault.told, *missing)


def _state(acme: Connected) -> Any:
    """What there is, but for when it changed."""
    return {
        name: {key: {**each, "meta": None} for key, each in acme.resources(name).items()} for name in acme.directories
    }


def _patch(op: str, path: str, value: Any) -> dict[str, Any]:
    return {"schemas": [PATCH_URN], "Operations": [{"op": op, "path": path, "value": value}]}
