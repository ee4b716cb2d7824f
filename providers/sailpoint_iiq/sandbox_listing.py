"""How every list of the simulated site is filtered, sorted, paged and projected."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from scim_bridge.providers.sailpoint_iiq.sandbox_filter import Columns, parsed, sort_key
from scim_bridge.providers.sailpoint_iiq.sandbox_projection import projected
from scim_bridge.providers.sailpoint_iiq.sandbox_site import Row, Site, found_or_none
from scim_bridge.providers.sailpoint_iiq.sandbox_wire import (
    DEFAULT_COUNT,
    Inbound,
    invalid_value,
    list_response,
    not_found,
)

Answer = tuple[int, dict[str, Any] | None]
_KEPT: Final = 8


@dataclass(slots=True)
class Listing:
    """One resource type: its records, what of them filters may name, and how one is shown in whole.

    The rows that a filter and an order come to are kept until something changes: a crawl asks for them page by page.
    """

    site: Site
    records: Callable[[], Mapping[str, Row]]
    columns: Callable[[], Columns]
    whole: Callable[[Row], Row]
    _kept: dict[tuple[str, ...], list[Row]] = field(default_factory=dict)
    _changes: int = -1
    _random: Random = field(default_factory=lambda: Random(5))

    def read_all(self, request: Inbound) -> Answer:
        rows, bare = self._rows(request.query), self.site.knobs.bare_extension
        page, start = paged(rows, request, self.site)
        shown = [projected(self.whole(each), request.query, bare=bare) for each in page]
        return 200, list_response(shown, len(rows), start)

    def read(self, request: Inbound) -> Answer:
        """A record by id, or by name where the path holds one."""
        found = found_or_none(self.records(), request.id, by_name=request.by_name)
        if found is None:
            raise not_found(request.id)
        return 200, projected(self.whole(found), request.query)

    def _rows(self, query: Mapping[str, str]) -> list[Row]:
        if self._changes != self.site.changes:
            self._kept, self._changes = {}, self.site.changes
        key = tuple(query.get(each, "") for each in ("filter", "sortBy", "sortOrder", "lookupByName"))
        if not self.site.knobs.stable and "sortBy" not in query:
            rows = self._matching(query)
            return self._random.sample(rows, len(rows))
        if key not in self._kept:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[key] = self._matching(query)
        return self._kept[key]

    def _matching(self, query: Mapping[str, str]) -> list[Row]:
        columns, rows = self.columns(), list(self.records().values())
        if text := query.get("filter"):
            rows = list(filter(parsed(text, columns, self.site.knobs), rows))
        if (name := query.get("sortBy")) is None:
            return rows
        column = columns.by_name.get(columns.plain(name))
        order = query.get("sortOrder", "ascending")
        if column is None or order not in ("ascending", "descending"):
            raise invalid_value(f"Invalid sortBy: {name}" if column is None else f"Invalid sortOrder: {order}")
        return sorted(rows, key=sort_key(column), reverse=order == "descending")


def paged(rows: Sequence[Row], request: Inbound, site: Site) -> tuple[Sequence[Row], int]:
    """The page of a list that is asked for, and its startIndex."""
    start = max(1, request.number("startIndex", 1))
    count = max(0, min(request.number("count", DEFAULT_COUNT), site.knobs.max_results))
    return rows[start - 1 : start - 1 + (site.knobs.page_size(count) if count else 0)], start
