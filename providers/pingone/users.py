"""PingOne users as SCIM Users: the attribute table, what can be filtered, and what else belongs to a user."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from scim_bridge.attributes import BOOLEAN, TIMESTAMP, Attribute, AttributeMap
from scim_bridge.providers.pingone import values
from scim_bridge.providers.pingone.common import (
    OTHER_PAGES,
    USER_PAGES,
    Scope,
    Terms,
    comparing,
    id_rule,
    is_id,
    item,
)
from scim_bridge.providers.pingone.user_writes import UserWrites
from scim_bridge.query.capabilities import (
    AccessPath,
    Collection,
    Element,
    Relation,
    RelationRead,
    Rendered,
    Resource,
    Row,
    Rule,
    Text,
    ops,
)
from scim_bridge.query.pagers import dig
from scim_bridge.schemas import USER, Extension, Schema, SchemaAttribute, overridden

if TYPE_CHECKING:
    from scim_bridge.providers.pingone import Settings

URN: Final = "urn:scim-bridge:schemas:1.0:pingone:User"
POPULATION: Final = f"{URN}:populationId"
"""Every user is in a population, so it is required; PingOne fills it in, as it does `active`."""

ATTRIBUTES: Final = (
    Attribute("id", "id", mutability="readOnly"),
    Attribute("externalId", "externalId"),
    Attribute("meta.created", "createdAt", TIMESTAMP, mutability="readOnly"),
    Attribute("meta.lastModified", "updatedAt", TIMESTAMP, mutability="readOnly"),
    Attribute("userName", "username"),
    # PingOne has no display name. The full name is one field for both, and the one that a client changes counts. It is
    # not made up from other names where it is missing: PUT of what was read would then store it, and `name.formatted`
    # takes fewer characters than they do.
    Attribute("displayName", "name.formatted"),
    Attribute("name.formatted", "name.formatted"),
    Attribute("name.familyName", "name.family"),
    Attribute("name.givenName", "name.given"),
    Attribute("name.middleName", "name.middle"),
    Attribute("name.honorificPrefix", "name.honorificPrefix"),
    Attribute("name.honorificSuffix", "name.honorificSuffix"),
    Attribute("nickName", "nickname"),
    Attribute("title", "title"),
    Attribute("userType", "type"),
    Attribute("preferredLanguage", "preferredLanguage", canonical=values.LANGUAGES),
    Attribute("locale", "locale", canonical=values.LOCALES),
    Attribute("timezone", "timezone", canonical=values.TIMEZONES),
    Attribute("active", "enabled", BOOLEAN),
    Attribute("password", "password.value", mutability="writeOnly"),
    Attribute("emails.work", "email"),
    Attribute("phoneNumbers.work", "primaryPhone"),
    Attribute("phoneNumbers.mobile", "mobilePhone"),
    Attribute("photos.photo", "photo.href"),
    Attribute('addresses[type eq "work"].streetAddress', "address.streetAddress"),
    Attribute('addresses[type eq "work"].locality', "address.locality"),
    Attribute('addresses[type eq "work"].region', "address.region"),
    Attribute('addresses[type eq "work"].postalCode', "address.postalCode"),
    Attribute('addresses[type eq "work"].country', "address.countryCode", canonical=values.COUNTRIES),
    Attribute(f"{URN}:accountId", "accountId"),
    Attribute(f"{URN}:emailVerified", "emailVerified", BOOLEAN, mutability="readOnly"),
    Attribute(f"{URN}:accountStatus", "account.status", mutability="readOnly"),
    Attribute(f"{URN}:canAuthenticate", "account.canAuthenticate", BOOLEAN, mutability="readOnly"),
    Attribute(f"{URN}:lifecycleStatus", "lifecycle.status", mutability="readOnly"),
    Attribute(f"{URN}:mfaEnabled", "mfaEnabled", BOOLEAN, mutability="readOnly"),
    Attribute(f"{URN}:verifyStatus", "verifyStatus", mutability="readOnly"),
    Attribute(f"{URN}:identityProviderType", "identityProvider.type", mutability="readOnly"),
    Attribute(f"{URN}:identityProviderId", "identityProvider.id", mutability="readOnly"),
    Attribute(f"{URN}:lastSignOn", "lastSignOn.at", TIMESTAMP, mutability="readOnly"),
)
FILTERS: Final = {
    field: ops(operators)
    for operators, fields in {
        "eq sw": "username name.formatted name.middle name.honorificPrefix name.honorificSuffix externalId accountId "
        "nickname title type locale preferredLanguage timezone mobilePhone primaryPhone photo.href "
        "address.streetAddress address.locality address.region address.postalCode address.countryCode",
        "eq sw ew": "email name.given name.family",
    }.items()
    for field in fields.split()
}
"""The operators that the vendor lists for a text field (SCIM filter language; Read All Users)."""
CONTAINS: Final = ("name.given", "name.family")
"""Fields whose `co` is told of by one third party only."""
UNLISTED: Final = frozenset(each.field for each in ATTRIBUTES) - FILTERS.keys()
"""Fields of PingOne's own that are no text, or that no page lists as filterable."""


def _shown(name: str, description: str, type: str = "string") -> SchemaAttribute:
    """What clients cannot write is shown on request, so that the extension reads back as it was written."""
    return SchemaAttribute(name, type, mutability="readOnly", returned="request", description=description)


EXTENSION: Final = Schema(
    URN,
    "PingOneUser",
    "What PingOne knows of a user beyond the core schema",
    (
        SchemaAttribute("populationId", "string", case_exact=True, description="The user's population"),
        SchemaAttribute("accountId", "string", description="An account identifier of the customer's own"),
        _shown("emailVerified", "Whether the e-mail address was verified", "boolean"),
        _shown("accountStatus", "OK or LOCKED"),
        _shown("canAuthenticate", "Whether the user is neither locked nor disabled", "boolean"),
        _shown("lifecycleStatus", "ACCOUNT_OK or VERIFICATION_REQUIRED"),
        _shown("mfaEnabled", "Whether multi-factor authentication is on", "boolean"),
        _shown("verifyStatus", "NOT_INITIATED, ENABLED or DISABLED"),
        _shown("identityProviderType", "The kind of identity provider that authenticates the user"),
        _shown("identityProviderId", "The external identity provider, if any"),
        _shown("lastSignOn", "When the user last signed on", "dateTime"),
    ),
)


def collection(settings: "Settings", populations: Sequence[str]) -> Collection:
    """The Users of one connection; ``populations``: what populationId takes, empty where unknown."""
    table = attribute_map(settings, populations)
    scope = Scope(settings.population_ids)
    listed = AccessPath(
        "/users",
        rows="_embedded.users",
        pager=USER_PAGES,
        rules=tuple(_rules(settings, table)),
        expression="filter",
        logic=ops("and or"),
        always=scope.text,
        text_match=settings.native_text_match,
    )
    users = Collection(
        resource=overridden(table.resource, {path: {"required": True} for path in ("active", POPULATION)}),
        reads=(listed,),
        item=item("/users/{id}", include="memberOfGroupIDs"),
        decode=_decoder(table, locked_is_inactive=settings.locked_is_inactive),
        editable=_editable(table) if settings.locked_is_inactive else None,
        relations=(GROUPS, ROLES),
        writes=UserWrites(table, scope, settings).writes(),
        is_id=is_id,
        written=table.aligned,
        supplied=frozenset({"active", URN, POPULATION}),
        homeless=table.homeless,
        no_place=table.no_place,
    )
    return scope.over(users, scope.user)


def attribute_map(settings: "Settings", populations: Sequence[str] = ()) -> AttributeMap:
    """The attribute table of a connection. Raises MappingError where `attributes` names what does not exist."""
    enterprise = any(path.startswith("enterprise.") or ":enterprise:" in path for path in settings.attributes)
    schema = USER if enterprise else replace(USER, extensions=())
    schema = schema.extended(Extension(EXTENSION, required=True))
    population = Attribute(POPULATION, "population.id", canonical=tuple(populations))
    return AttributeMap(schema, (*ATTRIBUTES, population), settings.attributes)


# -- filters -----------------------------------------------------------------------------------------------------------


def _rules(settings: "Settings", table: AttributeMap) -> Iterator[Rule]:
    """The comparisons of each mapped path, by the fields that hold it: what `attributes` maps elsewhere goes along."""
    term = Terms(escaped_quotes=settings.escaped_quotes)
    held: dict[str, list[str]] = {}
    for path, field in table.paths():
        held.setdefault(path, []).append(field)
    for path, fields in held.items():
        match fields:
            case ["id"]:
                yield id_rule(path, comparing("id"), unique=True)
            case ["population.id"]:
                yield id_rule(path, comparing("population.id"))
            case ["enabled"]:
                yield _active_rule(path, settings, term)
            case ["updatedAt"] if settings.updated_at_filter:
                # Wider, so that rows are counted here: the vendor's count may be wrong for these.
                yield Rule(path, ops("ge le"), _updated(term), exact=False, folds=False)
            case ["username"]:
                yield Rule(path, ops("eq"), term("username"), unique=True)
                yield Rule(path, FILTERS["username"], term("username"))
            case _:
                operators = frozenset.intersection(*(_operators(field, settings) for field in fields))
                if operators:
                    yield Rule(path, operators, term(*fields))
    yield id_rule("groups.value", _members_of)


def _operators(field: str, settings: "Settings") -> frozenset[str]:
    """What a text field is compared by; a custom attribute is none of PingOne's own and has a name without dots."""
    if settings.name_contains_filter and field in CONTAINS:
        return FILTERS[field] | ops("co")
    custom = field not in UNLISTED and "." not in field
    return FILTERS.get(field, ops("eq sw" if custom else ""))


def _updated(term: Terms) -> Callable[[str, Any], Rendered]:
    """Comparisons of the time of the last change, the time in the form that PingOne itself writes."""
    compared = term("updatedAt")

    def render(operator: str, value: Any) -> Rendered:
        moment = TIMESTAMP.read(value)
        return None if moment is None else compared(operator, moment)

    return render


def _members_of(group_id: str) -> Rendered:
    """Users who are in a group, directly or not: the same as `groups` shows."""
    return Text(f'memberOfGroups[id eq "{group_id}"]')


def _active_rule(path: str, settings: "Settings", term: Terms) -> Rule:
    enabled = term("enabled")
    if not settings.locked_is_inactive:
        return Rule(path, ops("eq"), enabled, folds=False)
    # Inactive is then disabled or locked, and no filter speaks of locks: only "active" narrows.
    return Rule(path, ops("eq"), lambda op, value: enabled(op, value) if value else None, exact=False, folds=False)


def _decoder(table: AttributeMap, *, locked_is_inactive: bool) -> Callable[[Row], Resource]:
    def decode(row: Row) -> Resource:
        resource = table.decode(row)
        if locked_is_inactive and dig(row, "account.status") == "LOCKED":
            resource["active"] = False
        return resource

    return decode


def _editable(table: AttributeMap) -> Callable[[Row], Resource]:
    """What a change starts from where locked users show as inactive: neither active, which would leave a lock in place
    when it is written, nor inactive, which would leave a user enabled who is to be disabled."""

    def editable(row: Row) -> Resource:
        resource = table.decode(row)
        if dig(row, "account.status") == "LOCKED" and row.get("enabled") is True:
            del resource["active"]
        return resource

    return editable


# -- what lives behind other endpoints ---------------------------------------------------------------------------------


def _membership(row: Row) -> Element:
    direct = "direct" if row.get("type") == "DIRECT" else "indirect"
    return {"value": row["id"], "display": row.get("name"), "type": direct}


def _group_ids(row: Row) -> list[Element] | None:
    """A single read brings the ids of the user's groups, but neither names nor whether membership is direct."""
    ids = row.get("memberOfGroupIDs")
    return [{"value": each} for each in ids] if isinstance(ids, list) else None


def _assignment(row: Row) -> Element:
    scope = row.get("scope") or {}
    return {"value": row["role"]["id"], "type": f"{scope.get('type')}:{scope.get('id')}"}


GROUPS: Final = Relation(
    "groups",
    reads=(
        RelationRead(AccessPath("/users/{id}/memberOfGroups", "_embedded.groupMemberships", OTHER_PAGES), _membership),
    ),
    references={"": "/Groups"},
    shown="inline",
    inline=_group_ids,
    partial=True,
)
ROLES: Final = Relation(
    "roles",
    reads=(
        RelationRead(AccessPath("/users/{id}/roleAssignments", "_embedded.roleAssignments", OTHER_PAGES), _assignment),
    ),
    references={},
    shown="request",
)
"""A role means something only within its scope, so the scope is the value's type: ``POPULATION:uuid``."""
