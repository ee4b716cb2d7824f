"""What the parts of the contract share."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest

from scim_bridge.query.capabilities import Collection, Resource, Rule
from scim_bridge.query.provider import Provider
from scim_bridge.testing.clock import FakeClock
from scim_bridge.testing.simulated import Connected, Simulated, connected
from scim_bridge.testing.values import sample, writable


class Contract:
    """What the parts of the contract share: the provider, its sandbox, and what is peculiar to it."""

    provider: ClassVar[Provider[Any]]
    people: ClassVar[int] = 30
    unwritten: ClassVar[Mapping[str, str]] = {}  # writable paths that cannot be tried like others, and why
    twins: ClassVar[Mapping[str, str]] = {}  # paths of one upstream field: they are written together
    not_undone: ClassVar[Mapping[str, str]] = {}  # resource types whose creation the vendor cannot take back, and why
    follows: ClassVar[Mapping[str, frozenset[str]]] = {}  # path to the top-level attributes that change along with it

    def simulated(self, people: int) -> Simulated:
        """A fresh sandbox, the same each time."""
        raise NotImplementedError

    def value(self, resource_type: str, path: str, number: int) -> Any:
        """A value for an attribute that the vendor takes; NotImplemented leaves it to its schema."""
        return NotImplemented

    def new(self, collection: Collection, number: int) -> Resource:
        """A resource to create, with what is required and nothing more."""
        body: Resource = {"schemas": [collection.resource.base.id]}
        for path in writable(collection.resource):
            found = collection.resource.resolve(path)
            assert found is not None
            if found.attribute.required and path not in collection.supplied:
                put(body, found.keys, found.sub.name if found.sub else None, self._value(collection, path, number))
        return body

    def _value(self, collection: Collection, path: str, number: int) -> Any:
        own = self.value(collection.resource.name, path, number)
        found = collection.resource.resolve(path)
        assert found is not None
        return sample(found.target, number) if own is NotImplemented else own

    @asynccontextmanager
    async def connected(self, people: int | None = None, **changes: Any) -> AsyncIterator[Connected]:
        """A connection to a fresh sandbox."""
        simulated = self.simulated(self.people if people is None else people)
        async with connected(self.provider, simulated, FakeClock(), **changes) as found:
            yield found


def rules(collection: Collection) -> list[Rule]:
    """Every rule that a collection declares."""
    return [rule for access in (collection.item, *collection.reads) for rule in access.rules]


def no_problems(problems: list[str]) -> None:
    """Fails, telling all of them."""
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


def put(body: dict[str, Any], keys: tuple[str, ...], sub: str | None, value: Any) -> None:
    """Put a value at a path of a resource; None takes it away."""
    *outer, last = (*keys, sub) if sub is not None else keys
    for key in outer:
        body[key] = dict(body.get(key) or {})
        body = body[key]
    if value is None:
        body.pop(last, None)
    else:
        body[last] = value
