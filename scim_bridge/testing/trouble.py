"""The part of the contract on upstreams in trouble."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from scim_bridge.filters import parse
from scim_bridge.protocol.requests import ScimResponse
from scim_bridge.query.capabilities import AccessPath, Collection
from scim_bridge.query.directory import Directory
from scim_bridge.query.pagers import OnePage
from scim_bridge.query.plan import Query
from scim_bridge.testing.base import Contract, no_problems, rules
from scim_bridge.testing.faults import REFUSALS, SHAPES, UNCLEAR, Answer, Deformed, Fault, From
from scim_bridge.testing.simulated import CONNECTION, REQUEST_ID, Connected, untouched
from scim_bridge.testing.values import literals

LATER_SECONDS: Final = 100 * 24 * 3600.0
"""No token, and no wait that an upstream asked for, lasts that long."""


@dataclass(frozen=True, slots=True)
class Question:
    """A GET of a client."""

    path: str
    query: dict[str, str]

    @property
    def single(self) -> bool:
        return self.path.count("/") > 1

    def __str__(self) -> str:
        return f"GET {self.path} {self.query or ''}"


class TroubleContract(Contract):
    """An upstream in trouble never looks like an empty one, or like one that holds less."""

    def signs_in(self, request: httpx.Request) -> bool:
        """Whether a request is one for a token."""
        return "token" in request.url.path

    async def test_no_trouble_shortens_a_read_or_passes_for_another(self) -> None:
        """Each request of lists, filters, look-ups and relations, and all after it, is answered in each wrong way."""
        async with self.connected(people=12) as acme:
            problems = []
            for directory in acme.directories.values():
                async for question in self._questions(acme, directory):
                    problems += await self._troubled(acme, directory, question)
        no_problems(problems)

    async def _questions(self, acme: Connected, directory: Directory) -> AsyncIterator[Question]:
        """Reads that take each of the declared access paths, and each relation."""
        endpoint, name = directory.collection.resource.endpoint, directory.collection.resource.name
        yield Question(endpoint, {"count": "5"})
        for text in _filters(acme, name, directory):
            yield Question(endpoint, {"filter": text})
        related = acme.simulated.related(name)
        for resource_id in list(acme.resources(name))[:1]:
            yield Question(f"{endpoint}/{resource_id}", {})
        for each in directory.collection.relations:
            owner = next((owner for owner, held in related[each.attribute].items() if held), None)
            if owner is not None and owner in acme.resources(name):
                yield Question(f"{endpoint}/{owner}", {"attributes": each.attribute})

    async def _troubled(self, acme: Connected, directory: Directory, question: Question) -> list[str]:
        acme.wire.taken()
        right = await acme.ask("GET", question.path, **question.query)
        assert right.status == 200, (str(question), right.body)
        problems, rows = [], frozenset(each.rows for each in _paths(directory) if not _within_record(each))
        requests = sum(not self.signs_in(each) for each in acme.wire.taken())
        for number in sorted({*range(min(3, requests)), requests - 1}):  # in between, they are like those before
            for fault in (*REFUSALS, *UNCLEAR):
                problems += await self._faulty(acme, question, right, fault, number)
            for shape in SHAPES:
                problems += await self._deformed(acme, rows, question, right, shape, number)
        return problems

    async def _faulty(
        self, acme: Connected, question: Question, right: ScimResponse, fault: Fault, number: int
    ) -> list[str]:
        secret = credential(acme)
        acme.wire.taken()
        acme.wire.instead = From(number, fault.answer, secret, self.signs_in)
        answer = await acme.ask("GET", question.path, **question.query)
        self._over(acme)
        told = f"{question}: request {number} answered with {fault.name}"
        if fault.name == "404" and self._looks_up(acme, number):
            if not question.single and answer.status == 200:
                return []  # what a list names is gone
            return wrong(told, answer, right, (404, *fault.told), {secret, *acme.secrets})
        return wrong(told, answer, right, fault.told, {secret, *acme.secrets})

    async def _deformed(
        self,
        acme: Connected,
        rows: frozenset[str],
        question: Question,
        right: ScimResponse,
        shape: Deformed,
        number: int,
    ) -> list[str]:
        count = iter(range(1_000_000))

        def deform(request: httpx.Request, body: Any) -> Any:
            return None if self.signs_in(request) or next(count) < number else shape.deform(body, rows)

        acme.wire.deform = deform
        answer = await acme.ask("GET", question.path, **question.query)
        self._over(acme)
        return wrong(f"{question}: request {number} answered {shape.name}", answer, right, (502,), acme.secrets)

    def _looks_up(self, acme: Connected, number: int) -> bool:
        """Whether the upstream request of that number was for something by its id, which may be gone."""
        asked = [each.url.path for each in acme.wire.calls if not self.signs_in(each)]
        paths = [path for each in acme.directories.values() for path in _by_id(each.collection)]
        return any(re.search(f"{each}$", asked[number]) for each in paths)

    def _over(self, acme: Connected) -> None:
        """The trouble has passed, and what was put off is over."""
        acme.wire.instead = acme.wire.deform = untouched
        acme.clock.advance(LATER_SECONDS)

    async def test_a_sign_in_that_fails_is_told_as_the_upstreams_trouble(self) -> None:
        async with self.connected(people=3) as acme:
            endpoint = next(iter(acme.directories.values())).collection.resource.endpoint
            acme.clock.advance(LATER_SECONDS)
            right = await acme.ask("GET", endpoint)
            if not any(map(self.signs_in, acme.wire.taken())):
                pytest.skip("this connection signs in without a token endpoint")
            problems = []
            for fault in (*REFUSALS, *UNCLEAR):
                acme.clock.advance(LATER_SECONDS)
                acme.wire.instead = self._signing_in(fault.answer, credential(acme))
                answer = await acme.ask("GET", endpoint)
                told = {400: (502,), 409: (502,), 412: (502,)}.get(int(fault.name[:3]) if fault.name.isdecimal() else 0)
                secrets = {credential(acme), *acme.secrets}
                problems += wrong(f"a sign-in answered with {fault.name}", answer, right, told or fault.told, secrets)
                self._over(acme)
        no_problems(problems)

    def _signing_in(self, answer: Answer, secret: str) -> Any:
        return lambda request: answer(request, secret) if self.signs_in(request) else None


def credential(acme: Connected) -> str:
    """What the connection last signed its requests with."""
    sent = [each.headers.get("Authorization", "") for each in acme.wire.calls]
    return next((each.partition(" ")[2] for each in reversed(sent) if each), "") or min(acme.secrets)


def _filters(acme: Connected, name: str, directory: Directory) -> Iterator[str]:
    """A filter for each access path that rules lead to."""
    resources, taken = acme.resources(name), set[int]()
    for rule in rules(directory.collection):
        path = directory.collection.resource.resolve(rule.attribute)
        assert path is not None
        for literal in literals(path, resources.values())[:4]:
            operator = min(rule.operators - {"pr"}, default="pr")
            text = f"{rule.attribute} {operator} {literal if operator != 'pr' else ''}".strip()
            plan = directory.reader.planner.plan(Query(parse(text)))
            ways = {id(each.access) for each in plan.branches if each.pushed}
            if ways - taken:
                taken |= ways
                yield text
                break


def _paths(directory: Directory) -> Iterator[AccessPath]:
    """All that is read to show a collection."""
    collection = directory.collection
    yield from (collection.item, *collection.reads)
    for relation in collection.relations:
        for read in relation.reads:
            yield read.access


def _within_record(access: AccessPath) -> bool:
    """Whether it is a record's own list, which lacks where it is empty."""
    return bool(access.variables) and isinstance(access.pager, OnePage) and access.rows not in ("", ".")


def _by_id(collection: Collection) -> Iterator[str]:
    """Patterns of the upstream paths that name a record."""
    records = [each.record for each in collection.relations if each.record is not None]
    also = [other for each in collection.reads for other in each.also]
    for each in (collection.item, *collection.reads, *also, *records):
        if each.variables:
            yield re.sub(r"\\{\w+\\}", "[^/]+", re.escape(each.path.partition("?")[0]))


def wrong(told: str, answer: ScimResponse, right: ScimResponse, statuses: Any, secrets: Any) -> list[str]:
    """What is wrong with an answer: it is neither the right one after all nor says whose trouble it is."""
    if answer.status == right.status:
        return [] if answer.body == right.body else [f"{told}, and a client gets {answer.body!r}"]
    detail = answer.body["detail"] if isinstance(answer.body, dict) else ""
    problems = [] if answer.status in statuses else [f"{told} becomes {answer.status}: {detail}"]
    if answer.status != 404 and REQUEST_ID not in detail:
        problems.append(f"{told} does not name the request: {detail}")
    if answer.status in (502, 503, 504) and f"Upstream {CONNECTION}: " not in detail:
        problems.append(f"{told} does not name the upstream: {detail}")
    if any(each and each in detail for each in secrets):
        problems.append(f"{told} tells a secret: {detail}")
    if answer.status == 429 and not answer.headers.get("Retry-After", "").isdecimal():
        problems.append(f"{told} does not say when to try again")
    return problems
