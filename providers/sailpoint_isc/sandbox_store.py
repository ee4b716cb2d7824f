"""What the simulated tenant holds, and what in it happens later: effects come due as the clock goes."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scim_bridge.clock import Clock

Row = dict[str, Any]


@dataclass(slots=True)
class Person:
    """An identity: ``data`` as responses show it, and what only filters know."""

    data: Row
    correlated: bool = True
    protected: bool = False
    owns: list[Row] = field(default_factory=list)  # what keeps it from being deleted

    def get(self, name: str) -> Any:
        return getattr(self, name) if name in ("correlated", "protected") else self.data.get(name)


@dataclass(slots=True)
class Store:
    """Everything, by id. Whoever changes an identity behind the API's back calls `changed`."""

    clock: Clock
    identities: dict[str, Person] = field(default_factory=dict)
    workgroups: dict[str, Row] = field(default_factory=dict)
    members: dict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))  # of workgroups, in order
    memberships: dict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))  # of identities
    connections: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))  # where workgroups are used
    roles: dict[str, Row] = field(default_factory=dict)
    assigned: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))  # role: identity: source
    entitlements: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))  # of identities
    profiles: dict[str, Row] = field(default_factory=dict)
    states: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))  # lifecycle states of profiles
    records: dict[str, Row] = field(default_factory=dict)  # non-employees
    activities: dict[str, Row] = field(default_factory=dict)
    version: int = 0
    _due: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    _lists: dict[Any, Sequence[Any]] = field(default_factory=dict)

    def changed(self) -> None:
        """What lists showed is no longer true."""
        self.version += 1
        self._lists.clear()

    def listed(self, key: Any, rows: Callable[[], Sequence[Any]]) -> Sequence[Any]:
        """A list as it was made the last time, while nothing changed: a crawl asks for it page by page."""
        if key not in self._lists:
            if len(self._lists) > 50:
                self._lists.clear()
            self._lists[key] = rows()
        return self._lists[key]

    # -- later ------------------------------------------------------------------------------------------------------

    def later(self, seconds: float, effect: Callable[[], None]) -> None:
        """Something that is accepted now and happens after so many seconds."""
        self._due.append((self.clock.now() + seconds, effect))
        self.settle()

    def settle(self) -> None:
        """Carry out what is due."""
        now = self.clock.now()
        due = [effect for at, effect in self._due if at <= now]
        self._due = [each for each in self._due if each[0] > now]
        for effect in due:
            effect()
            self.changed()

    # -- groups and roles -------------------------------------------------------------------------------------------

    def join(self, workgroup: str, identities: Iterable[str]) -> None:
        for each in identities:
            self.members[workgroup][each] = None
            self.memberships[each][workgroup] = None
        self.changed()

    def leave(self, workgroup: str, identity: str) -> None:
        self.members[workgroup].pop(identity, None)
        self.memberships[identity].pop(workgroup, None)
        self.changed()

    def shown_workgroup(self, row: Mapping[str, Any]) -> Row:
        counts = {"memberCount": len(self.members[row["id"]]), "connectionCount": len(self.connections[row["id"]])}
        return {**row, **counts}

    def remove_workgroup(self, workgroup: str) -> None:
        for each in list(self.members[workgroup]):
            self.leave(workgroup, each)
        del self.workgroups[workgroup]
        self.changed()

    def assign(self, role: str, identity: str, source: str = "ROLE_MEMBERSHIP") -> None:
        self.assigned[role][identity] = source
        self.changed()

    def roles_of(self, identity: str) -> list[str]:
        return [role for role, held in self.assigned.items() if identity in held]

    def remove_identity(self, identity: str) -> None:
        """The identity and all that names it; its accounts and records stay."""
        for workgroup in list(self.memberships[identity]):
            self.leave(workgroup, identity)
        for held in self.assigned.values():
            held.pop(identity, None)
        for each in self.identities.values():
            if (each.data.get("managerRef") or {}).get("id") == identity:
                each.data["managerRef"] = None
        self.identities.pop(identity, None)
        self.changed()

    def identity_of(self, alias: str) -> Person | None:
        return next((each for each in self.identities.values() if each.data.get("alias") == alias), None)
