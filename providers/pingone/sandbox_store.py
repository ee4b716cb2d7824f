"""What the simulated environment holds: users, groups, populations, and who is a member of what."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from scim_bridge.providers.pingone import sandbox_filter
from scim_bridge.providers.pingone.sandbox_filter import Joined, Language, Membership, Node, Term
from scim_bridge.providers.pingone.sandbox_wire import Item, invalid

CUSTOM: Final = ("department", "employeeNumber", "costCenter")
"""Custom attributes of the environment's user schema, all of type STRING."""
MAX_KEPT: Final = 32
"""Results of filters that are kept until the next write, for the next pages of a list."""


@dataclass(slots=True)
class Store:
    """One environment; lookups by id, username and membership are indexed.

    The vendor documents no order of lists. Here users come newest first, and everything else as it was made.
    """

    users: dict[str, Item] = field(default_factory=dict)
    groups: dict[str, Item] = field(default_factory=dict)
    populations: dict[str, Item] = field(default_factory=dict)
    roles: dict[str, Item] = field(default_factory=dict)
    assignments: dict[str, list[Item]] = field(default_factory=dict)  # role assignments by user id
    case_sensitive: bool = False
    by_username: dict[str, str] = field(default_factory=dict)
    direct: dict[str, dict[str, None]] = field(default_factory=dict)  # user ids by group id
    joined: dict[str, dict[str, None]] = field(default_factory=dict)  # group ids by user id
    parents: dict[str, dict[str, None]] = field(default_factory=dict)  # group ids by nested group's id
    _seq: int = 0
    _matches: "OrderedDict[tuple[str, Node | None], list[Item]]" = field(default_factory=OrderedDict)
    _members: dict[str, frozenset[str]] = field(default_factory=dict)

    def next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def changed(self) -> None:
        """Forget what was derived from the state before a write."""
        self._matches.clear()
        self._members.clear()

    # -- users ------------------------------------------------------------------------------------------------------

    def put_user(self, data: dict[str, Any]) -> Item:
        """Add a user, or replace the one with its id. A username is unique in all populations, in any case."""
        holder = self.by_username.get(data["username"].lower())
        if holder not in (None, data["id"]):
            raise invalid("UNIQUENESS_VIOLATION", "username", "is unique but a non-unique value is provided")
        old = self.users.get(data["id"])
        if old is not None:
            del self.by_username[old.data["username"].lower()]
        item = Item(old.seq if old is not None else -self.next_seq(), data)
        self.users[data["id"]] = item
        self.by_username[data["username"].lower()] = data["id"]
        self.changed()
        return item

    def remove_user(self, user_id: str) -> None:
        item = self.users.pop(user_id)
        del self.by_username[item.data["username"].lower()]
        for group_id in self.joined.pop(user_id, {}):
            del self.direct[group_id][user_id]
        self.assignments.pop(user_id, None)
        self.changed()

    def move_user(self, user_id: str, population_id: str) -> None:
        """Another population; memberships of groups that belong to the old one are lost (vendor: Groups)."""
        self.users[user_id].data["population"] = {"id": population_id}
        for group_id in list(self.joined.get(user_id, {})):
            population = self.groups[group_id].data.get("population")
            if population is not None and population["id"] != population_id:
                self.leave(user_id, group_id)
        self.changed()

    # -- groups -----------------------------------------------------------------------------------------------------

    def put_group(self, data: dict[str, Any]) -> Item:
        """Add a group, or replace the one with its id.

        A population may reuse a name of another population's group, but not one of the environment's.
        """
        population = data.get("population", {}).get("id")
        for other in self.groups.values():
            theirs = other.data.get("population", {}).get("id")
            overlap = None in (population, theirs) or population == theirs
            if other.data["id"] != data["id"] and overlap and other.data["name"].lower() == data["name"].lower():
                raise invalid("UNIQUENESS_VIOLATION", "name", "is unique but a non-unique value is provided")
        old = self.groups.get(data["id"])
        self.groups[data["id"]] = item = Item(old.seq if old is not None else self.next_seq(), data)
        self.direct.setdefault(data["id"], {})
        self.changed()
        return item

    def remove_group(self, group_id: str) -> None:
        del self.groups[group_id]
        for user_id in self.direct.pop(group_id):
            del self.joined[user_id][group_id]
        self.parents.pop(group_id, None)
        for parents in self.parents.values():
            parents.pop(group_id, None)
        self.changed()

    def join(self, user_id: str, group_id: str) -> None:
        self.direct[group_id][user_id] = None
        self.joined.setdefault(user_id, {})[group_id] = None
        self.changed()

    def leave(self, user_id: str, group_id: str) -> None:
        del self.direct[group_id][user_id]
        del self.joined[user_id][group_id]
        self.changed()

    def nest(self, child_id: str, parent_id: str) -> None:
        self.parents.setdefault(child_id, {})[parent_id] = None
        self.changed()

    def unnest(self, child_id: str, parent_id: str) -> None:
        del self.parents[child_id][parent_id]
        self.changed()

    # -- who is a member of what ------------------------------------------------------------------------------------

    def groups_of_user(self, user_id: str) -> dict[str, str]:
        """Each group a user is in, DIRECT where explicitly added, else INDIRECT: by nesting or by a group's filter."""
        direct = self.joined.get(user_id, {})
        dynamic = [each for each, item in self.groups.items() if user_id in self._by_filter(item)]
        return self._upwards(direct, dynamic)

    def groups_of_group(self, group_id: str) -> dict[str, str]:
        return self._upwards(self.parents.get(group_id, {}), [])

    def _upwards(self, direct: Iterable[str], also: Iterable[str]) -> dict[str, str]:
        found = dict.fromkeys(direct, "DIRECT")
        waiting = [*found, *also]
        while waiting:
            group_id = waiting.pop()
            found.setdefault(group_id, "INDIRECT")
            waiting += [each for each in self.parents.get(group_id, {}) if each not in found]
        return found

    def users_in(self, group_id: str) -> frozenset[str]:
        """Everyone in a group: explicitly added, by its filter, or through a nested group."""
        if group_id not in self.groups:
            return frozenset()
        if group_id not in self._members:
            nested = [each for each, parents in self.parents.items() if group_id in parents]
            found = frozenset(self.direct[group_id]) | self._by_filter(self.groups[group_id])
            self._members[group_id] = found.union(*map(self.users_in, nested))
        return self._members[group_id]

    def _by_filter(self, group: Item) -> frozenset[str]:
        condition = group.data.get("userFilter")
        if condition is None:
            return frozenset()
        population = group.data.get("population", {}).get("id")
        node = user_filters(single_quotes=True).parse(condition)
        matching = [item.data for item in self.matching("users", node)]
        return frozenset(each["id"] for each in matching if population in (None, each["population"]["id"]))

    def _user_members(self, node: Membership) -> frozenset[str]:
        direct = frozenset(self.direct.get(node.group_id, ()))
        if node.kind == "DIRECT":
            return direct
        return self.users_in(node.group_id) - (direct if node.kind == "INDIRECT" else frozenset())

    def _group_members(self, node: Membership) -> frozenset[str]:
        kinds = {each: self.groups_of_group(each).get(node.group_id) for each in self.parents}
        return frozenset(each for each, kind in kinds.items() if kind is not None and node.kind in (None, kind))

    # -- lists ------------------------------------------------------------------------------------------------------

    def matching(self, kind: str, node: Node | None) -> list[Item]:
        """The records of ``users``, ``groups``, ``populations`` or ``roles`` that match, in order."""
        key = (kind, node)
        found = self._matches.get(key)
        if found is None:
            found = self._matches[key] = self._scanned(kind, node)
            while len(self._matches) > MAX_KEPT:
                self._matches.popitem(last=False)
        return found

    def _scanned(self, kind: str, node: Node | None) -> list[Item]:
        items: dict[str, Item] = getattr(self, kind)
        ordered = reversed(items.values()) if kind == "users" else items.values()
        if node is None:
            return list(ordered)
        members: Callable[[Membership], frozenset[str]]
        members = self._user_members if kind == "users" else self._group_members
        test = sandbox_filter.compiled(node, members, case_sensitive=self.case_sensitive)
        ids = self._candidates(node) if kind == "users" else None
        if ids is None:
            return [item for item in ordered if test(item.data)]
        found = [items[each] for each in ids if each in items and test(items[each].data)]
        return sorted(found, key=lambda item: item.seq)

    def _candidates(self, node: Node) -> set[str] | None:
        """The users an index leaves to look at; None: all."""
        match node:
            case Term(name="id", operator="eq", value=str() as wanted):
                return {wanted.lower()}
            case Term(name="username", operator="eq", value=str() as wanted):
                holder = self.by_username.get(wanted.lower())
                return set() if holder is None else {holder}
            case Membership():
                return set(self._user_members(node))
            case Joined(every=True):
                indexed = [each for each in map(self._candidates, node.terms) if each is not None]
                return min(indexed, key=len) if indexed else None
            case Joined():
                parts = [self._candidates(each) for each in node.terms]
                return None if None in parts else set().union(*(each for each in parts if each is not None))
        return None


def user_filters(*, escapes: bool = True, updated_at: bool = False, single_quotes: bool = False) -> Language:
    """The filter language of users; a group's own filter says nothing of memberships, or it could name itself."""
    operators = {**sandbox_filter.USERS, **dict.fromkeys(CUSTOM, frozenset({"eq", "sw"}))}
    if updated_at:
        operators["updatedAt"] = frozenset({"ge", "le"})
    return Language(operators, memberships=not single_quotes, escapes=escapes, single_quotes=single_quotes)
