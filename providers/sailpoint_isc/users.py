"""Identities as SCIM Users: the attribute table, what can be filtered, and what lives behind other endpoints."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from scim_bridge.attributes import BOOLEAN, TIMESTAMP, Attribute, AttributeMap, expand
from scim_bridge.codecs import codec_of
from scim_bridge.providers.sailpoint_isc.common import (
    PAGES,
    SMALL_PAGES,
    Api,
    among,
    comparing,
    id_rules,
    is_id,
    item,
    listed,
    literal,
    text_rules,
)
from scim_bridge.providers.sailpoint_isc.user_relations import entitlements_of, groups_of, roles_of
from scim_bridge.providers.sailpoint_isc.user_writes import Lifecycle, UserWrites
from scim_bridge.query.capabilities import (
    AccessPath,
    Collection,
    Params,
    Referral,
    Rendered,
    Resource,
    Row,
    Rule,
    Text,
    ops,
)
from scim_bridge.query.pagers import Offset, dig
from scim_bridge.schemas import USER, Extension, ResourceSchema, Schema, SchemaAttribute, overridden

if TYPE_CHECKING:
    from scim_bridge.providers.sailpoint_isc import Settings

URN: Final = "urn:scim-bridge:schemas:1.0:sailpoint-isc:User"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
STATUSES: Final = tuple(
    "UNREGISTERED REGISTERED PENDING WARNING DISABLED ACTIVE DEACTIVATED TERMINATED ERROR LOCKED".split()
)
TOP_LEVEL: Final = frozenset(
    "id name alias emailAddress created modified lastRefresh processingState identityStatus isManager".split()
)
"""Fields of an identity itself; any other name means one of its `attributes`, which each tenant has its own of."""
IDS: Final = ("roles.value", "entitlements.value")
ORDERED: Final = "alias,name"
CHUNK: Final = 60
"""Identities that one filter names: the address of such a request is about 3 kB long."""

ATTRIBUTES: Final = (
    Attribute("id", "id"),
    Attribute("meta.created", "created", TIMESTAMP),
    Attribute("meta.lastModified", "modified", TIMESTAMP),
    Attribute("userName", "alias"),
    Attribute("displayName", "name"),
    Attribute("name.formatted", "name"),
    Attribute("name.givenName", "attributes.firstname"),
    Attribute("name.familyName", "attributes.lastname"),
    Attribute("active", "active", BOOLEAN),
    Attribute("emails.work", "emailAddress"),
    Attribute("phoneNumbers.work", "attributes.phone"),
    Attribute("enterprise.employeeNumber", "attributes.identificationNumber"),
    Attribute("enterprise.manager.value", "managerRef.id"),
    Attribute("enterprise.manager.displayName", "managerRef.name"),
    Attribute(f"{URN}:status", "identityStatus"),
    Attribute(f"{URN}:locked", "locked", BOOLEAN),
    Attribute(f"{URN}:lifecycleState", "lifecycleState.stateName"),
    Attribute(f"{URN}:lifecycleStateIsManual", "lifecycleState.manuallyUpdated", BOOLEAN),
    Attribute(f"{URN}:sourceId", "attributes.cloudAuthoritativeSource"),
    Attribute(f"{URN}:processingState", "processingState"),
    Attribute(f"{URN}:isManager", "isManager", BOOLEAN),
    Attribute(f"{URN}:lastRefresh", "lastRefresh", TIMESTAMP),
)
SWITCHED: Final = frozenset({"active"})
RECORDED: Final = {
    "userName": "immutable",
    "name.givenName": "readWrite",
    "name.familyName": "readWrite",
    "emails.work": "readWrite",
    "phoneNumbers.work": "readWrite",
    "enterprise.manager.value": "readWrite",
    f"{URN}:startDate": "writeOnly",
    f"{URN}:endDate": "writeOnly",
}
"""What a non-employee's record holds; the name that is shown is the tenant's to make from it."""
NEEDED: Final = (
    *("name", "name.givenName", "name.familyName", "emails", "emails.value", "phoneNumbers", "phoneNumbers.value"),
    *("enterprise.manager", "enterprise.manager.value", f"{URN}:startDate", f"{URN}:endDate"),
)
"""What a record cannot be made without, beside the user name."""
DATES: Final = (Attribute(f"{URN}:startDate", "startDate"), Attribute(f"{URN}:endDate", "endDate"))


def _shown(name: str, description: str, type: str = "string") -> SchemaAttribute:
    return SchemaAttribute(name, type, mutability="readOnly", description=description)


def _date(name: str, description: str) -> SchemaAttribute:
    return SchemaAttribute(name, "dateTime", mutability="writeOnly", returned="never", description=description)


KNOWN: Final = (
    replace(_shown("status", "The status of the identity"), canonical_values=STATUSES),
    _shown("locked", "Whether the identity is locked; another status hides that", "boolean"),
    _shown("lifecycleState", "The technical name of the lifecycle state"),
    _shown("lifecycleStateIsManual", "Whether that was set by hand, which overrides the tenant's rules", "boolean"),
    replace(_shown("sourceId", "The source the identity comes from"), case_exact=True),
    _shown("processingState", "Whether its processing went well: OK or ERROR"),
    _shown("isManager", "Whether it is somebody's manager", "boolean"),
    _shown("lastRefresh", "When it was processed last", "dateTime"),
)
EXTENSION: Final = Schema(
    URN, "Identity", "What Identity Security Cloud knows of an identity beyond the core schema", KNOWN
)
PERIOD: Final = (
    _date("startDate", "When a non-employee's work begins; needed to create one"),
    _date("endDate", "When a non-employee's work ends; needed to create one"),
)


def collection(settings: "Settings", api: Api, states: Mapping[str, Lifecycle] | None) -> Collection:
    """The Users of one connection; ``states``: the lifecycle states by authoritative source, None where unknown."""
    table = attribute_map(settings)
    decode = _decoder(table, settings)
    shown = {"defaultFilter": "NONE" if settings.identities == "all" else "CORRELATED_ONLY"}
    writes = UserWrites(table, api, settings, states or {}, decode, shown)
    found = Collection(
        resource=_effective(table.resource, settings),
        reads=(
            _list(settings, api, table, shown),
            _named(api, "groups.value", api("workgroups", "/{of}/members"), "name,created", SMALL_PAGES, shown),
            _named(api, "roles.value", api("roles", "/{of}/assigned-identities"), "id", PAGES, shown),
        ),
        item=item(api("identities"), **shown),
        decode=decode,
        relations=(groups_of(api), roles_of(api), entitlements_of(api)),
        is_id=is_id,
    )
    if not settings.writes:
        return found
    return replace(
        found, writes=writes.writes(), written=table.aligned, homeless=table.homeless, no_place=table.no_place
    )


def _effective(resource: ResourceSchema, settings: "Settings") -> ResourceSchema:
    """The schema as the API has it: ids with their case, and what new people need."""
    changes: dict[str, dict[str, Any]] = {path: {"case_exact": True} for path in IDS}
    for path in NEEDED if "non-employee" in settings.writes else ():
        changes.setdefault(expand(path, resource), {})["required"] = True
    return overridden(resource, changes)


def attribute_map(settings: "Settings") -> AttributeMap:
    """The attribute table of a connection. Raises MappingError where `attributes` names what does not exist."""
    recorded = RECORDED if "non-employee" in settings.writes else {}
    extension = replace(EXTENSION, attributes=(*KNOWN, *PERIOD) if recorded else KNOWN)
    schema = USER.extended(Extension(extension))
    AttributeMap(schema, (), settings.attributes)  # says what is wrong with it
    switched = dict.fromkeys(SWITCHED if settings.switches else (), "readWrite")
    mutability: Mapping[str, str] = {**switched, **recorded}
    own = [
        replace(each, mutability=mutability.get(each.path, "readOnly"))
        for each in (*ATTRIBUTES, *(DATES if recorded else ()))
    ]
    return AttributeMap(schema, (*own, *_mapped(settings, schema)))


def _mapped(settings: "Settings", schema: ResourceSchema) -> Iterator[Attribute]:
    """What the connection maps itself; identity attributes are computed upstream, so none can be written."""
    for path, field in settings.attributes.items():
        resolved = schema.resolve(re.sub(r"\[[^]]*\]", "", expand(path, schema)))
        assert resolved is not None
        yield Attribute(path, field_of(field), codec_of(resolved.target), mutability="readOnly")


def field_of(name: str) -> str:
    """Where a name of the `attributes` setting leads."""
    head = name.partition(".")[0]
    return name if head in {*TOP_LEVEL, "attributes", "lifecycleState", "managerRef"} else f"attributes.{name}"


def _decoder(table: AttributeMap, settings: "Settings") -> Callable[[Row], Resource]:
    def decode(row: Row) -> Resource:
        status = row.get("identityStatus")
        return table.decode({**row, "active": is_active(row, settings), "locked": status == "LOCKED"})

    return decode


def is_active(row: Row, settings: "Settings") -> bool | None:
    """By the lifecycle state where that is what clients switch, else by the status; None where there is none."""
    if "lifecycle" in settings.writes:
        state, inactive = dig(row, "lifecycleState.stateName"), settings.inactive_states
    else:
        state, inactive = row.get("identityStatus"), settings.inactive_statuses
    return state not in inactive if isinstance(state, str) else None


# -- filters -----------------------------------------------------------------------------------------------------------


def _list(settings: "Settings", api: Api, table: AttributeMap, shown: Params) -> AccessPath:
    return listed(
        api("identities"),
        ORDERED,
        fixed=shown,
        rules=tuple(_rules(settings, table)),
        logic=ops("and or"),
        sorts=_sorts() if settings.sorts_without_case else {},
        text_match=settings.native_text_match,
        fallible=True,  # whether it takes `and` and `or` is told by an example alone
    )


FILTERS: Final = {
    "alias": "alias",
    "name": "name",
    "attributes.firstname": "firstname",
    "attributes.lastname": "lastname",
    "emailAddress": "email",
}
"""What filters call the fields that they know."""


def _rules(settings: "Settings", table: AttributeMap) -> Iterator[Rule]:
    """The comparisons of each mapped path, by the one field that holds it."""
    held: dict[str, list[str]] = {}
    for path, field in table.paths():
        held.setdefault(path, []).append(field)
    for path, fields in held.items():
        match fields:
            case ["id"]:
                yield from id_rules(path, comparing("id"), unique=True)
            case ["active"] if settings.status_filter and "lifecycle" not in settings.writes:
                yield Rule(path, ops("eq"), _by_status(settings), folds=False)
            case [field] if field in FILTERS:
                yield from text_rules(path, FILTERS[field], joins=True, unique=field == "alias")
            case ["processingState"]:
                yield Rule(path, ops("eq"), _state)


def _by_status(settings: "Settings") -> Callable[[str, Any], Rendered]:
    """`cloudStatus` is what filters call a status, which may be the one that is shown."""

    def render(operator: str, value: Any) -> Rendered:
        wanted = [each for each in STATUSES if (each not in settings.inactive_statuses) is value]
        terms = [f"cloudStatus eq {literal(each)}" for each in wanted]
        return Text(f"({' or '.join(terms)})") if terms else None

    return render


def _state(operator: str, value: Any) -> Rendered:
    known = isinstance(value, str) and value.upper() in ("OK", "ERROR")
    return Text(f"processingState eq {literal(value.upper())}") if known else None


def _sorts() -> Mapping[tuple[str, str], Params]:
    paths = {"userName": "alias", "displayName": "name", "name.formatted": "name"}
    signs = {"ascending": "", "descending": "-"}
    return {
        (path, order): {"sorters": f"{sign}{name}"} for path, name in paths.items() for order, sign in signs.items()
    }


def _named(api: Api, attribute: str, path: str, sorters: str, pager: Offset, shown: Params) -> AccessPath:
    """A list that names identities: the members of a group, those who have a role."""
    records = listed(api("identities"), ORDERED, fixed=shown)
    return listed(
        path,
        sorters,
        pager=pager,
        expression=None,
        identity=None,
        rules=tuple(id_rules(attribute, lambda value: {"{of}": value})),
        refers=Referral(_ids, records, "filters", CHUNK, joined=among("id")),
    )


def _ids(row: Row) -> Iterator[str]:
    yield row["id"]
