"""The simulated `/groups`, `/populations`, `/roles` and role assignments.

Sources: "Groups", "Create Group", "Populations", "Roles", "Role assignments".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from scim_bridge.providers.pingone import sandbox_fields as fields
from scim_bridge.providers.pingone import sandbox_filter
from scim_bridge.providers.pingone.sandbox_environment import DEFAULT_PAGE, Answer, Environment
from scim_bridge.providers.pingone.sandbox_fields import checked, require, without_nulls
from scim_bridge.providers.pingone.sandbox_filter import Language
from scim_bridge.providers.pingone.sandbox_store import user_filters
from scim_bridge.providers.pingone.sandbox_wire import Cursor, Inbound, Item, invalid, not_found

GROUP_PAGE: Final = 1000
_KEPT: Final[tuple[str, ...]] = ("id", "population", "sourceId", "sourceType", "createdAt")
"""What a PUT of a group leaves as it is."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The endpoints of groups, populations and roles."""

    environment: Environment

    # -- groups -----------------------------------------------------------------------------------------------------

    def read_all(self, request: Inbound) -> Answer:
        language = Language(sandbox_filter.GROUPS, memberships=True, escapes=self.environment.knobs.escapes)
        render = self.environment.group_shown
        return self._listed(request, "groups", language, lambda item: render(request, item), GROUP_PAGE)

    def read(self, request: Inbound) -> Answer:
        totals = "totalMemberCounts" in request.asks("include", "totalMemberCounts")
        return 200, self.environment.group_shown(request, self._item(request), totals=totals)

    def create(self, request: Inbound) -> Answer:
        given = self._given(request)
        population = given.get("population", {}).get("id")
        if population is not None and population not in self.environment.store.populations:
            raise invalid("INVALID_VALUE", "population.id", "population does not exist")
        now = self.environment.now()
        return self._stored(201, request, {"id": self.environment.new_id(), "createdAt": now, "updatedAt": now}, given)

    def replace(self, request: Inbound) -> Answer:
        """PUT: everything is replaced, save for the population, which is set when the group is made."""
        old = self._item(request).data
        given = self._given(request)
        if given.pop("population", old.get("population")) != old.get("population"):
            raise invalid("INVALID_VALUE", "population", "cannot be changed")
        kept = {name: old[name] for name in _KEPT if name in old}
        if "sourceType" in kept and "userFilter" in given:
            raise invalid("CONSTRAINT_VIOLATION", "userFilter", "an external group has no filter")
        return self._stored(200, request, {**kept, "updatedAt": self.environment.now()}, given)

    def _item(self, request: Inbound) -> Item:
        return self.environment.group(request.ids["group"])

    def _given(self, request: Inbound) -> dict[str, Any]:
        given = without_nulls(checked(request.body, fields.GROUP, fields.GROUP_READ_ONLY))
        require(given, "name")
        if "userFilter" in given:
            user_filters(single_quotes=True).parse(given["userFilter"])
        return given

    def _stored(self, status: int, request: Inbound, kept: dict[str, Any], given: dict[str, Any]) -> Answer:
        return status, self.environment.group_shown(request, self.environment.store.put_group(kept | given))

    def delete(self, request: Inbound) -> Answer:
        self.environment.store.remove_group(self._item(request).data["id"])
        return 204, None

    # -- populations and roles, which are only read here --------------------------------------------------------------

    def list_populations(self, request: Inbound) -> Answer:
        language = Language(sandbox_filter.POPULATIONS)
        return self._listed(request, "populations", language, lambda item: self._population(request, item))

    def read_population(self, request: Inbound) -> Answer:
        found = self.environment.store.populations.get(request.ids["population"])
        if found is None:
            raise not_found(f"population with id: {request.ids['population']}")
        return 200, self._population(request, found)

    def _population(self, request: Inbound, item: Item) -> dict[str, Any]:
        inside = sandbox_filter.Term("population.id", "eq", item.data["id"])
        links = {"self": request.link(f"/populations/{item.data['id']}")}
        counted = {"userCount": len(self.environment.store.matching("users", inside))}
        return {"_links": links, "environment": self.environment.shown, **item.data, **counted}

    def list_roles(self, request: Inbound) -> Answer:
        return self._listed(request, "roles", Language(sandbox_filter.ROLES), lambda item: item.data)

    def list_builtin_roles(self, request: Inbound) -> Answer:
        roles = list(self.environment.store.roles.values())
        return self.environment.listed(request, "roles", lambda wanted: roles, lambda item, wanted: item.data)

    def read_builtin_role(self, request: Inbound) -> Answer:
        found = self.environment.store.roles.get(request.ids["role"])
        if found is None:
            raise not_found(f"role with id: {request.ids['role']}")
        return 200, found.data

    def list_assignments(self, request: Inbound) -> Answer:
        rows = self._assignments(request)
        return self.environment.listed(
            request, "roleAssignments", lambda wanted: rows, lambda item, wanted: self._assignment(item)
        )

    def read_assignment(self, request: Inbound) -> Answer:
        wanted = request.ids["assignment"]
        found = next((each for each in self._assignments(request) if each.data["id"] == wanted), None)
        if found is None:
            raise not_found(f"role assignment with id: {wanted}")
        return 200, self._assignment(found)

    def _assignments(self, request: Inbound) -> list[Item]:
        return self.environment.store.assignments.get(self.environment.user(request).data["id"], [])

    def _assignment(self, item: Item) -> dict[str, Any]:
        return {"environment": self.environment.shown, **item.data}

    def _listed(
        self,
        request: Inbound,
        kind: str,
        language: Language,
        render: Callable[[Item], dict[str, Any]],
        default: int = DEFAULT_PAGE,
    ) -> Answer:
        def matching(wanted: Cursor) -> list[Item]:
            return self.environment.store.matching(kind, language.parse(wanted.filter) if wanted.filter else None)

        return self.environment.listed(request, kind, matching, lambda item, wanted: render(item), default=default)
