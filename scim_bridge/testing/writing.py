"""The part of the contract on writing."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import httpx
import pytest

from scim_bridge.query.capabilities import Resource
from scim_bridge.query.directory import Changes, Directory, MemberChanges
from scim_bridge.query.write import PartialWrite
from scim_bridge.testing.base import Contract, no_problems, put
from scim_bridge.testing.simulated import BASE_URL, Connected
from scim_bridge.testing.values import writable
from scim_bridge.upstream.errors import NotFound, UpstreamError


class WritingContract(Contract):
    """What is written is there afterwards, nothing else changes, and what fails leaves nothing behind."""

    async def test_every_attribute_is_written_changed_and_cleared(self) -> None:
        async with self.connected() as acme:
            problems = []
            for name, directory in acme.directories.items():
                if directory.collection.writes.create is not None:
                    problems += await self._written(acme, name, directory)
        no_problems(problems)

    async def _written(self, acme: Connected, name: str, directory: Directory) -> list[str]:
        problems, number = [], 100
        relations = {each.attribute for each in directory.collection.relations}
        for path in writable(directory.collection.resource):
            if path.partition(".")[0] in relations or path in self.unwritten:
                continue
            number += 3
            problems += [f"{name}.{path}: {told}" for told in await self._round_trip(directory, path, number)]
        return problems

    async def _round_trip(self, directory: Directory, path: str, number: int) -> list[str]:
        """What goes wrong when an attribute is created with, changed, and cleared; nothing else may change."""
        collection = directory.collection
        found = collection.resource.resolve(path)
        assert found is not None
        first, second = self._value(collection, path, number), self._value(collection, path, number + 1)
        body = self.new(collection, number)
        put(body, found.keys, found.sub.name if found.sub else None, first)
        made = await created(directory, body)
        problems = _differs("created with", first, found.read(made))
        also = self.follows.get(path, frozenset()) | {self.twins.get(path, path).partition(".")[0]}
        if found.attribute.mutability == "immutable" or collection.writes.update is None:
            return problems
        changed = await self._changed(directory, made["id"], path, second)
        problems += _differs("changed to", second, found.read(changed)) + _others(made, changed, also | {found.keys[0]})
        if not found.attribute.required and not found.target.required:
            cleared = await self._changed(directory, made["id"], path, None)
            left = found.read(cleared)
            problems += [f"is {left!r} when cleared"] if left not in (None, [], False) else []
            problems += _others(made, cleared, also | {found.keys[0]})
        return problems

    async def _changed(self, directory: Directory, resource_id: str, path: str, value: Any) -> Resource:
        row = await directory.row(resource_id)
        assert row is not None
        before = (directory.collection.editable or directory.collection.decode)(row)
        after = deepcopy(before)
        for each in filter(None, (path, self.twins.get(path))):
            found = directory.collection.resource.resolve(each)
            if found is not None:
                put(after, found.keys, found.sub.name if found.sub else None, value)
        await directory.change(resource_id, row, Changes(before, directory.collection.written(after, None)))
        shown = await directory.reader.get(resource_id, ())
        assert shown is not None
        return shown

    async def test_what_discovery_requires_is_in_all_that_is_made_or_nothing_is_made(self) -> None:
        """All of it is enough; without any one of it, a creation is refused and says what lacks, or every resource that
        is made without has it."""
        problems = []
        async with self.connected() as acme:
            types = {each["name"]: each for each in acme.service.discovered(BASE_URL)[2]}
            schemas = {each["id"]: each["attributes"] for each in acme.service.discovered(BASE_URL)[3]}
            for name, directory in acme.directories.items():
                if directory.collection.writes.create is not None:
                    problems += await self._required(acme, directory, types[name], schemas)
        no_problems(problems)

    async def _required(
        self, acme: Connected, directory: Directory, told: Mapping[str, Any], schemas: Mapping[str, Any]
    ) -> list[str]:
        collection, base = directory.collection, told["schema"]
        urns = [base, *(each["schema"] for each in told.get("schemaExtensions", ()) if each["required"])]
        names = [(urn, each["name"]) for urn in urns for each in schemas[urn] if each["required"]]
        whole = self.new(collection, 300)
        put(whole, ("schemas",), None, list(dict.fromkeys((base, *(each for each in whole if ":" in each)))))
        problems = []
        for number, (urn, name) in enumerate(names, 1):
            body = self.new(collection, 300 + number)
            held = body if urn == base else body.get(urn, {})
            held.pop(name, None)
            answer = await acme.ask("POST", collection.resource.endpoint, body)
            if answer.status == 201 and isinstance(answer.body, dict):
                shown = answer.body if urn == base else answer.body.get(urn, {})
                problems += [] if name in shown else [f"{told['name']}: {name} is required, and lacks in what was made"]
            elif answer.status != 400 or not isinstance(answer.body, dict) or name not in answer.body["detail"]:
                problems.append(f"{told['name']}: {name} is required, and without it: {answer.status} {answer.body!r}")
        answer = await acme.ask("POST", collection.resource.endpoint, whole)
        if answer.status != 201:
            problems.append(f"{told['name']}: what is required is not enough: {answer.status} {answer.body!r}")
        return problems

    async def test_what_fails_half_way_is_taken_back(self) -> None:
        """Each request of a creation with members, in turn, is refused."""
        async with self.connected() as acme:
            makers = [name for name, each in acme.directories.items() if each.collection.writes.create is not None]
        for name in makers:
            requests = await self._creation(name, fail=None)
            for number in range(requests):
                await self._creation(name, fail=number)

    async def _creation(self, name: str, fail: int | None) -> int:
        """Create a resource with members where it has any; how many writing requests that took."""
        async with self.connected() as acme:
            directory = acme.directories[name]
            members = self._some_members(acme, directory)
            body = self.new(directory.collection, 7)
            before = dict(acme.simulated.raw(name)), acme.simulated.related(name)
            failing = _Failing(fail)
            acme.wire.instead = failing
            try:
                await directory.create(directory.collection.written(body, None), members)
                assert fail is None, f"{name}: request {fail} failed and the creation did not"
            except UpstreamError as error:
                assert fail is not None, f"{name}: {error}"
                after = dict(acme.simulated.raw(name)), acme.simulated.related(name)
                assert after == before, f"{name}: request {fail} failed, and something stayed"
            except PartialWrite as error:
                assert name in self.not_undone, f"{name}: request {fail} failed: {error}"
            return failing.writes

    def _some_members(self, acme: Connected, directory: Directory) -> dict[str, list[dict[str, Any]]]:
        return {name: self._candidates(acme, name)[:3] for name in directory.collection.writes.members}

    def _candidates(self, acme: Connected, relation: str) -> list[dict[str, Any]]:
        """Elements that can be put into a relation: users."""
        return [{"value": each, "type": "User"} for each in acme.resources("User")]

    async def test_members_are_added_and_taken_out_and_nobody_else(self) -> None:
        async with self.connected() as acme:
            for name, directory in acme.directories.items():
                for relation in directory.collection.writes.members:
                    await self._membership(acme, name, directory, relation)

    async def _membership(self, acme: Connected, name: str, directory: Directory, relation: str) -> None:
        owners = acme.simulated.related(name)[relation]
        owner, held = next((owner, held) for owner, held in owners.items() if len(held) > 1)
        outside = next(each for each in self._candidates(acme, relation) if each["value"] not in held)
        leaving = (await directory.members(owner, relation))[0]
        await directory.change(owner, None, Changes(members={relation: MemberChanges(added=(outside,))}))
        assert acme.simulated.related(name)[relation][owner] == held | {outside["value"]}
        await directory.change(owner, None, Changes(members={relation: MemberChanges(removed=(leaving,))}))
        assert acme.simulated.related(name)[relation][owner] == held - {leaving["value"]} | {outside["value"]}
        await directory.change(owner, None, Changes(members={relation: MemberChanges(exact=True, added=(leaving,))}))
        assert acme.simulated.related(name)[relation][owner] == {leaving["value"]}

    async def test_what_is_deleted_is_gone(self) -> None:
        async with self.connected() as acme:
            for name, directory in acme.directories.items():
                if directory.collection.writes.delete is None:
                    continue
                resource_id = next(iter(acme.resources(name)))
                await directory.delete(resource_id)
                assert await directory.reader.get(resource_id, ()) is None
                with pytest.raises(NotFound):
                    await directory.delete(resource_id)


class _Failing:
    """Refuses one of the requests that write, counted from 0; ``writes`` is how many came."""

    def __init__(self, number: int | None) -> None:
        self._number = number
        self.writes = 0
        self._failed = False

    def __call__(self, request: httpx.Request) -> httpx.Response | None:
        if request.method == "GET" or "token" in request.url.path:
            return None
        self.writes += 1
        if self._failed or self.writes - 1 != self._number:
            return None
        self._failed = True
        return httpx.Response(400, json={})


async def created(directory: Directory, body: Resource) -> Resource:
    """A new resource as it can be read afterwards."""
    record = await directory.create(directory.collection.written(body, None), {})
    shown = await directory.reader.get(record.id, ())
    assert shown is not None
    return shown


def _differs(what: str, wanted: Any, found: Any) -> list[str]:
    return [] if covers(found, wanted) else [f"{what} {wanted!r} is {found!r}"]


def covers(found: Any, wanted: Any) -> bool:
    """Whether what is shown holds what was written; a server may add, such as a type."""
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(covers, found, wanted))
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(covers(found.get(name), each) for name, each in wanted.items())
    return bool(found == wanted)


def _others(before: Resource, after: Resource, changed: frozenset[str]) -> list[str]:
    """Attributes that changed, and should not have."""
    names = {*before, *after} - changed - {"meta", "schemas"}
    return [f"its change made {name} {after.get(name)!r}" for name in names if before.get(name) != after.get(name)]
