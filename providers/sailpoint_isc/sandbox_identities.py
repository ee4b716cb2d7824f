"""The simulated identities: read, deleted, switched, moved between lifecycle states; never created or changed.

Sources: Identities, Accounts (identities-accounts), Lifecycle States, Public Identities, Entitlements.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scim_bridge.providers.sailpoint_isc.sandbox_filter import Language, field_of, language
from scim_bridge.providers.sailpoint_isc.sandbox_people import set_state, set_status
from scim_bridge.providers.sailpoint_isc.sandbox_store import Person, Row
from scim_bridge.providers.sailpoint_isc.sandbox_tenant import Tenant
from scim_bridge.providers.sailpoint_isc.sandbox_wire import (
    CONTENT,
    MISSING,
    VALUE,
    Answer,
    Inbound,
    Refusal,
    bad,
    not_found,
    object_of,
    truth,
)

IDENTITIES: Final = language(
    sorters="name alias cloudStatus",
    renamed={"cloudStatus": "identityStatus"},
    id="eq in",
    name="eq sw",
    alias="eq sw",
    firstname="eq sw: attributes.firstname",
    lastname="eq sw: attributes.lastname",
    email="eq sw: emailAddress",
    cloudStatus="eq: identityStatus",
    processingState="eq",
    correlated="eq",
    protected="eq",
)
PUBLIC: Final = language(
    sorters="name",
    id="eq in",
    alias="eq sw",
    email="eq sw: emailAddress",
    firstname="eq sw: attributes.firstname",
    lastname="eq sw: attributes.lastname",
)
PROFILES: Final = language(
    sorters="id name priority created modified",
    id="eq ne ge gt in le sw",
    name="eq ne ge gt in le sw",
    priority="eq ne",
)
STATES: Final = Language(sorters={each: field_of(each) for each in ("name", "priority", "created", "modified")})
CATALOGUE: Final = ("uid", "firstname", "lastname", "email", "phone", "department", "title", "identificationNumber")


@dataclass(frozen=True, slots=True)
class Identities:
    """The endpoints of identities and of what switches them."""

    tenant: Tenant

    # -- reading ----------------------------------------------------------------------------------------------------

    def read_all(self, request: Inbound) -> Answer:
        """Uncorrelated identities are hidden unless `defaultFilter` is NONE."""
        shown = request.query.get("defaultFilter", "CORRELATED_ONLY")
        if shown not in ("CORRELATED_ONLY", "NONE"):
            raise bad(CONTENT, "defaultFilter takes CORRELATED_ONLY and NONE")
        everyone = self.tenant.store.identities

        def rows() -> Sequence[Person]:
            return [each for each in everyone.values() if each.correlated or shown == "NONE"]

        found = self._looked_up(request, shown) if "filters" in request.query else None
        if found is not None:
            return self.tenant.knobs.listing.page(request, found, lambda person: person.data)
        return self.tenant.listed(request, _PEOPLE, rows, key=shown, show=lambda person: person.data)

    def _looked_up(self, request: Inbound, shown: str) -> Sequence[Person] | None:
        """What a filter on one id finds, without going through everybody: no list is kept for it."""
        head, _, rest = request.query["filters"].partition('id eq "')
        person = self.tenant.store.identities.get(rest.removesuffix('"')) if not head else None
        return [person] if person is not None and (person.correlated or shown == "NONE") else None

    def read(self, request: Inbound) -> Answer:
        return Answer(200, self.tenant.person(request.ids["identity"]).data)

    def read_public(self, request: Inbound) -> Answer:
        people = self.tenant.store.identities

        def rows() -> Sequence[Row]:
            core = truth(request, "add-core-filters")
            return [each.data for each in people.values() if not core or each.correlated or each.protected]

        key = request.query.get("add-core-filters", "")
        return self.tenant.listed(request, PUBLIC, rows, key=key, show=_public)

    def assignments(self, request: Inbound) -> Answer:
        """Unpaged: references, or whole assignments where a role is named."""
        store, identity = self.tenant.store, self.tenant.person(request.ids["identity"]).data["id"]
        roles = [store.roles[each] for each in store.roles_of(identity)]
        wanted = {
            key: request.query[name] for name, key in (("roleId", "id"), ("roleName", "name")) if name in request.query
        }
        roles = [role for role in roles if all(role[key] == value for key, value in wanted.items())]
        return Answer(200, [_assignment(identity, role, whole=bool(wanted)) for role in roles])

    def entitlements(self, request: Inbound) -> Answer:
        """Flat references, as the published example has them; the published schema wraps them in objectRef."""
        identity = self.tenant.person(request.ids["identity"]).data["id"]
        return self.tenant.knobs.listing.page(request, self.tenant.store.entitlements[identity])

    def profiles(self, request: Inbound) -> Answer:
        return self.tenant.listed(request, PROFILES, lambda: list(self.tenant.store.profiles.values()))

    def states(self, request: Inbound) -> Answer:
        profile = request.ids["profile"]
        if profile not in self.tenant.store.profiles:
            raise bad(VALUE, "the identity profile does not exist")
        return self.tenant.listed(request, STATES, lambda: self.tenant.store.states[profile])

    def attributes(self, request: Inbound) -> Answer:
        """The tenant's catalogue: neither limit nor offset."""
        shown = {"type": "string", "multi": False, "standard": False, "system": False, "sources": []}
        return Answer(200, [{"name": name, "displayName": name, "searchable": True, **shown} for name in CATALOGUE])

    def activity(self, request: Inbound) -> Answer:
        found = self.tenant.store.activities.get(request.ids["activity"])
        if found is None:
            raise not_found()
        return Answer(200, found)

    # -- writing ----------------------------------------------------------------------------------------------------

    def delete(self, request: Inbound) -> Answer:
        """Refused while it owns something, or is protected; the authoritative account stays."""
        person = self.tenant.person(request.ids["identity"])
        if person.protected:
            raise bad(VALUE, "the identity is protected")
        if person.owns:
            details = [{"associationType": "ROLE_OWNER", "entities": person.owns}]
            body = {"message": "Identity is the owner of following resources", "associationDetails": details}
            raise Refusal(400, lambda tracking_id: body)
        self.tenant.store.remove_identity(person.data["id"])
        return Answer(204)

    def enable(self, request: Inbound) -> Answer:
        return self._switched(request, "ACTIVE")

    def disable(self, request: Inbound) -> Answer:
        return self._switched(request, "DISABLED")

    def _switched(self, request: Inbound, status: str) -> Answer:
        """Accepted now, done later."""
        tenant, person = self.tenant, self.tenant.person(request.ids["identity"])
        tenant.store.later(tenant.knobs.effect_seconds, lambda: set_status(person, status))
        return Answer(202, {"type": "TASK_RESULT", "id": tenant.hex_id(), "name": None})

    def set_state(self, request: Inbound) -> Answer:
        """The id must be of a state in the identity's own profile, and the state be enabled."""
        tenant, person = self.tenant, self.tenant.person(request.ids["identity"])
        wanted = object_of(request).get("lifecycleStateId")
        if not isinstance(wanted, str) or not wanted:
            raise bad(MISSING, "lifecycleStateId is missing")
        state = next((each for each in self._own_states(person) if each["id"] == wanted and each["enabled"]), None)
        if state is None:
            raise bad(VALUE, "the lifecycle state is none of the identity's profile")
        activity = self._activity(person, state["technicalName"])
        tenant.store.later(tenant.knobs.effect_seconds, lambda: _moved(person, activity, state["technicalName"]))
        return Answer(200, {"accountActivityId": activity["id"]})

    def _own_states(self, person: Person) -> Sequence[Row]:
        store, source = self.tenant.store, person.data["attributes"].get("cloudAuthoritativeSource")
        profile = next((each for each in store.profiles.values() if each["authoritativeSource"]["id"] == source), None)
        return [] if profile is None else store.states[profile["id"]]

    def _activity(self, person: Person, state: str) -> Row:
        activity = self.tenant.hex_id()
        target = {"id": self.tenant.hex_id(), "name": person.data["name"], "identityId": person.data["id"]}
        made: Row = {
            "id": activity, "name": activity, "created": self.tenant.now(), "modified": None, "completed": None,
            "completionStatus": "PENDING", "type": "LifecycleStateChange", "executionStatus": "EXECUTING",
            "targetIdentitySummary": {**target, "completed": False}, "items": [], "errors": None, "warnings": None,
        }  # fmt: skip
        self.tenant.store.activities[activity] = made
        return made


def _moved(person: Person, activity: Row, state: str) -> None:
    set_state(person, state, manual=True)
    activity |= {"completionStatus": "SUCCESS", "executionStatus": "COMPLETED"}


def _assignment(identity: str, role: Row, *, whole: bool) -> Row:
    shown: Row = {
        "id": f"{role['id'][:16]}{identity[:16]}",
        "role": {"type": "ROLE", "id": role["id"], "name": role["name"]},
    }
    dates = {"startDate": None, "removeDate": None}
    return {
        **shown,
        **({"comments": None, "assignmentSource": "UI"} if whole else {"addedDate": role["created"]}),
        **dates,
    }


def _public(row: Row) -> Row:
    """Attributes are a list of pairs here, not a map."""
    listed = [{"key": each, "name": each, "value": row["attributes"].get(each)} for each in ("department", "phone")]
    shown = {"id": row["id"], "name": row["name"], "alias": row["alias"], "email": row["emailAddress"]}
    state = (row["lifecycleState"] or {}).get("stateName")
    return {**shown, "status": state, "identityState": "ACTIVE", "manager": row["managerRef"], "attributes": listed}


def _people(language: Language) -> Language:
    """The same of `Person`s: fields of what they show, and what only filters know."""

    def through(read: Any) -> Any:
        return lambda person: read(person) if isinstance(person, Mapping) else read(person.data)

    hidden = {name: (lambda person, name=name: getattr(person, name)) for name in ("correlated", "protected")}
    filters = {
        name: type(each)(each.operators, hidden.get(name) or through(each.read))
        for name, each in language.filters.items()
    }
    return Language(filters, {name: through(read) for name, read in language.sorters.items()})


_PEOPLE: Final = _people(IDENTITIES)
