"""The simulated non-employee records: they become identities later, and their ids are no identity ids.

Source: Non-Employee Lifecycle Management.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scim_bridge.providers.sailpoint_isc.sandbox_filter import Language, field_of, fields
from scim_bridge.providers.sailpoint_isc.sandbox_people import NON_EMPLOYEES, identity_row, reference
from scim_bridge.providers.sailpoint_isc.sandbox_store import Row
from scim_bridge.providers.sailpoint_isc.sandbox_tenant import Tenant
from scim_bridge.providers.sailpoint_isc.sandbox_wire import (
    CONTENT,
    MISSING,
    VALUE,
    Answer,
    Inbound,
    bad,
    list_of,
    not_found,
    object_of,
    patched,
)

REQUIRED: Final = tuple("accountName firstName lastName email phone manager sourceId startDate endDate".split())
SORTERS: Final = tuple(
    "id accountName sourceId manager firstName lastName email phone startDate endDate created modified".split()
)
RECORDS: Final = Language(fields(sourceId="eq"), {each: field_of(each) for each in SORTERS})
MOST_DATA: Final = 10
IDENTITY_ATTRIBUTES: Final = {"firstName": "firstname", "lastName": "lastname", "email": "email", "phone": "phone"}


@dataclass(frozen=True, slots=True)
class NonEmployees:
    """The endpoints of non-employee records."""

    tenant: Tenant

    def read_all(self, request: Inbound) -> Answer:
        return self.tenant.listed(request, RECORDS, lambda: list(self.tenant.store.records.values()))

    def read(self, request: Inbound) -> Answer:
        return Answer(200, self._record(request))

    def create(self, request: Inbound) -> Answer:
        """200 with the record; the identity comes with the next aggregation."""
        body, tenant = _checked(object_of(request)), self.tenant
        sources = [each["authoritativeSource"]["id"] for each in tenant.store.profiles.values()]
        if body["sourceId"] not in sources:
            raise bad(VALUE, "sourceId is no non-employee source")
        if any(each["accountName"] == body["accountName"] for each in tenant.store.records.values()):
            raise bad(VALUE, "accountName is taken")
        row: Row = {"id": tenant.uuid(), "data": {}, **body, "created": tenant.now(), "modified": tenant.now()}
        tenant.store.records[row["id"]] = row
        self._aggregated(row)
        return Answer(200, row)

    def replace(self, request: Inbound) -> Answer:
        row, body = self._record(request), _checked(object_of(request))
        return self._changed(row, {**row, "data": {}, **body})

    def modify(self, request: Inbound) -> Answer:
        row = self._record(request)
        allowed: dict[str, Callable[[Any], bool]] = {name: _text for name in REQUIRED if name != "sourceId"}
        allowed["data"] = _is_data
        changed = patched(row, list_of(request), allowed)
        _checked({name: value for name, value in changed.items() if name in {*REQUIRED, "data"}})
        return self._changed(row, changed)

    def delete(self, request: Inbound) -> Answer:
        """The identity outlives its record: it goes with the deletion that runs at night."""
        row = self._record(request)
        del self.tenant.store.records[row["id"]]
        return Answer(204)

    def _record(self, request: Inbound) -> Row:
        found = self.tenant.store.records.get(request.ids["record"])
        if found is None:
            raise not_found()
        return found

    def _changed(self, row: Row, changed: Row) -> Answer:
        row |= changed | {"modified": self.tenant.now()}
        self._aggregated(row)
        return Answer(200, row)

    def _aggregated(self, row: Row) -> None:
        """What the record says reaches its identity, which is made if there is none."""
        self.tenant.store.changed()
        self.tenant.store.later(self.tenant.knobs.aggregation_seconds, lambda: self._aggregate(dict(row)))

    def _aggregate(self, row: Row) -> None:
        store = self.tenant.store
        if row["id"] not in store.records:
            return
        values = {attribute: row[name] for name, attribute in IDENTITY_ATTRIBUTES.items()}
        fresh = identity_row(store, self.tenant.hex_id(), row["accountName"], values, source=NON_EMPLOYEES)
        known = store.identity_of(row["accountName"])
        boss = store.identity_of(row["manager"])
        manager = None if boss is None else reference(boss.data)
        if known is None:
            fresh.data["managerRef"] = manager
            store.identities[fresh.data["id"]] = fresh
            return
        known.data |= {name: fresh.data[name] for name in ("name", "emailAddress")} | {"managerRef": manager}
        known.data["attributes"] |= values | {"displayName": fresh.data["name"]}
        known.data["modified"] = self.tenant.now()


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _is_data(value: Any) -> bool:
    return isinstance(value, Mapping) and len(value) <= MOST_DATA and all(map(_text, value.values()))


def _checked(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a whole record; all but `data` are required."""
    if unknown := body.keys() - {*REQUIRED, "data", "id", "created", "modified"}:
        raise bad(CONTENT, f"{', '.join(sorted(unknown))} is unknown")
    for name in REQUIRED:
        if not _text(body.get(name)) or not body[name]:
            raise bad(MISSING, f"{name} is missing")
    if not _is_data(body.get("data", {})):
        raise bad(VALUE, f"data takes up to {MOST_DATA} texts")
    return {name: body[name] for name in (*REQUIRED, "data") if name in body}
