"""Collections, a bounded part at a time."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, Field

from scim_bridge.admin.api.values import Given, PageQuery, model

T = TypeVar("T")


def page_of(item: type[BaseModel]) -> type[Any]:
    """The model of one page of a collection."""
    return model(
        f"{item.__name__}Page",
        Given,
        "A part of a collection.",
        items=(list[item], Field(description="In order.")),  # type: ignore[valid-type] # only known now
        next=(str | None, Field(description="What `after` has to be for what follows; null: nothing does.")),
    )


def part(
    things: Sequence[T], query: PageQuery, place: Callable[[T], str], *, newest_first: bool = False
) -> tuple[Sequence[T], str | None]:
    """The part of things that a query asks for, and what the next one has to ask for.

    ``place`` is a text that orders them: what comes or goes meanwhile moves nothing else to another part.
    """
    ordered = sorted(things, key=place, reverse=newest_first)
    if query.after is not None:
        after = query.after
        ordered = [each for each in ordered if (place(each) < after if newest_first else place(each) > after)]
    found = ordered[: query.limit]
    return found, place(found[-1]) if len(found) < len(ordered) else None


def place_in_time(created_at: int, thing_id: str) -> str:
    """Where something stands among others by when it was made."""
    return f"{created_at:015d}.{thing_id}"
