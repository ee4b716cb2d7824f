"""The part of the contract on reading."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import pytest

from scim_bridge.filters import parse, predicate, sort_rows
from scim_bridge.query.capabilities import Collection, Resource, Rule
from scim_bridge.query.directory import Directory
from scim_bridge.query.plan import Query, Sort
from scim_bridge.testing.base import Contract, no_problems, rules
from scim_bridge.testing.simulated import Connected
from scim_bridge.testing.values import literals

EVERYTHING: Final = 1_000_000


class ReadingContract(Contract):
    """Pages, look-ups, rules, sorts and relations answer what the sandbox holds."""

    @pytest.mark.parametrize("count", [1, 7, 100, EVERYTHING])
    async def test_pages_of_any_size_hold_every_row_once(self, count: int) -> None:
        async with self.connected() as acme:
            for name, directory in acme.directories.items():
                expected = acme.resources(name)
                assert sorted(await crawled(directory, count)) == sorted(expected), name

    async def test_a_resource_is_found_by_its_very_id(self) -> None:
        async with self.connected() as acme:
            for name, directory in acme.directories.items():
                for resource_id, expected in list(acme.resources(name).items())[:3]:
                    found = await directory.reader.get(resource_id, ())
                    assert found is not None and found["id"] == expected["id"]
                    if resource_id.swapcase() != resource_id:
                        assert await directory.reader.get(resource_id.swapcase(), ()) is None
                for wrong in ("nobody", "0", "a/b", "..", " ", "\x00", "ä", "x" * 300):
                    assert await directory.reader.get(wrong, ()) is None, (name, wrong)

    async def test_every_rule_finds_what_brute_force_finds(self) -> None:
        async with self.connected() as acme:
            problems = []
            for name, directory in acme.directories.items():
                for rule in rules(directory.collection):
                    problems += await self._tried(acme, name, directory, rule)
        no_problems(problems)

    async def _tried(self, acme: Connected, name: str, directory: Directory, rule: Rule) -> list[str]:
        """What is wrong with a rule: results that differ, or that no value made use of it."""
        resources = acme.resources(name)
        path = directory.collection.resource.resolve(rule.attribute)
        assert path is not None, rule.attribute
        problems, used = [], set()
        for operator in sorted(rule.operators):
            values = ["" if operator == "pr" else each for each in literals(path, resources.values())]
            for text in dict.fromkeys(f"{rule.attribute} {operator} {each}".strip() for each in values):
                plan = directory.reader.planner.plan(Query(parse(text)))
                used |= {operator} if any(branch.pushed for branch in plan.branches) or not plan.branches else set()
                problems += await self._compared(name, directory, resources, text)
        if rule.several is not None:
            for text in _together(rule, literals(path, resources.values())):
                problems += await self._compared(name, directory, resources, text)
        unused = rule.operators - used
        if unused:
            problems.append(f"{name}: {rule.attribute} {' '.join(sorted(unused))} is declared and never pushed")
        return problems

    async def _compared(
        self, name: str, directory: Directory, resources: Mapping[str, Resource], text: str
    ) -> list[str]:
        node = parse(text)
        matches = predicate(node, directory.collection.resource)
        expected = sorted(key for key, each in resources.items() if matches(each))
        page = await directory.reader.search(Query(node, count=EVERYTHING))
        found = sorted(each["id"] for each in page.resources)
        problems = [f"{name}: {text} finds {found}, not {expected}"] if found != expected else []
        if page.total != len(expected):
            problems.append(f"{name}: {text} has a total of {page.total}, not {len(expected)}")
        return problems

    async def test_every_access_path_is_taken(self) -> None:
        """What no list, comparison or order makes use of cannot be tried."""
        async with self.connected() as acme:
            problems = []
            for name, directory in acme.directories.items():
                plans = map(directory.reader.planner.plan, self._queries(acme, name))
                taken = {id(branch.access) for plan in plans for branch in plan.branches}
                unused = [each.path for each in directory.collection.reads if id(each) not in taken]
                problems += [f"{name}: {each} is declared and never read" for each in unused]
        no_problems(problems)

    def _queries(self, acme: Connected, name: str) -> Iterator[Query]:
        """Everything, in each declared order, and by comparisons of each rule."""
        collection = acme.directories[name].collection
        resources = acme.resources(name)
        yield Query()
        for access in collection.reads:
            yield from (Query(sort=Sort(path, order == "descending")) for path, order in access.sorts)
        for rule in rules(collection):
            path = collection.resource.resolve(rule.attribute)
            assert path is not None, rule.attribute
            for operator in sorted(rule.operators - {"pr"}):
                for literal in literals(path, resources.values())[:4]:
                    yield Query(parse(f"{rule.attribute} {operator} {literal}"))
            if rule.several is not None:
                yield from (Query(parse(text)) for text in _together(rule, literals(path, resources.values())))

    async def test_every_sort_is_scims(self) -> None:
        async with self.connected() as acme:
            for name, directory in acme.directories.items():
                declared = {path for access in directory.collection.reads for path, _ in access.sorts}
                for path in sorted({"id", *declared}):
                    for descending in (False, True):
                        resources = list(acme.resources(name).values())
                        expected = sort_rows(resources, path, descending, directory.collection.resource)
                        page = await directory.reader.search(Query(sort=Sort(path, descending), count=EVERYTHING))
                        read = _reader(directory.collection, path)
                        assert [read(each) for each in page.resources] == [read(each) for each in expected], (
                            name,
                            path,
                        )

    async def test_relations_are_the_upstreams(self) -> None:
        async with self.connected() as acme:
            for name, directory in acme.directories.items():
                related = acme.simulated.related(name)
                declared = {each.attribute for each in directory.collection.relations}
                assert declared == set(related), f"{name}: the sandbox does not tell of {declared ^ set(related)}"
                for attribute, owners in related.items():
                    assert any(owners.values()), f"{name}: nobody in the sandbox has {attribute}, so they go untried"
                    for resource_id in acme.resources(name):
                        found = await directory.members(resource_id, attribute)
                        assert {each["value"] for each in found} == owners.get(resource_id, frozenset()), attribute


def _together(rule: Rule, values: Sequence[str]) -> Iterator[str]:
    """Filters for several values: two, all there are, and as many copies as one request does not take."""
    for some in (values[:2], values, [*values[:2]] * rule.chunk):
        yield " or ".join(f"{rule.attribute} eq {each}" for each in some)


async def crawled(directory: Directory, count: int) -> list[str]:
    """The ids of all pages of so many rows."""
    ids: list[str] = []
    while True:
        page = await directory.reader.search(Query(offset=len(ids), count=count))
        ids += [each["id"] for each in page.resources]
        assert page.total is not None and len(page.resources) <= count
        if len(ids) >= page.total:
            return ids
        assert page.resources, f"{page.total} rows, and none after {len(ids)}"


def _reader(collection: Collection, path: str) -> Callable[[Resource], Any]:
    found = collection.resource.resolve(path)
    assert found is not None
    return found.read
