"""PingOne users as SCIM Users: the attribute table, what can be filtered, and how users are written."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from scim_bridge.attributes import BOOLEAN, TIMESTAMP, Attribute, AttributeMap, nested
from scim_bridge.providers.pingone import values
from scim_bridge.providers.pingone.common import (
    MEMBERSHIP_PAGES,
    USER_PAGES,
    Terms,
    group_of,
    in_populations,
    is_id,
    item,
    population_of,
)
from scim_bridge.query.capabilities import (
    AccessPath,
    Call,
    Collection,
    Element,
    Relation,
    RelationRead,
    Resource,
    Row,
    Rule,
    Steps,
    Writes,
    ops,
)
from scim_bridge.query.pagers import dig
from scim_bridge.schemas import USER, Extension, Schema, SchemaAttribute

if TYPE_CHECKING:
    from scim_bridge.providers.pingone import Settings

URN: Final = "urn:scim-bridge:schemas:1.0:pingone:User"
IMPORT: Final = "application/vnd.pingidentity.user.import+json"
SET_PASSWORD: Final = "application/vnd.pingidentity.password.set+json"
UNLOCK: Final = "application/vnd.pingidentity.account.unlock+json"
WHOLE: Final = ("name", "address", "photo")
"""Sub-objects that PATCH gets complete: whether PingOne merges inside them is not documented."""
OWN_ENDPOINT: Final = ("enabled", "population.id", "password.value")

ATTRIBUTES: Final = (
    Attribute("id", "id", mutability="readOnly"),
    Attribute("externalId", "externalId"),
    Attribute("meta.created", "createdAt", TIMESTAMP, mutability="readOnly"),
    Attribute("meta.lastModified", "updatedAt", TIMESTAMP, mutability="readOnly"),
    Attribute("userName", "username"),
    # PingOne has no display name; the full name is one field for both, and the one that a client changes counts.
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
    Attribute("phoneNumbers.other", "primaryPhone"),
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
    "email": ("emails.value", "eq sw ew"),
    "name.given": ("name.givenName", "eq sw ew"),
    "name.family": ("name.familyName", "eq sw ew"),
    "name.formatted": ("name.formatted", "eq sw"),
    "name.middle": ("name.middleName", "eq sw"),
    "name.honorificPrefix": ("name.honorificPrefix", "eq sw"),
    "name.honorificSuffix": ("name.honorificSuffix", "eq sw"),
    "externalId": ("externalId", "eq sw"),
    "accountId": (f"{URN}:accountId", "eq sw"),
    "nickname": ("nickName", "eq sw"),
    "title": ("title", "eq sw"),
    "type": ("userType", "eq sw"),
    "locale": ("locale", "eq sw"),
    "preferredLanguage": ("preferredLanguage", "eq sw"),
    "timezone": ("timezone", "eq sw"),
    "photo.href": ("photos.value", "eq sw"),
    "address.streetAddress": ("addresses.streetAddress", "eq sw"),
    "address.locality": ("addresses.locality", "eq sw"),
    "address.region": ("addresses.region", "eq sw"),
    "address.postalCode": ("addresses.postalCode", "eq sw"),
    "address.countryCode": ("addresses.country", "eq sw"),
}
"""Field to SCIM path and the operators the vendor lists for it (SCIM filter language; Read All Users). `co` on names
is claimed by one third party only, and left out."""


def _text(name: str, description: str, mutability: str = "readOnly") -> SchemaAttribute:
    return SchemaAttribute(name, "string", mutability=mutability, description=description)


def _flag(name: str, description: str) -> SchemaAttribute:
    return SchemaAttribute(name, "boolean", mutability="readOnly", description=description)


EXTENSION: Final = Schema(
    URN,
    "PingOneUser",
    "What PingOne knows of a user beyond the core schema",
    (
        SchemaAttribute("populationId", "string", case_exact=True, description="The user's population"),
        _text("accountId", "An account identifier of the customer's own", "readWrite"),
        _flag("emailVerified", "Whether the e-mail address was verified"),
        _text("accountStatus", "OK or LOCKED"),
        _flag("canAuthenticate", "Whether the user is neither locked nor disabled"),
        _text("lifecycleStatus", "ACCOUNT_OK or VERIFICATION_REQUIRED"),
        _flag("mfaEnabled", "Whether multi-factor authentication is on"),
        _text("verifyStatus", "NOT_INITIATED, ENABLED or DISABLED"),
        _text("identityProviderType", "The kind of identity provider that authenticates the user"),
        _text("identityProviderId", "The external identity provider, if any"),
        SchemaAttribute("lastSignOn", "dateTime", mutability="readOnly", description="When the user last signed on"),
    ),
)


def collection(settings: "Settings", populations: Sequence[str]) -> Collection:
    """The Users of one connection; ``populations``: what populationId takes, empty where unknown."""
    table = _table(settings, populations)
    scope = in_populations(settings.population_ids)
    shown = frozenset(settings.population_ids)
    return Collection(
        resource=table.resource,
        reads=(_list(settings, scope),),
        item=item("/users/{id}", include="memberOfGroupIDs"),
        decode=_decoder(table, locked_is_inactive=settings.locked_is_inactive),
        relations=(GROUPS, ROLES),
        writes=UserWrites(table, settings).writes(),
        visible=(lambda row: population_of(row) in shown) if shown else (lambda row: True),
        is_id=is_id,
        written=table.aligned,
        homeless=table.homeless,
        no_place=table.no_place,
    )


def _table(settings: "Settings", populations: Sequence[str]) -> AttributeMap:
    enterprise = any(path.startswith("enterprise.") or ":enterprise:" in path for path in settings.attributes)
    schema = USER if enterprise else replace(USER, extensions=())
    schema = replace(schema, extensions=(*schema.extensions, Extension(EXTENSION, required=False)))
    population = Attribute(f"{URN}:populationId", "population.id", canonical=tuple(populations))
    return AttributeMap(schema, (*ATTRIBUTES, population), settings.attributes)


def _list(settings: "Settings", scope: str | None) -> AccessPath:
    return AccessPath(
        "/users",
        rows="_embedded.users",
        pager=USER_PAGES,
        rules=tuple(_rules(settings)),
        expression="filter",
        logic=ops("and or"),
        always=scope,
        text_match=settings.native_text_match,
    )


def _rules(settings: "Settings") -> Sequence[Rule]:
    term = Terms(escaped_quotes=settings.escaped_quotes)
    rules = [Rule("userName", ops("eq"), term("username"), unique=True), Rule("userName", ops("sw"), term("username"))]
    rules += [Rule(path, ops(operators), term(field)) for field, (path, operators) in FILTERS.items()]
    rules += [Rule("displayName", ops("eq sw"), term("name.formatted"))]
    rules += [Rule("phoneNumbers.value", ops("eq sw"), term.any_of("primaryPhone", "mobilePhone"))]
    rules += [Rule("groups.value", ops("eq"), lambda operator, value: group_of(value), folds=False)]
    rules += [Rule(f"{URN}:populationId", ops("eq"), term("population.id"), folds=False)]
    rules += [_active_rule(settings, term)]
    if settings.updated_at_filter:
        # Wider, so that rows are counted here: the vendor's count may be wrong for these.
        rules += [Rule("meta.lastModified", ops("ge le"), term("updatedAt"), exact=False, folds=False)]
    custom = AttributeMap(USER, (), settings.attributes).paths()
    return rules + [Rule(path, ops("eq sw"), term(field)) for path, field in custom]


def _active_rule(settings: "Settings", term: Terms) -> Rule:
    enabled = term("enabled")
    if not settings.locked_is_inactive:
        return Rule("active", ops("eq"), enabled, folds=False)
    # Inactive is then disabled or locked, and no filter speaks of locks: only "active" narrows.
    return Rule("active", ops("eq"), lambda op, value: enabled(op, value) if value else None, exact=False, folds=False)


def _decoder(table: AttributeMap, *, locked_is_inactive: bool) -> Any:
    def decode(row: Row) -> Resource:
        resource = table.decode(row)
        if locked_is_inactive and dig(row, "account.status") == "LOCKED":
            resource["active"] = False
        return resource

    return decode


def _membership(row: Row) -> Element:
    direct = "direct" if row.get("type") == "DIRECT" else "indirect"
    return {"value": row["id"], "display": row.get("name"), "type": direct}


def _group_ids(row: Row) -> list[Element] | None:
    """A single read brings the ids of the user's groups, but neither names nor whether membership is direct."""
    ids = row.get("memberOfGroupIDs")
    return [{"value": each} for each in ids] if isinstance(ids, list) else None


def _assignment(row: Row) -> Element | None:
    role, scope = dig(row, "role.id"), row.get("scope") or {}
    return {"value": role, "type": f"{scope.get('type')}:{scope.get('id')}"} if role else None


GROUPS: Final = Relation(
    "groups",
    reads=(
        RelationRead(
            AccessPath("/users/{id}/memberOfGroups", "_embedded.groupMemberships", MEMBERSHIP_PAGES), _membership
        ),
    ),
    references={"": "/Groups"},
    shown="inline",
    inline=_group_ids,
)
ROLES: Final = Relation(
    "roles",
    reads=(
        RelationRead(
            AccessPath("/users/{id}/roleAssignments", "_embedded.roleAssignments", MEMBERSHIP_PAGES), _assignment
        ),
    ),
    references={},
    shown="request",
)
"""A role means something only within its scope, so the scope is the value's type: ``POPULATION:uuid``."""


class UserWrites:
    """The calls that create, change and delete a user."""

    def __init__(self, table: AttributeMap, settings: "Settings") -> None:
        self._table = table
        self._population = settings.population_id
        self._unlocks = settings.locked_is_inactive

    def writes(self) -> Writes:
        return Writes(create=self.create, update=self.update, delete=self.delete)

    def create(self, values: Resource) -> Steps:
        """POST, then `enabled` by its own endpoint. A password makes it an import; that sends no mail by default."""
        fields = self._table.fields(values)
        enabled = fields.pop("enabled", None)
        if self._population is not None:
            fields.setdefault("population.id", self._population)
        headers = {"Content-Type": IMPORT} if "password.value" in fields else {}
        reply = yield Call(
            "POST", "/users", json=nested(fields), headers=headers, undo=lambda made: _deletion(made.body["id"])
        )
        row: Row = reply.body
        if enabled is False:
            yield Call("PUT", f"/users/{row['id']}/enabled", json={"enabled": False})
            return (yield Call("GET", f"/users/{row['id']}")).body
        return row

    def update(self, row: Row, before: Resource, after: Resource) -> Steps:
        """PATCH for what the user resource takes, then each endpoint of its own; the password last: nothing undoes it."""
        changes = self._table.changed(before, after)
        path = f"/users/{row['id']}"
        own = {name: changes.pop(name) for name in OWN_ENDPOINT if name in changes}
        result: Row | None = None
        if changes:
            result = (yield self._patch(path, row, changes, after)).body
        if "population.id" in own:
            old = {"id": population_of(row)}
            undo = Call("PUT", f"{path}/population", json=old)
            yield Call("PUT", f"{path}/population", json={"id": own["population.id"]}, undo=undo)
        if "enabled" in own:
            yield from self._enable(path, row, enabled=own["enabled"] is not False)
        if own.get("password.value") is not None:
            body = {"value": own["password.value"], "forceChange": False}
            yield Call("PUT", f"{path}/password", json=body, headers={"Content-Type": SET_PASSWORD})
        return None if own else result

    def _patch(self, path: str, row: Row, changes: Mapping[str, Any], after: Resource) -> Call:
        whole = self._table.fields(after)
        body = dict(changes)
        for name in WHOLE:
            if any(field.startswith(f"{name}.") for field in changes):
                body = {field: value for field, value in body.items() if not field.startswith(f"{name}.")}
                kept = {field: value for field, value in whole.items() if field.startswith(f"{name}.")}
                cleared = {field: None for field, value in changes.items() if value is None and kept}
                body |= kept | {field: None for field in cleared if field.startswith(f"{name}.")} or {name: None}
        sent = nested(body)
        undo = Call("PATCH", path, json={name: row.get(name) for name in sent})
        return Call("PATCH", path, json=sent, undo=undo, idempotent=True)

    def _enable(self, path: str, row: Row, *, enabled: bool) -> Steps:
        if row.get("enabled") is not enabled:
            undo = Call("PUT", f"{path}/enabled", json={"enabled": not enabled})
            yield Call("PUT", f"{path}/enabled", json={"enabled": enabled}, undo=undo)
        if enabled and self._unlocks and dig(row, "account.status") == "LOCKED":
            yield Call("POST", path, headers={"Content-Type": UNLOCK})

    def delete(self, user_id: str) -> Steps:
        yield _deletion(user_id)


def _deletion(user_id: str) -> Call:
    return Call("DELETE", f"/users/{user_id}")
