"""The simulated `memberOfGroups` below a user or a group: the one in the path is a member of the group in the body.

Sources: "Group membership", "Create nested group", "External groups", "Platform limits".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scim_bridge.providers.pingone.sandbox_environment import Answer, Environment
from scim_bridge.providers.pingone.sandbox_fields import identifier, only
from scim_bridge.providers.pingone.sandbox_wire import Cursor, Inbound, Item, bad_parameter, invalid, not_found

Kinds = Mapping[str, str]
"""DIRECT or INDIRECT by the id of each group that somebody is in."""


@dataclass(frozen=True, slots=True)
class Members:
    """The endpoints of memberships."""

    environment: Environment

    # -- users ------------------------------------------------------------------------------------------------------

    def of_user(self, request: Inbound) -> Answer:
        return self._listed(request, self._user_kinds(request))

    def one_of_user(self, request: Inbound) -> Answer:
        return self._read(request, self._user_kinds(request))

    def join(self, request: Inbound) -> Answer:
        environment, user, group = self.environment, self.environment.user(request).data, self._named_group(request)
        if "sourceType" in group:
            raise invalid("CONSTRAINT_VIOLATION", "id", "members of an external group cannot be changed")
        if group.get("population", user["population"]) != user["population"]:
            raise invalid("CONSTRAINT_VIOLATION", "id", "the group belongs to another population than the user")
        self._check_new(group["id"], environment.store.joined.get(user["id"], {}))
        environment.store.join(user["id"], group["id"])
        return 201, self._shown(request, group["id"], "DIRECT")

    def leave(self, request: Inbound) -> Answer:
        """Only who was added explicitly can be taken out."""
        user_id, group_id = self.environment.user(request).data["id"], request.ids["joined"]
        self._check_removable(self._user_kinds(request).get(group_id))
        self.environment.store.leave(user_id, group_id)
        return 204, None

    def _user_kinds(self, request: Inbound) -> Kinds:
        return self.environment.store.groups_of_user(self.environment.user(request).data["id"])

    # -- groups within groups ---------------------------------------------------------------------------------------

    def of_group(self, request: Inbound) -> Answer:
        return self._listed(request, self._group_kinds(request))

    def one_of_group(self, request: Inbound) -> Answer:
        return self._read(request, self._group_kinds(request))

    def nest(self, request: Inbound) -> Answer:
        store = self.environment.store
        child, parent = self._child(request), self._named_group(request)
        if "sourceType" in child or "sourceType" in parent:
            raise invalid("CONSTRAINT_VIOLATION", "id", "an external group cannot be nested")
        if child["id"] in (parent["id"], *store.groups_of_group(parent["id"])):
            raise invalid("CONSTRAINT_VIOLATION", "id", "a group cannot be a member of itself")
        self._check_new(parent["id"], store.parents.get(child["id"], {}))
        if sum(parent["id"] in parents for parents in store.parents.values()) >= self.environment.knobs.nested_groups:
            raise invalid("CONSTRAINT_VIOLATION", "id", "the group holds as many groups as it may")
        store.nest(child["id"], parent["id"])
        return 201, self._shown(request, parent["id"], "DIRECT")

    def unnest(self, request: Inbound) -> Answer:
        child_id, parent_id = self._child(request)["id"], request.ids["joined"]
        self._check_removable(self._group_kinds(request).get(parent_id))
        self.environment.store.unnest(child_id, parent_id)
        return 204, None

    def _child(self, request: Inbound) -> dict[str, Any]:
        return self.environment.group(request.ids["group"]).data

    def _group_kinds(self, request: Inbound) -> Kinds:
        return self.environment.store.groups_of_group(self._child(request)["id"])

    # -- what both share --------------------------------------------------------------------------------------------

    def _named_group(self, request: Inbound) -> dict[str, Any]:
        """The group that the body names."""
        return self.environment.group(only(request.body, "id", identifier)).data

    def _check_new(self, group_id: str, direct: Mapping[str, None]) -> None:
        if group_id in direct and self.environment.knobs.repeated_membership == 400:
            raise invalid("UNIQUENESS_VIOLATION", "id", "is already a member of the group")

    def _check_removable(self, kind: str | None) -> None:
        """Unless a membership is DIRECT it cannot be deleted."""
        if kind is None or (kind == "INDIRECT" and self.environment.knobs.indirect_removal == 404):
            raise not_found("group membership")
        if kind == "INDIRECT":
            raise bad_parameter("CONSTRAINT_VIOLATION", "type", "an indirect membership cannot be removed")

    def _listed(self, request: Inbound, kinds: Kinds) -> Answer:
        request.asks("expand", "group")
        rows = sorted((self.environment.store.groups[each] for each in kinds), key=lambda item: item.seq)

        def render(item: Item, wanted: Cursor) -> dict[str, Any]:
            return self._shown(request, item.data["id"], kinds[item.data["id"]], expand="group" in wanted.expand)

        return self.environment.listed(request, "groupMemberships", lambda wanted: rows, render)

    def _read(self, request: Inbound, kinds: Kinds) -> Answer:
        group_id, expand = request.ids["joined"], request.asks("expand", "group")
        if group_id not in kinds:
            raise not_found("group membership")
        return 200, self._shown(request, group_id, kinds[group_id], expand=bool(expand))

    def _shown(self, request: Inbound, group_id: str, kind: str, *, expand: bool = False) -> dict[str, Any]:
        """A membership as responses show it."""
        environment, group = self.environment, self.environment.store.groups[group_id]
        member = request.path.partition("/memberOfGroups")[0]
        links = {"self": request.link(f"{member}/memberOfGroups/{group_id}"), "environment": {"href": request.base}}
        links |= {"user": request.link(member)} if "user" in request.ids else {}
        links["group"] = request.link(f"/groups/{group_id}")
        body = {"_links": links, "id": group_id, "environment": environment.shown, "name": group.data["name"]}
        body["type"] = kind
        if expand:
            body["_embedded"] = {"group": environment.group_shown(request, group)}
        return body
