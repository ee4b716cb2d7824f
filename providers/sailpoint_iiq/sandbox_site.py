"""One simulated IdentityIQ site: its objects, its extended attributes, and what its documentation leaves open."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final

INTERNAL: Final = "http://localhost:8088/iiq"
"""Where the server believes to be: what `$ref` and `meta.location` start with, whatever address clients use."""
SAILPOINT: Final = "urn:ietf:params:scim:schemas:sailpoint:1.0"
USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
SP_USER: Final = f"{SAILPOINT}:User"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Extended:
    """An identity attribute that the site defined (ObjectConfig `Identity`)."""

    name: str
    type: str = "string"  # or "identity": a reference to one
    multi: bool = False
    column: bool = True  # it has a database column: it can be filtered and sorted by


EXTENDED: Final = (
    Extended("jobTitle"),
    Extended("department"),
    Extended("employeeId"),
    Extended("phone", column=False),
    Extended("location"),
    Extended("region"),
    Extended("contractEndDate", column=False),
    Extended("costcenter", multi=True),
    Extended("regionOwner", type="identity"),
    Extended("locationOwner", type="identity"),
)
"""As an 8.1 demo site has them, more or less: names and case differ from site to site."""


def as_many(rows: int) -> int:
    return rows


@dataclass(slots=True)
class Knobs:
    """What differs from site to site and from version to version, or is not documented; tests turn these."""

    max_results: int = 1000  # `filter.maxResults`, configurable
    token_lifetime_seconds: int = 1200
    anonymous_discovery: bool = True  # /ServiceProviderConfig needs no sign-in
    operators: frozenset[str] = frozenset("eq sw co ge gt le".split())  # those with evidence
    logic: frozenset[str] = frozenset({"and", "or"})
    crashes: bool = False  # any filter ends in 500, as some do
    insensitive: bool = True  # how text compares: a matter of the database
    stable: bool = True  # lists without sortBy come in the same order each time
    page_size: Callable[[int], int] = field(default=as_many)  # of the rows a page could hold, how many it does
    bare_extension: bool = False  # `attributes=roles` finds the extension's; nothing on 8.4
    name_in_path: bool = True  # /Users/{name} works without lookupByName
    refuses_read_only: bool = True  # a readOnly attribute in a body is refused, not ignored
    formatted_is_display: bool = False  # name.formatted and displayName are one field
    primary: Any = True  # "true", as text, on 7.x
    zone_hours: int = -6  # dates carry the server's offset
    zulu: bool = False  # ... or Z, on newer ones
    plural_config: bool = True  # /ObjectConfigs; or /ObjectConfig alone
    workflow_seconds: float = 0.0  # until a launched workflow has done its work
    approval: bool = False  # ... which somebody has to approve first
    put_delay_seconds: float = 0.0  # one site reports over a minute a PUT
    scim_roles: bool = True  # users' roles are there when asked for
    matching_versions: bool = False  # If-Match is honoured
    keeps: frozenset[str] = frozenset()  # extended attributes that a PUT without them does not null


@dataclass(slots=True)
class Site:
    """What a site holds: identities by id, and the records of the other resource types by type and id.

    ``changes`` counts what was written, for whoever keeps something made from the objects.
    """

    knobs: Knobs
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    extended: tuple[Extended, ...] = EXTENDED
    identities: dict[str, Row] = field(default_factory=dict)
    records: dict[str, dict[str, Row]] = field(default_factory=dict)
    changes: int = 0
    by_name: dict[str, str] = field(default_factory=dict)

    def put(self, identity: Row) -> None:
        self.identities[identity["id"]] = identity
        self.by_name[identity["userName"].lower()] = identity["id"]
        self.changes += 1

    def remove(self, identity_id: str) -> None:
        identity = self.identities.pop(identity_id)
        self.by_name.pop(identity["userName"].lower(), None)
        self.changes += 1

    def shown_date(self, moment: datetime) -> str:
        """A date as this server writes it."""
        if self.knobs.zulu:
            return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        zone = timezone(timedelta(hours=self.knobs.zone_hours))
        return moment.astimezone(zone).isoformat(timespec="milliseconds")

    def meta(self, kind: str, path: str, created: datetime, modified: datetime | None) -> Row:
        """`meta`; the version is the time of the last change, or of the creation. What never changed has no
        lastModified."""
        version = int((modified or created).timestamp() * 1000)
        changed = {"lastModified": self.shown_date(modified)} if modified is not None else {}
        return {
            "created": self.shown_date(created),
            "location": f"{INTERNAL}/scim/v2{path}",
            **changed,
            "version": f'W/"{version}"',
            "resourceType": kind,
        }

    def reference(self, identity_id: str | None) -> Row:
        """A reference to an identity; an empty object where there is none, or it is gone."""
        identity = self.identities.get(identity_id or "")
        if identity is None:
            return {}
        shown = identity.get("displayName") or identity["userName"]
        return {"displayName": shown, "value": identity["id"], "$ref": f"{INTERNAL}/scim/v2/Users/{identity['id']}"}

    def role_reference(self, role_id: str) -> Row:
        role = self.records["Role"][role_id]
        shown = role.get("displayableName") or role["name"]
        return {"displayName": shown, "value": role_id, "$ref": f"{INTERNAL}/scim/v2/Roles/{role_id}"}


def found_or_none(records: Mapping[str, Row], wanted: str, *, by_name: bool) -> Row | None:
    """A record by its id, or by its name."""
    if not by_name and wanted in records:
        return records[wanted]
    return next((each for each in records.values() if each.get("name") == wanted), None)
