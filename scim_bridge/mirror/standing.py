"""How the mirror of a connection stands, for those who operate it."""

from collections.abc import Iterable
from dataclasses import dataclass

from scim_bridge.mirror import passes
from scim_bridge.mirror.tables import Tables, state_of_tables
from scim_bridge.store.database import Sql


@dataclass(frozen=True, slots=True)
class Standing:
    """One resource type. Times are microseconds since 1970, None for never.

    ``complete``: reads are answered from it. ``fresh_at``: as of when it is as its upstream. ``full_at``: when it was
    last compared as a whole. ``held``: resources that seem to be gone, and stay until that is approved.
    """

    resource: str
    complete: bool
    fresh_at: int | None
    full_at: int | None
    held: int


def standing(sql: Sql, connection: str, copies: Iterable[tuple[str, Tables]]) -> list[Standing]:
    """How each resource type stands, given its name and tables."""
    return [_one(sql, connection, resource, tables) for resource, tables in copies]


def _one(sql: Sql, connection: str, resource: str, tables: Tables) -> Standing:
    state = state_of_tables(sql, tables)
    left = passes.load(sql, connection, resource)
    held = left.gone if left is not None and left.gone is not None else 0
    return Standing(resource, state.complete, state.fresh_at, state.full_at, held)
