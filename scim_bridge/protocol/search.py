"""Queries: GET on a resource type or the root, POST on ``.search`` (RFC 7644 sections 3.4.2 and 3.4.3, RFC 9865)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
from scim2_models.path import FilterNode
from scim2_server.cursor import Cursors

from scim_bridge.filters import InvalidFilter, InvalidPath, parse, sort_key, sortable, validate
from scim_bridge.protocol import terms
from scim_bridge.protocol.errors import invalid_value
from scim_bridge.protocol.projection import Projection
from scim_bridge.protocol.requests import ScimRequest, Search
from scim_bridge.protocol.rows import Publisher, based
from scim_bridge.query.budget import ScanTooLarge
from scim_bridge.query.capabilities import Resource
from scim_bridge.query.directory import Directory
from scim_bridge.query.narrow import narrowed
from scim_bridge.query.plan import Query, Sort
from scim_bridge.query.relations import Record
from scim_bridge.query.sources import Source

MAX_REMEMBERED: Final = 1024
MAX_REMEMBERED_TEXT: Final = 1024
LIST_RESPONSE: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


@dataclass(frozen=True, slots=True)
class Paging:
    """The connection's page sizes, and how long a cursor lives in seconds."""

    default_count: int = 100
    max_count: int = 1000
    cursor_seconds: int = 3600

    def count(self, asked: int | None) -> int:
        """Rows of a page: as asked for, up to the maximum (RFC 7644 section 3.4.2.4)."""
        return min(self.default_count if asked is None else asked, self.max_count)


@dataclass(slots=True)
class _Found:
    resources: list[Resource]
    shown: int
    total: int | None
    next: Mapping[str, Any] | None


class Searcher:
    """Answers searches over the directories of one connection."""

    def __init__(
        self,
        directories: Sequence[Directory],
        publishers: Mapping[int, Publisher],
        paging: Paging,
        cursors: Cursors,
        scan_rows: int,
    ) -> None:
        """``publishers`` by the identity of their directory."""
        self._directories = directories
        self._publishers = publishers
        self._paging = paging
        self._cursors = cursors
        self._scan_rows = scan_rows
        self._filters: dict[tuple[str, int], FilterNode] = {}

    async def one_type(
        self, directory: Directory, source: Source, search: Search, request: ScimRequest
    ) -> tuple[Mapping[str, Any] | bytes, int | None]:
        """The ListResponse over one resource type, and the revision of the copy that it is from."""
        schema = directory.collection.resource
        shown = self._publishers[id(directory)].projection(search.attributes, search.excluded)
        query = self.query(directory, search, shown)
        position = self._opened(search, request, schema.name)
        if search.cursor is not None:
            offset = int(position["o"]) if position else query.offset
            # The total may then be left out (RFC 9865 section 2), unless it is all that is asked for.
            query = replace(query, offset=offset, need_total=query.count == 0)
        page = await source.search(query, position)
        if page.documents is not None:
            found = _Found([], len(page.documents), page.total, page.next)
            head = self._response(found, search, request, schema.name)
            return _stitched(head, page.documents, request.base_url), page.revision
        publisher = self._publishers[id(directory)]
        resources = [publisher.shown(request.base_url, record, shown) for record in page.records]
        found = _Found(resources, len(resources), page.total, page.next)
        return self._response(found, search, request, schema.name), page.revision

    def query(self, directory: Directory, search: Search, shown: Projection) -> Query:
        """The search as a query of the engine.

        Raises InvalidFilter, and ScimError 400 for an attribute that does not sort.
        """
        node = self._checked(search.filter, directory) if search.filter is not None else None
        sort = Sort(self._sortable(search.sort_by, directory), search.descending) if search.sort_by else None
        count = self._paging.count(search.count)
        publisher = self._publishers[id(directory)]
        relations, plain = publisher.relations(shown), publisher.is_default(shown)
        follow = search.cursor is not None
        return Query(node, sort, search.start_index - 1, count, relations, documents=plain, follow=follow)

    def _checked(self, text: str, directory: Directory) -> FilterNode:
        """A filter that fits a resource type. Those that do are remembered: checking takes longer than answering."""
        key = text, id(directory)
        node = self._filters.get(key)
        if node is None:
            node = parse(text)
            validate(node, directory.collection.resource)
            self._check_held(node, directory)
            if len(text) <= MAX_REMEMBERED_TEXT:
                self._filters[key] = node
                if len(self._filters) > MAX_REMEMBERED:
                    self._filters.pop(next(iter(self._filters)))
        return node

    async def all_types(self, search: Search, request: ScimRequest) -> Mapping[str, Any]:
        """The ListResponse over all resource types, one after the other (RFC 7644 section 3.4.2.1)."""
        position = self._opened(search, request, "")
        offset = int(position["o"]) if position else search.start_index - 1
        searched = self._searched(search)
        count = self._paging.count(search.count)
        if search.sort_by is not None:
            found = await self._sorted(searched, search, offset, count, request.base_url)
        else:
            found = await self._joined(searched, offset, count, request.base_url)
        return self._response(found, search, request, "")

    def _searched(self, search: Search) -> list[tuple[Directory, Query, Projection]]:
        """The resource types a root search may match in, with the filter as it reads for each."""
        node = parse(search.filter) if search.filter is not None else None
        found = []
        for directory in self._directories:
            schema = directory.collection.resource
            shown = self._publishers[id(directory)].projection(search.attributes, search.excluded)
            own = narrowed(node, schema) if node is not None else True
            if own is False:
                continue
            if own is not True:
                self._check_held(own, directory)
            relations = shown.relations(directory.collection)
            found.append((directory, Query(None if own is True else own, relations=relations), shown))
        return found

    async def _joined(
        self, searched: Sequence[tuple[Directory, Query, Projection]], offset: int, count: int, base_url: str
    ) -> _Found:
        resources: list[Resource] = []
        before = 0  # matches in the types already passed
        for directory, query, shown in searched:
            start = max(0, offset + len(resources) - before)
            window = Query(query.filter, None, start, count - len(resources), query.relations)
            page = await (await directory.source()).search(window)
            assert page.total is not None
            publisher = self._publishers[id(directory)]
            resources += [publisher.shown(base_url, record, shown) for record in page.records]
            before += page.total
        return _Found(resources, len(resources), before, _after(offset, len(resources), before))

    async def _sorted(
        self,
        searched: Sequence[tuple[Directory, Query, Projection]],
        search: Search,
        offset: int,
        count: int,
        base_url: str,
    ) -> _Found:
        """Every match of every type, sorted here; the budget of each type bounds it."""
        assert search.sort_by is not None
        if not any(each.collection.resource.resolve(search.sort_by) for each in self._directories):
            raise invalid_value(f"There is no attribute {search.sort_by}")
        keyed: list[tuple[Any, Record, Directory, Projection]] = []
        for directory, query, shown in searched:
            key, relations = self._sort_key(search.sort_by, directory)
            everything = Query(query.filter, count=self._scan_rows, relations=relations)
            page = await (await directory.source()).search(everything)
            if page.next is not None:
                raise ScanTooLarge(f"more than {self._scan_rows} resources would have to be sorted (limits.scan_rows)")
            keyed += [(key(record.resource), record, directory, shown) for record in page.records]
        keyed.sort(key=lambda each: each[0], reverse=search.descending)
        resources = []
        for _, record, directory, shown in keyed[offset : offset + count]:
            await (await directory.source()).fill([record], shown.relations(directory.collection))
            resources.append(self._publishers[id(directory)].shown(base_url, record, shown))
        return _Found(resources, len(resources), len(keyed), _after(offset, len(resources), len(keyed)))

    # -- what can be searched and sorted by ---------------------------------------------------------------------------

    def _check_held(self, node: FilterNode, directory: Directory) -> None:
        """Raises InvalidFilter for what answers make up: no row holds it, so it would quietly match none."""
        made_up = self._publishers[id(directory)].made_up
        for name in terms.named(node):
            found = directory.collection.resource.resolve(name)
            if found is not None and found.canonical in made_up:
                raise InvalidFilter(f"{found.canonical} cannot be filtered on: it is made up for each answer")

    def _sortable(self, path: str, directory: Directory) -> str:
        try:
            found = sortable(path, directory.collection.resource).canonical
        except InvalidPath as error:
            raise invalid_value(f"sortBy: {error}") from None
        if found in self._publishers[id(directory)].made_up:
            raise invalid_value(f"sortBy: {found} is made up for each answer and has no order")
        return found

    def _sort_key(
        self, path: str, directory: Directory
    ) -> tuple[Callable[[Resource], tuple[bool, Any]], frozenset[str]]:
        """The sort key of a path, and the relation it takes to tell; a type that lacks it has no value anywhere."""
        schema = directory.collection.resource
        found = schema.resolve(path)
        if found is None:
            return lambda resource: (True, ""), frozenset()
        related = {found.attribute.name} & {each.attribute for each in directory.collection.relations}
        return sort_key(self._sortable(path, directory), schema), frozenset(related)

    # -- cursors (RFC 9865) -------------------------------------------------------------------------------------------

    def _opened(self, search: Search, request: ScimRequest, scope: str) -> Mapping[str, Any] | None:
        """The position a cursor holds; None without one and for the first page."""
        if not search.cursor:
            return None
        bound = _bound(search, request, scope)
        position: Mapping[str, Any] = self._cursors.open(
            search.cursor, bound, search.count, self._paging.cursor_seconds
        )
        return position

    def _response(self, found: _Found, search: Search, request: ScimRequest, scope: str) -> dict[str, Any]:
        body: dict[str, Any] = {"schemas": [LIST_RESPONSE]}
        if found.total is not None:
            body["totalResults"] = found.total
        body["itemsPerPage"] = found.shown
        if search.cursor is None:
            body["startIndex"] = search.start_index
        elif found.next is not None:
            body["nextCursor"] = self._cursors.seal(_bound(search, request, scope), search.count, dict(found.next))
        body["Resources"] = found.resources
        return body


def _stitched(response: Mapping[str, Any], documents: Sequence[bytes], base_url: str) -> bytes:
    """A ListResponse with stored documents for its resources; they are long, so they are copied as seldom as can be."""
    head = orjson.dumps(response).removesuffix(b"]}")
    if not documents:
        return head + b"]}"
    parts = [*documents]
    parts[0] = head + parts[0]
    parts[-1] += b"]}"
    return based(b",".join(parts), base_url)


def _after(offset: int, shown: int, total: int) -> Mapping[str, Any] | None:
    return {"o": offset + shown} if shown and offset + shown < total else None


def _bound(search: Search, request: ScimRequest, scope: str) -> str:
    """What a cursor is good for: this query, this connection, this caller (RFC 9865 section 5.2)."""
    parts = (request.caller, scope, search.filter, search.sort_by, search.descending)
    return orjson.dumps(parts).decode()
