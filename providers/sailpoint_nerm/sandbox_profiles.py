"""The simulated `/profiles`, advanced search and bulk jobs.

Sources: "Profiles", "Pagination, metadata and filtering", the vendor's announcements on `after_id`.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from scim_bridge.providers.sailpoint_nerm.sandbox_search import Search
from scim_bridge.providers.sailpoint_nerm.sandbox_store import Profile
from scim_bridge.providers.sailpoint_nerm.sandbox_tenant import Answer, Tenant
from scim_bridge.providers.sailpoint_nerm.sandbox_values import STATUSES, Values
from scim_bridge.providers.sailpoint_nerm.sandbox_wire import Inbound, Listing, Refusal, unknown

LISTING: Final = Listing(
    "profiles",
    frozenset({"name", "profile_type_id", "status", "exclude_attributes", "after_id", "updated_after", "uid"}),
    frozenset({"created_at", "name", "updated_at", "id"}),
)
ORDERED_BY: Final = {"created_at": "created", "updated_at": "updated", "name": "name", "id": "id", None: None}
KEEPS_WITH_AFTER_ID: Final = frozenset({"after_id", "profile_type_id", "limit", "updated_after", "metadata"})
MATCHES: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "sensitive": lambda held, value: held == value,
    "insensitive": lambda held, value: held.lower() == value.lower(),
    "contains": lambda held, value: value.lower() in held.lower(),
}


@dataclass(frozen=True, slots=True)
class Profiles:
    """The endpoints of profiles."""

    tenant: Tenant

    # -- reading ----------------------------------------------------------------------------------------------------

    def read_all(self, request: Inbound) -> Answer:
        store, listing = self.tenant.store, replace(LISTING, most=self.tenant.knobs.profile_page)
        if "uid" in request.query and not self.tenant.knobs.uid_filter:
            raise Refusal(400, "uid is not a supported parameter")
        if "after_id" in request.query:
            return self._after(request, listing)
        query = {
            name: request.query[name] for name in ("name", "profile_type_id", "status", "uid") if name in request.query
        }
        if query.get("status", "Active") not in STATUSES:
            raise Refusal(400, "status is not included in the list")
        since = self._since(request)
        key = (*sorted(query.items()), since)
        rows = store.listed(key, lambda each: self._matches(each, query, since), ORDERED_BY[listing.order(request)])
        attributes = not request.flag("exclude_attributes")
        return self.tenant.listed(
            request, listing, rows, lambda each: store.fragment(each, attributes=attributes, flagged=False)
        )

    def _matches(self, profile: Profile, query: Mapping[str, str], since: date | None) -> bool:
        return (
            not profile.archived
            and query.get("profile_type_id", profile.type_id) == profile.type_id
            and query.get("status", profile.status) == profile.status
            and query.get("uid", profile.uid) == profile.uid
            and ("name" not in query or MATCHES[self.tenant.knobs.name_filter](profile.name, query["name"]))
            and (since is None or profile.updated.astimezone(self.tenant.store.zone).date() >= since)
        )

    def _since(self, request: Inbound) -> date | None:
        text = request.query.get("updated_after")
        try:
            return None if text is None else date.fromisoformat(text)
        except ValueError:
            raise Refusal(400, "updated_after must be yyyy-mm-dd") from None

    def _after(self, request: Inbound, listing: Listing) -> Answer:
        """By ascending id, archived profiles included, whatever else was asked for."""
        beside = request.query.keys() - KEEPS_WITH_AFTER_ID
        if beside and self.tenant.knobs.after_id_refuses:
            raise Refusal(400, f"{min(beside)} is not supported with after_id")
        store, since = self.tenant.store, self._since(request)
        wanted = request.query.get("profile_type_id")

        def test(each: Profile) -> bool:
            fresh = since is None or each.updated.astimezone(store.zone).date() >= since
            return fresh and wanted in (None, each.type_id)

        _, limit = listing.window(replace(request, query={**request.query, "offset": "0"}), clamps=False)
        rows = store.listed(("after_id", wanted, since), test, "id")
        after = request.query["after_id"]
        start = bisect_right(rows, after, key=lambda each: each.id)
        page = rows[start : start + limit]
        if not page and self.tenant.knobs.after_id_end == 400:
            raise listing.none_found()
        body: dict[str, Any] = {"profiles": [store.fragment(each, attributes=True, flagged=True) for each in page]}
        if request.flag("metadata"):
            more = start + limit < len(rows)
            body["_metadata"] = {"limit": limit, "total": len(rows)} | ({"after_id": page[-1].id} if more else {})
        if self.tenant.knobs.after_id_end == 200 and start + limit >= len(rows):
            body["_metadata"] = {**body.get("_metadata", {}), "after_id": None}
        return 200, body

    def read(self, request: Inbound) -> Answer:
        return 200, {"profile": self._shown(self._profile(request.ids["id"]))}

    def search(self, request: Inbound) -> Answer:
        """The advanced search: an empty list where nothing matches, and no total."""
        tenant, store = self.tenant, self.tenant.store
        rules = request.wrapped("advanced_search", Mapping).get("condition_rules_attributes")
        if not isinstance(rules, list) or not rules:
            raise Refusal(400, "condition_rules_attributes can't be blank")
        search = Search(store, tenant.now().date(), tenant.knobs.sensitive_search, tenant.knobs.inclusive_dates)
        listing = replace(LISTING, most=tenant.knobs.searched_page)
        offset, limit = listing.window(request, clamps=tenant.knobs.clamps_limit)
        key = (search.today, search.sensitive, search.inclusive, repr(rules))
        rows = store.listed(key, search.test(rules), ORDERED_BY[listing.order(request)])
        page = rows[offset : offset + limit]
        return 200, {"profiles": [store.fragment(each, attributes=True, flagged=False) for each in page]}

    def _shown(self, profile: Profile) -> dict[str, Any]:
        return self.tenant.store.shown(profile)

    def _profile(self, profile_id: str) -> Profile:
        found = self.tenant.store.profiles.get(profile_id)
        if found is None or found.archived:
            raise unknown("profile")
        return found

    # -- writing ----------------------------------------------------------------------------------------------------

    def create(self, request: Inbound) -> Answer:
        return 200, {"profile": self._shown(self._created(request.wrapped("profile", Mapping)))}

    def _created(self, body: Mapping[str, Any]) -> Profile:
        tenant, values = self.tenant, Values(self.tenant.store, "create")
        found = values.checked(body)
        attributes = dict(found.get("attributes", {}))
        values.check_duplicates(found["profile_type_id"], attributes)
        name, now = self._name(values, found, found["profile_type_id"], attributes), tenant.now()
        profile = Profile(
            id=tenant.new_id(),
            uid=tenant.new_uid(),
            type_id=found["profile_type_id"],
            name=name if name is not None else found.get("name", ""),
            status=found["status"],
            proofing=found.get("id_proofing_status", "pending"),
            created=now,
            updated=now,
            values=attributes,
            archived=found.get("archived", False),
        )
        tenant.store.profiles[profile.id] = profile
        self._told("AuditableProfileCreate", profile)
        return profile

    def update(self, request: Inbound) -> Answer:
        profile = self._profile(request.ids["id"])
        return 200, {"profile": self._shown(self._updated(profile, request.wrapped("profile", Mapping)))}

    def _updated(self, profile: Profile, body: Mapping[str, Any]) -> Profile:
        """What a body does not mention stays; attribute values are merged one by one."""
        values = Values(self.tenant.store, "update")
        found = values.checked(body, profile)
        profile.values = {**profile.values, **found.get("attributes", {})}
        profile.type_id = found.get("profile_type_id", profile.type_id)
        profile.status = found.get("status", profile.status)
        profile.proofing = found.get("id_proofing_status", profile.proofing)
        profile.archived = found.get("archived", profile.archived)
        name = self._name(values, found, profile.type_id, profile.values)
        profile.name = name if name is not None else found.get("name", profile.name)
        profile.updated = self.tenant.now()
        self._told("AuditableProfileUpdate", profile)
        return profile

    def _name(
        self, values: Values, found: Mapping[str, Any], type_id: str, attributes: Mapping[str, str]
    ) -> str | None:
        return values.composed(type_id, attributes) if self.tenant.knobs.names_are_composed else None

    def delete(self, request: Inbound) -> Answer:
        self._deleted(self._profile(request.ids["id"]))
        return 204, None

    def _deleted(self, profile: Profile) -> Profile:
        del self.tenant.store.profiles[profile.id]
        self._told("AuditableProfileDestroy", profile)
        return profile

    def _told(self, kind: str, profile: Profile) -> None:
        self.tenant.store.changed()
        self.tenant.event(kind, "Profile", profile.id, profile_id=profile.id, profile_type_id=profile.type_id)

    # -- in bulk ----------------------------------------------------------------------------------------------------

    def create_all(self, request: Inbound) -> Answer:
        return self._bulk(request, self._created)

    def update_all(self, request: Inbound) -> Answer:
        return self._bulk(request, lambda item: self._updated(self._profile(str(item.get("id"))), item))

    def delete_all(self, request: Inbound) -> Answer:
        return self._bulk(request, lambda item: self._deleted(self._profile(str(item.get("id")))))

    def _bulk(self, request: Inbound, one: Callable[[Mapping[str, Any]], Profile]) -> Answer:
        """The records, or a job that a 200 merely says was queued."""
        items = request.wrapped("profiles", list)
        if len(items) <= self.tenant.knobs.job_threshold:
            return 200, {"profiles": [self._shown(one(each)) for each in items]}
        job_id, data = self.tenant.new_uid()[:24], []
        for each in items:
            try:
                data.append({"profile_id": one(each).id, "errors": []})
            except Refusal as refusal:
                data.append({"errors": [str(refusal.body["error"])]})
        store = self.tenant.store
        store.jobs[job_id] = {"uid": job_id, "status": "queued", "job_type": "import", "job_data": data}
        queued = {"job_id": job_id, "status": "queued"}
        return 200, {"info": "job has started", "job_status": queued, "status": 200}
