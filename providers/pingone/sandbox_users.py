"""The simulated `/users` and what lies below a user.

Sources: "Users", "Create User", "Create User (Import)", "Update User", "Update User Enabled", "Group membership".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from scim_bridge.providers.pingone import sandbox_fields as fields
from scim_bridge.providers.pingone.sandbox_fields import checked, require, without_nulls
from scim_bridge.providers.pingone.sandbox_people import account
from scim_bridge.providers.pingone.sandbox_store import CUSTOM, Store, user_filters
from scim_bridge.providers.pingone.sandbox_wire import (
    DEFAULT_PAGE,
    JSON,
    Cursor,
    Inbound,
    Item,
    asked_for,
    bad_parameter,
    invalid,
    not_found,
    page,
)

VENDOR: Final = "application/vnd.pingidentity."
IMPORT: Final = f"{VENDOR}user.import+json"
LOCK: Final = f"{VENDOR}account.lock+json"
UNLOCK: Final = f"{VENDOR}account.unlock+json"
SET_PASSWORD: Final = f"{VENDOR}password.set+json"
Answer = tuple[int, dict[str, Any] | None]


def whole_pages(rows: int) -> int:
    return rows


@dataclass(slots=True)
class Knobs:
    """What the vendor's documentation leaves open, or what differs per customer and licence; tests turn these."""

    token_auth_method: str = "client_secret_basic"
    token_lifetime_seconds: int = 3600
    user_page_cap: int = 200
    page_size: Callable[[int], int] = field(default=whole_pages)  # of the rows a page could hold, how many it does
    group_times: bool = True  # createdAt and updatedAt of groups: in responses, but not in the published schema
    states_count: bool = True  # `count` is usually left out when the set is large
    email_required: bool = False
    escapes: bool = True  # \\" in a filter's text
    updated_at_filter: bool = False  # ge and le on updatedAt
    patch_merges_within: bool = False  # PATCH {"name": {"given": ...}} keeps the other parts of the name
    repeated_membership: int = 400  # adding a direct member again; 201: nothing changes
    indirect_removal: int = 400  # DELETE of an INDIRECT membership; or 404


@dataclass(frozen=True, slots=True)
class Users:
    """The endpoints of users over a store."""

    store: Store
    knobs: Knobs
    environment_id: str
    now: Callable[[], str]
    new_id: Callable[[], str]

    # -- reading ----------------------------------------------------------------------------------------------------

    def read_all(self, request: Inbound) -> Answer:
        expand = request.asks("expand", "population")
        wanted = asked_for(request, self.knobs.user_page_cap)
        language = user_filters(escapes=self.knobs.escapes, updated_at=self.knobs.updated_at_filter)
        node = language.parse(wanted.filter) if wanted.filter else None
        rows = self.store.matching("users", node)
        size = self.knobs.page_size(min(wanted.limit, self.knobs.user_page_cap))
        counted = self.knobs.states_count
        return 200, page(
            request, "users", rows, wanted, size, lambda item: self.shown(request, item, expand), states_count=counted
        )

    def read(self, request: Inbound) -> Answer:
        include = request.asks("include", "memberOfGroupIDs", "memberOfGroupNames")
        expand = request.asks("expand", "population")
        item = self.item(request)
        body = self.shown(request, item, expand)
        groups = [self.store.groups[each] for each in self.store.groups_of_user(item.data["id"])] if include else []
        if "memberOfGroupIDs" in include:
            body["memberOfGroupIDs"] = [each.data["id"] for each in groups]
        if "memberOfGroupNames" in include:
            body["memberOfGroupNames"] = [each.data["name"] for each in groups]
        return 200, body

    def item(self, request: Inbound) -> Item:
        found = self.store.users.get(request.ids["user"])
        if found is None:
            raise not_found(f"user with id: {request.ids['user']}")
        return found

    def shown(self, request: Inbound, item: Item, expand: frozenset[str] = frozenset()) -> dict[str, Any]:
        """A user as responses show it."""
        data = item.data
        path = f"/users/{data['id']}"
        links = {"self": request.link(path), "password": request.link(f"{path}/password")}
        embedded: dict[str, Any] = {"password": {"status": data.get("password", "NO_PASSWORD")}}
        if "population" in expand:
            embedded["population"] = self.store.populations[data["population"]["id"]].data
        body = {"_links": links, "_embedded": embedded, "environment": {"id": self.environment_id}, **data}
        body.pop("password", None)
        return body

    # -- creating, changing, deleting -------------------------------------------------------------------------------

    def create(self, request: Inbound) -> Answer:
        """By content type a plain create or an import; only the import takes a password and a lifecycle status."""
        imports = request.content_type == IMPORT
        checks = {**self._profile(), **fields.ON_CREATE, **(fields.ON_IMPORT if imports else {})}
        given = without_nulls(checked(request.body, checks, fields.READ_ONLY))
        require(given, "username", *(["email"] if self.knobs.email_required else []))
        if given.get("emailVerified") and not imports:
            raise invalid("INVALID_VALUE", "emailVerified", "can be true only for an imported user")
        now = self.now()
        data = {
            "id": self.new_id(),
            "account": account(enabled=True, locked=False),
            "createdAt": now,
            "emailVerified": False,
            "enabled": True,
            "identityProvider": {"type": "PING_ONE"},
            "lifecycle": {"status": "ACCOUNT_OK"},
            "mfaEnabled": False,
            "updatedAt": now,
            "verifyStatus": "NOT_INITIATED",
            **given,
            "population": {"id": self._population(given.get("population"))},
        }
        if "password" in data:
            data["password"] = "MUST_CHANGE_PASSWORD" if data["password"].get("forceChange") else "OK"
        return 201, self.shown(request, self.store.put_user(data))

    def _profile(self) -> Mapping[str, fields.Check]:
        return {**fields.PROFILE, **dict.fromkeys(CUSTOM, fields.text(256))}

    def _population(self, given: Mapping[str, Any] | None) -> str:
        """The population of a new user: the environment's default one where none is named."""
        if given is not None:
            if given["id"] not in self.store.populations:
                raise invalid("INVALID_VALUE", "population.id", "population does not exist")
            return str(given["id"])
        default = next((each for each in self.store.populations.values() if each.data.get("default")), None)
        if default is None:
            raise invalid("REQUIRED_VALUE", "population", "must not be null")
        return str(default.data["id"])

    def replace(self, request: Inbound) -> Answer:
        """PUT: every attribute that is left out is removed; those with endpoints of their own are left alone."""
        old = self.item(request).data
        ignored = fields.READ_ONLY | fields.OWN_ENDPOINT | {"emailVerified"}
        checks = {**self._profile(), "identityProvider": fields.ON_CREATE["identityProvider"]}
        given = without_nulls(checked(request.body, checks, ignored))
        kept = {name: old[name] for name in _KEPT if name in old}
        idp = given.pop("identityProvider", {})
        given["identityProvider"] = {"type": "OPENID_CONNECT" if "id" in idp else "PING_ONE", **idp}
        return self._stored(request, {**kept, **given})

    def modify(self, request: Inbound) -> Answer:
        """PATCH: what is left out stays, null clears; fields with endpoints of their own are refused."""
        old = self.item(request).data
        given = checked(request.body, self._profile(), fields.READ_ONLY - fields.OWN_ENDPOINT)
        if self.knobs.patch_merges_within:
            given = {name: _merged(old.get(name), value) for name, value in given.items()}
        return self._stored(request, without_nulls({**old, **given}))

    def _stored(self, request: Inbound, data: dict[str, Any]) -> Answer:
        require(data, "username", *(["email"] if self.knobs.email_required else []))
        return 200, self.shown(request, self.store.put_user({**data, "updatedAt": self.now()}))

    def delete(self, request: Inbound) -> Answer:
        self.store.remove_user(self.item(request).data["id"])
        return 204, None

    # -- what is written through endpoints of its own ---------------------------------------------------------------

    def lock(self, request: Inbound) -> Answer:
        """POST to the user: the content type says whether to lock or to unlock."""
        data = self.item(request).data
        self._update(data, account=account(enabled=data["enabled"], locked=request.content_type == LOCK))
        return 200, self.shown(request, self.item(request))

    def read_enabled(self, request: Inbound) -> Answer:
        return 200, self._single(request, "enabled", self.item(request).data["enabled"])

    def write_enabled(self, request: Inbound) -> Answer:
        enabled = _only(request, "enabled", fields.flag)
        data = self.item(request).data
        locked = data["account"]["status"] == "LOCKED"
        self._update(data, enabled=enabled, account=account(enabled=enabled, locked=locked))
        return self.read_enabled(request)

    def read_mfa_enabled(self, request: Inbound) -> Answer:
        return 200, self._single(request, "mfaEnabled", self.item(request).data["mfaEnabled"])

    def write_mfa_enabled(self, request: Inbound) -> Answer:
        self._update(self.item(request).data, mfaEnabled=_only(request, "mfaEnabled", fields.flag))
        return self.read_mfa_enabled(request)

    def read_population(self, request: Inbound) -> Answer:
        return 200, self._single(request, "id", self.item(request).data["population"]["id"])

    def write_population(self, request: Inbound) -> Answer:
        target = self._population({"id": _only(request, "id", fields.identifier)})
        data = self.item(request).data
        self.store.move_user(data["id"], target)
        self._update(data)
        return self.read_population(request)

    def read_password(self, request: Inbound) -> Answer:
        return 200, self._single(request, "status", self.item(request).data.get("password", "NO_PASSWORD"))

    def write_password(self, request: Inbound) -> Answer:
        checked(request.body, {"value": fields.text(1024), "forceChange": fields.flag}, [])
        require(request.body, "value")
        status = "MUST_CHANGE_PASSWORD" if request.body.get("forceChange") else "OK"
        self._update(self.item(request).data, password=status)
        return self.read_password(request)

    def _single(self, request: Inbound, name: str, value: Any) -> dict[str, Any]:
        links = {"self": request.link(request.path), "user": request.link(f"/users/{request.ids['user']}")}
        return {"_links": links, name: value}

    def _update(self, data: dict[str, Any], **changes: Any) -> None:
        data.update(changes, updatedAt=self.now())
        self.store.changed()

    # -- memberships and roles --------------------------------------------------------------------------------------

    def list_memberships(self, request: Inbound) -> Answer:
        expand = request.asks("expand", "group")
        kinds = self.store.groups_of_user(self.item(request).data["id"])
        return 200, membership_page(request, self, kinds, expand)

    def read_membership(self, request: Inbound) -> Answer:
        kinds = self.store.groups_of_user(self.item(request).data["id"])
        return 200, membership(request, self, request.ids["group"], kinds, request.asks("expand", "group"))

    def join(self, request: Inbound) -> Answer:
        user = self.item(request).data
        group = named_group(request, self.store)
        if "sourceType" in group:
            raise invalid("CONSTRAINT_VIOLATION", "id", "members of an external group cannot be changed")
        if group.get("population", user["population"]) != user["population"]:
            raise invalid("CONSTRAINT_VIOLATION", "id", "the group belongs to another population than the user")
        if group["id"] in self.store.joined.get(user["id"], {}) and self.knobs.repeated_membership == 400:
            raise invalid("UNIQUENESS_VIOLATION", "id", "the user is already a member of the group")
        self.store.join(user["id"], group["id"])
        return 201, membership(request, self, group["id"], {group["id"]: "DIRECT"}, frozenset())

    def leave(self, request: Inbound) -> Answer:
        """Only who was added explicitly can be taken out (vendor: Group membership)."""
        user_id, group_id = self.item(request).data["id"], request.ids["group"]
        kind = self.store.groups_of_user(user_id).get(group_id)
        refuse_removal(kind, self.knobs)
        self.store.leave(user_id, group_id)
        return 204, None

    def list_roles(self, request: Inbound) -> Answer:
        rows = self.store.assignments.get(self.item(request).data["id"], [])
        return 200, page(
            request, "roleAssignments", rows, asked_for(request, DEFAULT_PAGE), len(rows), self._assignment
        )

    def read_role(self, request: Inbound) -> Answer:
        rows = self.store.assignments.get(self.item(request).data["id"], [])
        found = next((each for each in rows if each.data["id"] == request.ids["assignment"]), None)
        if found is None:
            raise not_found(f"role assignment with id: {request.ids['assignment']}")
        return 200, self._assignment(found)

    def _assignment(self, item: Item) -> dict[str, Any]:
        return {"environment": {"id": self.environment_id}, **item.data}


_KEPT: Final = (
    "id account createdAt emailVerified enabled lastSignOn lifecycle mfaEnabled password population verifyStatus"
).split()
"""What a PUT of a user leaves as it is."""


def _merged(old: Any, new: Any) -> Any:
    """JSON merge patch (RFC 7386)."""
    if not isinstance(new, Mapping):
        return new
    base = dict(old) if isinstance(old, Mapping) else {}
    return base | {name: _merged(base.get(name), value) for name, value in new.items()}


def _only(request: Inbound, name: str, check: fields.Check) -> Any:
    """The one field of a body."""
    checked(request.body, {name: check}, ["_links"])
    require(request.body, name)
    return request.body[name]


def named_group(request: Inbound, store: Store) -> dict[str, Any]:
    """The group that a membership's body names."""
    group_id = _only(request, "id", fields.identifier)
    group = store.groups.get(group_id)
    if group is None:
        raise not_found(f"group with id: {group_id}")
    return group.data


def refuse_removal(kind: str | None, knobs: Knobs) -> None:
    """Unless a membership is DIRECT it cannot be deleted."""
    if kind is None or (kind == "INDIRECT" and knobs.indirect_removal == 404):
        raise not_found("group membership")
    if kind == "INDIRECT":
        raise bad_parameter("CONSTRAINT_VIOLATION", "type", "an indirect membership cannot be removed")


def membership(
    request: Inbound, users: Users, group_id: str, kinds: Mapping[str, str], expand: frozenset[str]
) -> dict[str, Any]:
    """One membership as responses show it; of a user, or of a nested group."""
    if group_id not in kinds:
        raise not_found("group membership")
    group = users.store.groups[group_id]
    links = {"self": request.link(f"{request.path.partition('/memberOfGroups')[0]}/memberOfGroups/{group_id}")}
    body = {"_links": {**links, "group": request.link(f"/groups/{group_id}")}, "id": group_id}
    body |= {"environment": {"id": users.environment_id}, "name": group.data["name"], "type": kinds[group_id]}
    if "group" in expand:
        body["_embedded"] = {"group": group_shown(request, users, group)}
    return body


def membership_page(request: Inbound, users: Users, kinds: Mapping[str, str], expand: frozenset[str]) -> dict[str, Any]:
    wanted: Cursor = asked_for(request, DEFAULT_PAGE)
    rows = sorted((users.store.groups[each] for each in kinds), key=lambda item: item.seq)
    size = users.knobs.page_size(wanted.limit)
    return page(
        request,
        "groupMemberships",
        rows,
        wanted,
        size,
        lambda item: membership(request, users, item.data["id"], kinds, expand),
        states_count=users.knobs.states_count,
    )


def group_shown(request: Inbound, users: Users, item: Item, *, totals: bool = False) -> dict[str, Any]:
    """A group as responses show it."""
    data, store = item.data, users.store
    body = {"_links": {"self": request.link(f"/groups/{data['id']}")}, "environment": {"id": users.environment_id}}
    body |= {"displayName": data["name"], **data, "directMemberCounts": {"users": len(store.direct[data["id"]])}}
    if not users.knobs.group_times:
        body = {name: value for name, value in body.items() if name not in ("createdAt", "updatedAt")}
    if totals:
        body["totalMemberCounts"] = {"users": len(store.users_in(data["id"]))}
    return body


__all__ = ["IMPORT", "JSON", "LOCK", "SET_PASSWORD", "UNLOCK", "Answer", "Knobs", "Users"]
