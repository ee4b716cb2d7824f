"""The simulated governance groups ("workgroups") and their members, and roles with those who have them.

Sources: Governance Groups, Roles.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scim_bridge.providers.sailpoint_isc.sandbox_filter import Field, Language, field_of, language
from scim_bridge.providers.sailpoint_isc.sandbox_people import reference
from scim_bridge.providers.sailpoint_isc.sandbox_store import Row
from scim_bridge.providers.sailpoint_isc.sandbox_tenant import Tenant
from scim_bridge.providers.sailpoint_isc.sandbox_wire import (
    CONTENT,
    MISSING,
    VALUE,
    Answer,
    Inbound,
    Refusal,
    bad,
    list_of,
    not_found,
    object_of,
    patched,
    refusal,
)

MOST_MEMBERS_A_PAGE: Final = 50
MOST_ROLES_A_PAGE: Final = 50
GROUPS: Final = language(sorters="name created modified id description", id="eq in sw", name="eq sw in")
MEMBERS: Final = Language(sorters={name: field_of(name) for name in ("name", "created", "modified")})
ROLES: Final = language(
    sorters="name created modified",
    id="eq in",
    name="eq sw",
    created="gt ge le",
    modified="lt ge le",
    owner__id="eq in",
    requestable="eq",
    dimensional="eq",
)
ASSIGNED: Final = language(
    sorters="id name aliasName email", id="eq in", aliasName="eq sw", email="eq sw", name="eq sw co"
)
_FIELDS: Final = frozenset("name description owner id memberCount connectionCount created modified".split())


def _text(value: Any) -> bool:
    return isinstance(value, str)


@dataclass(frozen=True, slots=True)
class Workgroups:
    """The endpoints of governance groups."""

    tenant: Tenant

    def read_all(self, request: Inbound) -> Answer:
        store = self.tenant.store
        members = Field(frozenset({"eq", "in"}), lambda row: list(store.members[row["id"]]))
        filters = {**GROUPS.filters, "memberships.identityId": members}
        language = Language(filters, GROUPS.sorters)
        return self.tenant.listed(
            request, language, lambda: list(store.workgroups.values()), show=store.shown_workgroup
        )

    def read(self, request: Inbound) -> Answer:
        return Answer(200, self.tenant.store.shown_workgroup(self.tenant.workgroup(request)))

    def create(self, request: Inbound) -> Answer:
        """200, not 201."""
        body, tenant = object_of(request), self.tenant
        if unknown := body.keys() - _FIELDS:
            raise bad(CONTENT, f"{', '.join(sorted(unknown))} is unknown")
        if not isinstance(body.get("name"), str) or not body["name"]:
            raise bad(MISSING, "name is missing")
        if not isinstance(body.get("description", ""), str):
            raise bad(VALUE, "description is text")
        if body.get("owner") is None and tenant.knobs.group_owner_required:
            raise bad(MISSING, "owner is missing")
        made = {"id": tenant.uuid(), "name": body["name"], "description": body.get("description", "")}
        owner = {} if body.get("owner") is None else {"owner": tenant.owner(body["owner"])}
        row: Row = {**made, **owner, "created": tenant.now(), "modified": tenant.now()}
        tenant.store.workgroups[row["id"]] = row
        tenant.store.changed()
        return Answer(200, tenant.store.shown_workgroup(row))

    def modify(self, request: Inbound) -> Answer:
        """Only name, description and owner."""
        row, tenant = self.tenant.workgroup(request), self.tenant
        allowed: Mapping[str, Callable[[Any], bool]] = {
            "name": lambda value: isinstance(value, str) and value != "",
            "description": _text,
            "owner": lambda value: isinstance(value, dict),
        }
        changed = patched(row, list_of(request), allowed)
        if changed.get("owner") != row.get("owner") and changed.get("owner") is not None:
            changed["owner"] = tenant.owner(changed["owner"])
        if not changed["name"]:
            raise bad(MISSING, "name cannot be taken away")
        row.clear()
        row |= {name: value for name, value in changed.items() if value is not None} | {"modified": tenant.now()}
        tenant.store.changed()
        return Answer(200, tenant.store.shown_workgroup(row))

    def delete(self, request: Inbound) -> Answer:
        row, store = self.tenant.workgroup(request), self.tenant.store
        if store.connections[row["id"]]:
            raise self._in_use()
        store.remove_workgroup(row["id"])
        return Answer(204)

    def _in_use(self) -> Refusal:
        text = "the governance group is in use"
        return bad(VALUE, text) if self.tenant.knobs.group_in_use == 400 else refusal(409, "409.0 In use", text)

    def bulk_delete(self, request: Inbound) -> Answer:
        """Per item: 204, 404, or 409 for a group in use."""
        ids = object_of(request).get("ids")
        if not isinstance(ids, list) or len(ids) > 100:
            raise bad(CONTENT, "ids takes up to 100 ids")
        return Answer(207, [self._deleted(str(each)) for each in ids])

    def _deleted(self, group: str) -> Row:
        store = self.tenant.store
        if group not in store.workgroups:
            return {"id": group, "status": 404, "description": "Not found"}
        if store.connections[group]:
            return {"id": group, "status": 409, "description": "In use"}
        store.remove_workgroup(group)
        return {"id": group, "status": 204, "description": "Deleted"}

    def connections(self, request: Inbound) -> Answer:
        rows = self.tenant.store.connections[self.tenant.workgroup(request)["id"]]
        return self.tenant.listed(request, MEMBERS, lambda: rows, most=MOST_MEMBERS_A_PAGE)

    # -- members ----------------------------------------------------------------------------------------------------

    def members(self, request: Inbound) -> Answer:
        store, group = self.tenant.store, self.tenant.workgroup(request)["id"]

        def rows() -> Sequence[Row]:
            return [_member(store.identities[each].data) for each in store.members[group]]

        return self.tenant.listed(request, MEMBERS, rows, most=MOST_MEMBERS_A_PAGE)

    def add_members(self, request: Inbound) -> Answer:
        """207 with a status each: 201 added, 409 there already, 404 no such identity."""
        group = self.tenant.workgroup(request)["id"]
        return Answer(207, [self._added(group, each) for each in self._named(request)])

    def remove_members(self, request: Inbound) -> Answer:
        """207 with a status each: 204 removed, 404 no member."""
        group = self.tenant.workgroup(request)["id"]
        return Answer(207, [self._removed(group, each) for each in self._named(request)])

    def _named(self, request: Inbound) -> list[str]:
        items = list_of(request)
        if self.tenant.knobs.members_per_call is not None and len(items) > self.tenant.knobs.members_per_call:
            raise bad(CONTENT, "too many identities")
        for each in items:
            if not isinstance(each, Mapping) or each.get("type") != "IDENTITY" or not isinstance(each.get("id"), str):
                raise bad(CONTENT, "an identity needs type and id")
        return [each["id"] for each in items]

    def _added(self, group: str, identity: str) -> Row:
        store = self.tenant.store
        if identity not in store.identities:
            return {"id": identity, "status": 404, "description": "The identity does not exist."}
        if identity in store.members[group]:
            return {"id": identity, "status": 409, "description": "The identity is a member already."}
        store.join(group, [identity])
        return {"id": identity, "status": 201, "description": "Added."}

    def _removed(self, group: str, identity: str) -> Row:
        store = self.tenant.store
        if identity not in store.members[group]:
            return {"id": identity, "status": 404, "description": "The identity is no member."}
        store.leave(group, identity)
        return {"id": identity, "status": 204, "description": "Removed."}


@dataclass(frozen=True, slots=True)
class Roles:
    """The endpoints that read roles."""

    tenant: Tenant

    def read_all(self, request: Inbound) -> Answer:
        rows = self.tenant.store.roles
        return self.tenant.listed(request, ROLES, lambda: list(rows.values()), most=MOST_ROLES_A_PAGE)

    def read(self, request: Inbound) -> Answer:
        return Answer(200, self._role(request))

    def _role(self, request: Inbound) -> Row:
        found = self.tenant.store.roles.get(request.ids["role"])
        if found is None:
            raise not_found()
        return found

    def assigned(self, request: Inbound) -> Answer:
        store, role = self.tenant.store, self._role(request)["id"]

        def rows() -> Sequence[Row]:
            return [_assigned(store.identities[each].data, source) for each, source in store.assigned[role].items()]

        return self.tenant.listed(request, ASSIGNED, rows)


def _member(row: Row) -> Row:
    found = reference(row)
    return found if row.get("emailAddress") is None else {**found, "email": row["emailAddress"]}


def _assigned(row: Row, source: str) -> Row:
    shown = {"id": row["id"], "aliasName": row["alias"], "name": row["name"], "roleAssignmentSource": source}
    return shown if row.get("emailAddress") is None else {**shown, "email": row["emailAddress"]}
