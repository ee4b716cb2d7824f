"""Reading by startIndex and count, the way clients do, and filters compared with what they mean."""

from collections.abc import Iterable, Sequence
from typing import Any

from scim_bridge.query.plan import Query, Sort
from tests.providers.meaning import Case, Shown


async def pages(bridge: Any, count: int = 1000, **query: Any) -> list[str]:
    """The ids of users on all pages, until the stated total is reached; which has to be how many there are."""
    found: list[str] = []
    while True:
        page = await bridge.get("/Users", attributes="id", startIndex=len(found) + 1, count=count, **query)
        rows = page.get("Resources", ())
        found += [each["id"] for each in rows]
        assert page["itemsPerPage"] == len(rows) == min(count, page["totalResults"] - len(found) + len(rows))
        if len(found) >= page["totalResults"]:
            return found


async def differences(bridge: Any, people: Sequence[Shown], tried: Iterable[Case], count: int = 1000) -> list[str]:
    """The filters that find others than whom they mean, or somebody twice."""
    found = []
    for filter, test in tried:
        expected = sorted(each["id"] for each in people if test(each))
        ids = await pages(bridge, count, filter=filter)
        if sorted(ids) != expected:
            found.append(f"{filter}: {len(ids)} instead of {len(expected)}")
    return found


async def crawl(connection: Any, count: int = 100, kind: str = "users", sort: Sort | None = None) -> list[str]:
    """The ids on all pages of a directory, read without the program's protocol layer."""
    reader = getattr(connection, kind).reader
    found: list[str] = []
    while True:
        page = await reader.search(Query(offset=len(found), count=count, sort=sort))
        found += [each["id"] for each in page.resources]
        assert len(page.resources) == min(count, page.total - len(found) + len(page.resources))
        if len(found) >= page.total:
            return found
