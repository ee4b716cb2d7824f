"""The simulated search: another copy of the identities, some minutes old, with other names and other windows.

Source: Search; "Paginating Search Queries". Of its query language only what is needed to walk it: ``*``, and
``field:value`` and ``field.exact:"value"`` joined by OR. Field names tell case apart.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from scim_bridge.providers.sailpoint_isc.sandbox_filter import field_of
from scim_bridge.providers.sailpoint_isc.sandbox_store import Row
from scim_bridge.providers.sailpoint_isc.sandbox_tenant import Tenant
from scim_bridge.providers.sailpoint_isc.sandbox_wire import (
    CONTENT,
    SYNTAX,
    Answer,
    Inbound,
    bad,
    object_of,
    truth,
    whole,
)

WINDOW: Final = 10_000
DEFAULT_LIMIT: Final = 250
_TERM: Final = re.compile(r'(?P<field>[\w.]+):(?:"(?P<quoted>[^"]*)"|(?P<word>\S+))')


@dataclass(slots=True)
class Search:
    """The endpoints of search, over documents as they were at the last indexing."""

    tenant: Tenant
    _documents: list[Row] = field(default_factory=list)
    _indexed: float | None = None

    def run(self, request: Inbound) -> Answer:
        """Pages by offset within the window, or by `searchAfter` the last values in the order of `sort`."""
        body = object_of(request)
        offset, limit = whole(request, "offset", 0), whole(request, "limit", DEFAULT_LIMIT)
        after = body.get("searchAfter")
        if offset + limit > WINDOW or (after is not None and (offset or not body.get("sort"))):
            raise bad(CONTENT, "offset and limit reach beyond 10000, or searchAfter lacks sort or has an offset")
        found = self._sorted(self._found(body), body.get("sort") or [])
        total = len(found) if truth(request, "count") else None
        if after is not None:
            reads = _reads(body["sort"])
            found = [each for each in found if [str(read(each)) for read in reads] > [str(value) for value in after]]
        return Answer(200, found[offset : offset + limit], total)

    def count(self, request: Inbound) -> Answer:
        """The number in the header alone."""
        return Answer(204, None, len(self._found(object_of(request))))

    def _found(self, body: Mapping[str, Any]) -> Sequence[Row]:
        if body.get("indices", ["identities"]) != ["identities"]:
            return []
        text = (body.get("query") or {}).get("query", "*")
        tests = [] if text.strip() == "*" else [_test(term) for term in re.split(r"\s+OR\s+", text.strip())]
        return [each for each in self._indexed_documents() if not tests or any(test(each) for test in tests)]

    def _indexed_documents(self) -> Sequence[Row]:
        now = self.tenant.store.clock.now()
        if self._indexed is None or now - self._indexed >= self.tenant.knobs.search_lag_seconds:
            self._indexed = now
            self._documents = [_document(each.data) for each in self.tenant.store.identities.values()]
        return self._documents

    def _sorted(self, rows: Sequence[Row], sort: Sequence[str]) -> Sequence[Row]:
        reads = _reads(sort)
        return sorted(rows, key=lambda row: [str(read(row)) for read in reads]) if reads else rows


def _reads(sort: Sequence[str]) -> list[Callable[[Any], Any]]:
    return [field_of(each.lstrip("+")) for each in sort]


def _test(term: str) -> Callable[[Row], bool]:
    found = _TERM.fullmatch(term)
    if found is None:
        raise bad(SYNTAX, f"cannot read {term}")
    name, wanted = found["field"], found["quoted"] if found["quoted"] is not None else found["word"]
    if name.endswith(".exact"):
        exact = field_of(name.removesuffix(".exact"))
        return lambda row: exact(row) == wanted
    read = field_of(name)
    return lambda row: wanted.lower() in str(read(row) or "").lower().split()


def _document(row: Row) -> Row:
    """`name` is the alias here, and `displayName` what the identity calls its name."""
    attributes, manager = row["attributes"], row["managerRef"]
    status = row["identityStatus"]
    document = {
        "_type": "identity", "id": row["id"], "name": row["alias"], "displayName": row["name"],
        "firstName": attributes.get("firstname"), "lastName": attributes.get("lastname"),
        "email": row["emailAddress"], "created": row["created"], "synced": row["lastRefresh"], "status": status,
        "disabled": status == "DISABLED", "locked": status == "LOCKED", "inactive": False, "protected": False,
        "isManager": row["isManager"], "attributes": attributes,
    }  # fmt: skip
    if manager is not None:
        document["manager"] = {"id": manager["id"], "name": manager["name"], "displayName": manager["name"]}
    return document
