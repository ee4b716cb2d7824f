"""The simulated `/groups`, `/populations` and `/roles`.

Sources: "Groups", "Create Group", "Create nested group", "Populations", "Roles".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from scim_bridge.providers.pingone import sandbox_fields as fields
from scim_bridge.providers.pingone import sandbox_filter
from scim_bridge.providers.pingone.sandbox_fields import checked, require, without_nulls
from scim_bridge.providers.pingone.sandbox_filter import Language
from scim_bridge.providers.pingone.sandbox_store import Store, user_filters
from scim_bridge.providers.pingone.sandbox_users import (
    Answer,
    Users,
    group_shown,
    membership,
    membership_page,
    named_group,
    refuse_removal,
)
from scim_bridge.providers.pingone.sandbox_wire import (
    DEFAULT_PAGE,
    Inbound,
    Item,
    asked_for,
    invalid,
    not_found,
    page,
)

GROUP_PAGE: Final = 1000
_KEPT: Final[tuple[str, ...]] = ("id", "population", "sourceId", "sourceType", "createdAt")


@dataclass(frozen=True, slots=True)
class Groups:
    """The endpoints of groups, populations and roles; ``users`` holds what both share."""

    users: Users

    @property
    def store(self) -> Store:
        return self.users.store

    # -- groups -----------------------------------------------------------------------------------------------------

    def read_all(self, request: Inbound) -> Answer:
        language = Language(sandbox_filter.GROUPS, memberships=True, escapes=self.users.knobs.escapes)
        return self._page(request, "groups", language, lambda item: group_shown(request, self.users, item), GROUP_PAGE)

    def read(self, request: Inbound) -> Answer:
        totals = "totalMemberCounts" in request.asks("include", "totalMemberCounts")
        return 200, group_shown(request, self.users, self.item(request), totals=totals)

    def item(self, request: Inbound, name: str = "group") -> Item:
        found = self.store.groups.get(request.ids[name])
        if found is None:
            raise not_found(f"group with id: {request.ids[name]}")
        return found

    def create(self, request: Inbound) -> Answer:
        given = self._given(request)
        population = given.get("population", {}).get("id")
        if population is not None and population not in self.store.populations:
            raise invalid("INVALID_VALUE", "population.id", "population does not exist")
        now = self.users.now()
        item = self.store.put_group({"id": self.users.new_id(), "createdAt": now, "updatedAt": now, **given})
        return 201, group_shown(request, self.users, item)

    def replace(self, request: Inbound) -> Answer:
        """PUT: everything is replaced, save for the population, which is set when the group is made."""
        old = self.item(request).data
        given = self._given(request)
        if given.pop("population", old.get("population")) != old.get("population"):
            raise invalid("INVALID_VALUE", "population", "cannot be changed")
        kept = {name: old[name] for name in _KEPT if name in old}
        return 200, group_shown(
            request, self.users, self.store.put_group(kept | given | {"updatedAt": self.users.now()})
        )

    def _given(self, request: Inbound) -> dict[str, Any]:
        given = without_nulls(checked(request.body, fields.GROUP, fields.GROUP_READ_ONLY))
        require(given, "name")
        if "userFilter" in given:
            user_filters(single_quotes=True).parse(given["userFilter"])
        return given

    def delete(self, request: Inbound) -> Answer:
        self.store.remove_group(self.item(request).data["id"])
        return 204, None

    # -- nesting: the group of the URL becomes a member of the group of the body -------------------------------------

    def list_memberships(self, request: Inbound) -> Answer:
        kinds = self.store.groups_of_group(self.item(request).data["id"])
        return 200, membership_page(request, self.users, kinds, request.asks("expand", "group"))

    def read_membership(self, request: Inbound) -> Answer:
        kinds = self.store.groups_of_group(self.item(request).data["id"])
        return 200, membership(request, self.users, request.ids["parent"], kinds, request.asks("expand", "group"))

    def nest(self, request: Inbound) -> Answer:
        child, parent = self.item(request).data, named_group(request, self.store)
        if "sourceType" in child or "sourceType" in parent:
            raise invalid("CONSTRAINT_VIOLATION", "id", "an external group cannot be nested")
        if child["id"] in (parent["id"], *self.store.groups_of_group(parent["id"])):
            raise invalid("CONSTRAINT_VIOLATION", "id", "a group cannot be a member of itself")
        if parent["id"] in self.store.parents.get(child["id"], {}) and self.users.knobs.repeated_membership == 400:
            raise invalid("UNIQUENESS_VIOLATION", "id", "the group is already a member of the group")
        self.store.nest(child["id"], parent["id"])
        return 201, membership(request, self.users, parent["id"], {parent["id"]: "DIRECT"}, frozenset())

    def unnest(self, request: Inbound) -> Answer:
        child_id, parent_id = self.item(request).data["id"], request.ids["parent"]
        refuse_removal(self.store.groups_of_group(child_id).get(parent_id), self.users.knobs)
        self.store.unnest(child_id, parent_id)
        return 204, None

    # -- populations and roles, which are only read here --------------------------------------------------------------

    def list_populations(self, request: Inbound) -> Answer:
        language = Language(sandbox_filter.POPULATIONS)
        return self._page(request, "populations", language, lambda item: self._population(request, item))

    def read_population(self, request: Inbound) -> Answer:
        found = self.store.populations.get(request.ids["population"])
        if found is None:
            raise not_found(f"population with id: {request.ids['population']}")
        return 200, self._population(request, found)

    def _population(self, request: Inbound, item: Item) -> dict[str, Any]:
        users = self.store.matching("users", sandbox_filter.Term("population.id", "eq", item.data["id"]))
        links = {"self": request.link(f"/populations/{item.data['id']}")}
        environment = {"id": self.users.environment_id}
        return {"_links": links, "environment": environment, **item.data, "userCount": len(users)}

    def list_builtin_roles(self, request: Inbound) -> Answer:
        rows = list(self.store.roles.values())
        wanted = asked_for(request, DEFAULT_PAGE)
        return 200, page(request, "roles", rows, wanted, wanted.limit, lambda item: item.data)

    def read_builtin_role(self, request: Inbound) -> Answer:
        found = self.store.roles.get(request.ids["role"])
        if found is None:
            raise not_found(f"role with id: {request.ids['role']}")
        return 200, found.data

    def list_roles(self, request: Inbound) -> Answer:
        return self._page(request, "roles", Language(sandbox_filter.ROLES), lambda item: item.data)

    def _page(
        self,
        request: Inbound,
        kind: str,
        language: Language,
        render: Callable[[Item], dict[str, Any]],
        default: int = DEFAULT_PAGE,
    ) -> Answer:
        wanted = asked_for(request, default)
        node = language.parse(wanted.filter) if wanted.filter else None
        rows = self.store.matching(kind, node)
        size = self.users.knobs.page_size(wanted.limit)
        return 200, page(request, kind, rows, wanted, size, render, states_count=self.users.knobs.states_count)
