"""The simulated endpoints beside profiles: types, attributes, portal users, roles and who has them, jobs, the audit.

Sources: "Profile types", "Attributes", "Users", "Roles", "User roles", "Job status", "Audit events".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from scim_bridge.providers.sailpoint_nerm.sandbox_store import Record
from scim_bridge.providers.sailpoint_nerm.sandbox_tenant import Answer, Tenant
from scim_bridge.providers.sailpoint_nerm.sandbox_wire import Inbound, Listing, Refusal, invalid, unknown

PROFILE_TYPES: Final = Listing("profile_types", frozenset({"name", "archived"}))
ATTRIBUTES: Final = Listing("ne_attributes", frozenset({"label", "data_type"}))
USERS: Final = Listing(
    "users",
    frozenset({"name", "login", "title", "status", "type", "email", "sailpoint_identity_id"}),
    frozenset({"name", "login"}),
)
ROLES: Final = Listing("roles", frozenset({"type"}), frozenset({"name"}))
USER_ROLES: Final = Listing("user_roles", frozenset({"user_id", "role_id"}), frozenset({"id"}), ends_with=200)
KINDS: Final = ("NeprofileUser", "NeaccessUser")
USER_FIELDS: Final = frozenset(
    "uid name email type profile_id title status login group_strings locale preferred_language password "
    "sailpoint_identity_id".split()
)
AUDIT_MOST: Final = 100
AUDIT_FILTERS: Final = frozenset({"created_at", "subject_type", "type", "subject_id", "data"})
MAX_AUDIT_FILTERS: Final = 5


@dataclass(frozen=True, slots=True)
class Directory:
    """Endpoints over plain records."""

    tenant: Tenant

    # -- profile types and attributes -------------------------------------------------------------------------------

    def profile_types(self, request: Inbound) -> Answer:
        rows = [
            {**each, "archived": str(each["archived"]).lower()} for each in self.tenant.store.profile_types.values()
        ]
        found = self.tenant.records(request, PROFILE_TYPES, rows)
        return self.tenant.listed(
            request, PROFILE_TYPES, [self.tenant.store.profile_types[each["id"]] for each in found]
        )

    def profile_type(self, request: Inbound) -> Answer:
        return 200, {"profile_type": self._by_id_or_uid(self.tenant.store.profile_types, request, "profile type")}

    def attributes(self, request: Inbound) -> Answer:
        rows = self.tenant.records(request, ATTRIBUTES, list(self.tenant.store.attributes.values()))
        return self.tenant.listed(request, ATTRIBUTES, rows)

    def attribute(self, request: Inbound) -> Answer:
        return 200, {"ne_attribute": self._by_id_or_uid(self.tenant.store.attributes, request, "ne attribute")}

    def _by_id_or_uid(self, records: Mapping[str, Record], request: Inbound, words: str) -> Record:
        """Ids and uids share one path; a uid that looks like an id is taken for one."""
        key = request.ids["id"]
        found = records.get(key) or next((each for each in records.values() if each["uid"] == key), None)
        if found is None:
            raise unknown(words)
        return found

    # -- portal users -----------------------------------------------------------------------------------------------

    def users(self, request: Inbound) -> Answer:
        """All of them, kinds that no schema names included."""
        return self.tenant.listed(
            request, USERS, self.tenant.records(request, USERS, [*self.tenant.store.users.values()])
        )

    def user(self, request: Inbound) -> Answer:
        return 200, {"user": self._one(self.tenant.store.users, request, "user")}

    def create_user(self, request: Inbound) -> Answer:
        body = self._user_fields(request, "create")
        for name in ("name", "email", "type", "login"):
            if not body.get(name):
                raise invalid("user", "create", **{name: "can't be blank"})
        record = {
            "id": self.tenant.new_id(),
            "uid": self.tenant.new_uid(),
            "title": None,
            "status": "Pending",
            "last_login": None,
            "cookies_accepted_at": None,
            "preferred_language": None,
            "locale": None,
            "group_strings": "",
            "sailpoint_identity_id": None,
            **body,
        }
        self.tenant.store.users[record["id"]] = record
        self.tenant.event("ActiveRecordCreate", "User", record["id"])
        return 200, {"user": record}

    def update_user(self, request: Inbound) -> Answer:
        record = self._one(self.tenant.store.users, request, "user")
        record |= self._user_fields(request, "update", record["id"])
        self.tenant.store.changed()  # references show a user's name
        self.tenant.event("ActiveRecordUpdate", "User", record["id"])
        return 200, {"user": record}

    def _user_fields(self, request: Inbound, action: str, own_id: str | None = None) -> Record:
        body = dict(request.wrapped("user", Mapping))
        if wrong := body.keys() - USER_FIELDS:
            raise invalid("user", action, **{min(wrong): "is not a known field"})
        if "type" in body and body["type"] not in KINDS:
            raise invalid("user", action, type="is not included in the list")
        taken = [each for each in self.tenant.store.users.values() if each["login"] == body.get("login")]
        if any(each["id"] != own_id for each in taken):
            raise invalid("user", action, login=["has already been taken"])
        return {name: value for name, value in body.items() if name not in ("password", "profile_id")}

    def delete_user(self, request: Inbound) -> Answer:
        store, record = self.tenant.store, self._one(self.tenant.store.users, request, "user")
        del store.users[record["id"]]
        for each in [pair for pair in store.user_roles.values() if pair["user_id"] == record["id"]]:
            del store.user_roles[each["id"]]
        store.changed()
        self.tenant.event("ActiveRecordDestroy", "User", record["id"])
        return 200, {"info": "User deleted"}

    # -- roles ------------------------------------------------------------------------------------------------------

    def roles(self, request: Inbound) -> Answer:
        rows = [each for each in self.tenant.store.roles.values() if not each["archived"]]
        return self.tenant.listed(request, ROLES, self.tenant.records(request, ROLES, rows), _role)

    def role(self, request: Inbound) -> Answer:
        record = self._one(self.tenant.store.roles, request, "role")
        if record["archived"]:
            raise unknown("role")
        return 200, {"role": _role(record)}

    def user_roles(self, request: Inbound) -> Answer:
        rows = self.tenant.records(request, USER_ROLES, [*self.tenant.store.user_roles.values()])
        return self.tenant.listed(request, USER_ROLES, rows)

    def user_role(self, request: Inbound) -> Answer:
        return 200, {"user_role": self._one(self.tenant.store.user_roles, request, "user role")}

    def create_user_role(self, request: Inbound) -> Answer:
        body, store = request.wrapped("user_role", Mapping), self.tenant.store
        user_id, role_id = body.get("user_id"), body.get("role_id")
        if user_id not in store.users or role_id not in store.roles:
            raise invalid("user role", "create", **{"user" if user_id not in store.users else "role": "must exist"})
        held = [each for each in store.user_roles.values() if (each["user_id"], each["role_id"]) == (user_id, role_id)]
        if held:
            raise invalid("user role", "create", user_id=["has already been taken"])
        pairing = {"id": self.tenant.new_id(), "uid": self.tenant.new_uid(), "user_id": user_id, "role_id": role_id}
        store.user_roles[pairing["id"]] = pairing
        self.tenant.event("ActiveRecordCreate", "UserRole", pairing["id"])
        return 200, {"user_role": pairing}

    def delete_user_role(self, request: Inbound) -> Answer:
        pairing = self._one(self.tenant.store.user_roles, request, "user role")
        del self.tenant.store.user_roles[pairing["id"]]
        self.tenant.event("ActiveRecordDestroy", "UserRole", pairing["id"])
        return 200, {}

    # -- jobs and the audit trail -----------------------------------------------------------------------------------

    def job_status(self, request: Inbound) -> Answer:
        """A job is done by the second look."""
        record = self.tenant.store.jobs.get(request.query.get("job_id", ""))
        if record is None:
            raise unknown("job")
        shown = dict(record)
        record["status"] = "complete"
        return 200, shown

    def audit(self, request: Inbound) -> Answer:
        asked = request.wrapped("audit_events", Mapping)
        filters, limit, offset = asked.get("filters", {}), asked.get("limit", AUDIT_MOST), asked.get("offset", 0)
        if not isinstance(filters, Mapping) or filters.keys() - AUDIT_FILTERS:
            raise Refusal(400, "filters are invalid")
        count = sum(len(value) if isinstance(value, Mapping) else 1 for value in filters.values())
        if count > MAX_AUDIT_FILTERS or not 1 <= limit <= AUDIT_MOST:
            raise Refusal(400, f"at most {MAX_AUDIT_FILTERS} filters and {AUDIT_MOST} events")
        found = [each for each in self.tenant.store.events if _audited(each, filters)]
        if asked.get("order", "asc") == "desc":
            found.reverse()
        return 200, {"audit_events": found[offset : offset + limit]}

    def _one(self, records: Mapping[str, Record], request: Inbound, words: str) -> Record:
        found = records.get(request.ids["id"])
        if found is None:
            raise unknown(words)
        return found


def _role(record: Record) -> Record:
    """Its type can be written and filtered by, and is not shown."""
    return {name: record[name] for name in ("id", "uid", "name", "groups")}


def _audited(event: Record, filters: Mapping[str, Any]) -> bool:
    for name, wanted in filters.items():
        held = event[name]
        if name == "data" and any(held.get(key) != value for key, value in wanted.items()):
            return False
        if name == "created_at":
            compare = {
                "gt": held > wanted.get("gt", ""),
                "lt": held < wanted.get("lt", ""),
                "eq": held == wanted.get("eq"),
            }
            if not all(compare[key] for key in wanted):
                return False
        if name not in ("data", "created_at") and held != wanted:
            return False
    return True
