"""What a site says of itself, and what it is trusted to filter: proven comparisons that it is seen to do right.

The evidence is other people's: vendor samples, captures, forum threads. Each comparison it speaks for is tried once
more on the site's own first users, as what can be filtered depends on its version, database and own attributes.
What nobody has seen work (`ne`, `ew`, `lt`, `pr`, `not`, value paths) is never sent.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from scim_bridge.codecs import utc_timestamp
from scim_bridge.providers.scim.discovery import DEFAULT_PAGE, Published, ResourceType, published
from scim_bridge.providers.scim.evidence import Evidence
from scim_bridge.providers.scim.paging import TOLD
from scim_bridge.providers.scim.probe import Ask
from scim_bridge.providers.scim.proof import proven
from scim_bridge.providers.scim.rules import UNPROVEN, Fact, Proof, fields
from scim_bridge.providers.scim.shape import held, listed
from scim_bridge.query.capabilities import Row, ops
from scim_bridge.query.pages import Send
from scim_bridge.schemas import ENTERPRISE_USER, USER, Extension, ResourceSchema, Schema, SchemaAttribute
from scim_bridge.upstream.errors import BadAnswer

_log = logging.getLogger("scim_bridge.providers.sailpoint_iiq")

SAILPOINT: Final = "urn:ietf:params:scim:schemas:sailpoint:1.0"
SP_USER: Final = f"{SAILPOINT}:User"
SP_ROLE: Final = f"{SAILPOINT}:Role"
ORDERED: Final = {"sortBy": "userName"}
"""Without sortBy the order of a list is not promised."""
TRIED: Final = ops("eq sw co ge gt le")
"""The operators with evidence."""
BARRED: Final = ops("ne ew lt pr")
SAMPLES: Final = 100
_ACTIVE: Final = frozenset({("active", "eq true"), ("active", "eq false")})
_PATHS: Final[Mapping[str, frozenset[str]]] = {
    "User": ops("userName displayName name.givenName name.familyName userType emails.value active"),
    "Account": ops(
        "displayName nativeIdentity uuid lastRefresh lastTargetAggregation identity.value identity.userName "
        "identity.displayName application.value application.displayName"
    ),
    "Entitlement": ops("displayableName type"),
}
"""What of each resource type can be filtered somewhere; of users also what the site added to them."""
_UNLISTED: Final = "CheckedPolicyViolation"
"""A resource type that is only made: it has no list."""
_CORE: Final = ops("userName name displayName userType active password emails")
"""What of a SCIM user IdentityIQ itself has."""
_UNTESTED: Final = ops("isManager")
_ON_REQUEST: Final = ops("roles entitlements")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the declaration of a connection depends on. ``user`` and ``role``: the schemas as the site publishes them;
    ``proof``: what filters on users do; ``enough``: there were users to prove it on; ``asked``: the site was."""

    user: ResourceSchema
    role: Schema
    proof: Proof
    others: tuple[ResourceType, ...] = ()
    page: int = DEFAULT_PAGE
    enough: bool = False
    asked: bool = True

    @property
    def extension(self) -> Schema:
        """IdentityIQ's own attributes of users, the site's included; not the roles and entitlements, shown as such."""
        found = next((each for each in self.user.schemas[1:] if each.id == SP_USER), None)
        kept = (each for each in found.attributes if each.name not in _ON_REQUEST) if found is not None else ()
        return Schema(SP_USER, "IdentityIQUser", "What IdentityIQ and its site know of a user", tuple(kept))


async def discovered(send: Send) -> Facts:
    """Read the discovery documents and try filters on users and on what else may be large.

    Raises BadAnswer where users cannot be listed; of the other types those are left out that these credentials may not
    list, and those that have no list.
    """
    read = await published(send)
    user = next((each for each in read.types if each.base.id == USER.base.id), None)
    role = next((each for each in read.types if each.base.id == SP_ROLE), None)
    if user is None:
        raise BadAnswer("", "publishes no users: is the base URL that of IdentityIQ?")
    columns = await _columns(send)
    user = _described(user, columns)
    ask = Ask(send, user.endpoint, samples=SAMPLES, fixed=dict(ORDERED))
    body = await ask.body({"startIndex": "1", "count": str(SAMPLES)})
    if body is None:
        raise BadAnswer("", "does not let these credentials list users")
    proof = await _proof(ask, user, listed(body)[1], _Tried("User", columns))
    schema = role.base if role is not None else Schema(SP_ROLE, "Role", "", ())
    done = {user.name, role.name if role is not None else "", _UNLISTED}
    others = [each async for each in _others(send, read, done)]
    return Facts(user, schema, proof, tuple(others), read.page, bool(proof.finding))


@dataclass(frozen=True, slots=True)
class _Column:
    """An identity attribute as the site configured it: what it is called, whether it has one value that the database
    can search by."""

    shown: str
    searchable: bool


async def _columns(send: Send) -> Mapping[str, _Column]:
    """The identity attributes of the site, by name in lower case; none where its configuration cannot be read."""
    for endpoint in ("/ObjectConfigs", "/ObjectConfig"):  # one is published, the other one is served
        body = await Ask(send, endpoint).body({"startIndex": "1", "count": str(SAMPLES)})
        for each in listed(body)[1]:
            if each.get("name") == "Identity":
                return dict(_configured(each.get("objectAttributes")))
    return {}


def _configured(attributes: Any) -> Iterator[tuple[str, _Column]]:
    for each in attributes if isinstance(attributes, list) else ():
        name = each.get("name") if isinstance(each, Mapping) else None
        if isinstance(name, str):
            number = each.get("extendedNumber")
            column = (isinstance(number, int) and number > 0) or each.get("namedColumn") is True
            yield name.lower(), _Column(str(each.get("displayName") or ""), column and each.get("multi") is not True)


def _described(user: ResourceSchema, columns: Mapping[str, _Column]) -> ResourceSchema:
    """The site's own attributes with what the site calls them: its schema says nothing of that."""

    def described(each: SchemaAttribute) -> SchemaAttribute:
        column = columns.get(each.name.lower())
        return replace(each, description=column.shown) if column is not None and not each.description else each

    extensions = tuple(
        replace(each, schema=replace(each.schema, attributes=tuple(map(described, each.schema.attributes))))
        for each in user.extensions
    )
    return replace(user, extensions=extensions)


@dataclass(frozen=True, slots=True)
class _Tried:
    """Which comparisons of a resource type are worth trying."""

    kind: str
    columns: Mapping[str, _Column] = field(default_factory=dict)

    def __call__(self, fact: Fact) -> bool:
        path, operator = fact
        return operator.partition(" ")[0] in TRIED and self._known(path)

    def _known(self, path: str) -> bool:
        urn, _, name = path.rpartition(":")
        if self.kind != "User" or urn != SP_USER:
            return path in _PATHS.get(self.kind, ())
        column = self.columns.get(name.lower())
        # Parts of attributes with several values are refused: `accounts.value`.
        return "." not in name and name not in _UNTESTED and (column is None or column.searchable)


async def _proof(ask: Ask, resource: ResourceSchema, rows: Any, tried: Callable[[Fact], bool]) -> Proof:
    found = (await proven(ask, resource, rows, tried=tried)).proof if rows else UNPROVEN
    seen = _ACTIVE if _ACTIVE & found.finding else frozenset()  # few sites have an inactive one among the first
    return replace(found, finding=found.finding | seen, barred=BARRED)


async def _others(send: Send, read: Published, done: set[str]) -> Any:
    """The resource types that pass through, as far as there is a list of them."""
    for each in read.types:
        if each.name in done:
            continue
        found = await _passed(send, each)
        if found is None:
            _log.info("a resource type was left out, as it cannot be listed", extra={"type": each.name})
        else:
            yield found


async def _passed(send: Send, resource: ResourceSchema) -> ResourceType | None:
    count = SAMPLES if resource.name in _PATHS else 1
    plural = f"{resource.endpoint.rstrip('s')}s"  # ObjectConfigs is published in the singular
    for endpoint in dict.fromkeys((resource.endpoint, plural)):
        ask = Ask(send, endpoint, samples=count)
        body = await ask.body({"startIndex": "1", "count": str(count)})
        if body is not None:
            resource = replace(resource, endpoint=endpoint)
            proof = await _proof(ask, resource, listed(body)[1], _Tried(resource.name)) if count > 1 else UNPROVEN
            return ResourceType(resource, Evidence(listed=True, paging=TOLD, proof=proof, enough=True))
    return None


# -- without asking ----------------------------------------------------------------------------------------------------


def _said(name: str, type: str = "string", mutability: str = "readOnly", *, several: bool = False) -> SchemaAttribute:
    return SchemaAttribute(name, type, multi_valued=several, mutability=mutability)


def _reference(name: str, mutability: str, *, several: bool = False) -> SchemaAttribute:
    subs = (replace(_said("value", mutability=mutability), case_exact=True), _said("displayName"))
    return SchemaAttribute(name, "complex", several, mutability=mutability, sub_attributes=subs)


def _only(schema: Schema, names: frozenset[str]) -> Schema:
    return replace(schema, attributes=tuple(each for each in schema.attributes if each.name in names))


def assumed() -> Facts:
    """A site without attributes of its own, which does what others were seen to do; for plans nothing is asked for."""
    attributes = (
        _reference("accounts", "readOnly", several=True),
        _said("capabilities", mutability="readWrite", several=True),
        _said("riskScore", "integer"),
        _said("isManager", "boolean"),
        _said("lastRefresh", "dateTime"),
        _reference("administrator", "readWrite"),
        _said("softwareVersion", mutability="readWrite"),
    )
    extensions = (_only(ENTERPRISE_USER, ops("manager")), Schema(SP_USER, "User", "", attributes))
    user = replace(USER, base=_only(USER.base, _CORE), extensions=tuple(map(Extension, extensions)))
    tried = _Tried("User")
    facts = {(each.path, operator) for each in fields(user) for operator in TRIED if tried((each.path, operator))}
    proof = Proof(finding=frozenset(facts) | _ACTIVE, logic=ops("and or"), strict=True, barred=BARRED)
    role = Schema(SP_ROLE, "Role", "", (_said("name"), _said("active", "boolean")))
    return Facts(user, role, proof, page=1000, asked=False)


def dated(row: Row) -> Row:
    """A record with its times in UTC; that of its last change is that of its creation where there was none."""
    meta = row.get("meta")
    if not isinstance(meta, Mapping):
        return row
    created = utc_timestamp(meta.get("created"))
    times = {"created": created, "lastModified": utc_timestamp(meta.get("lastModified")) or created}
    return {**row, "meta": {**meta, **times}}


def reference_of(value: Any) -> str | None:
    """The id at the end of a reference's address, which starts with a host that clients need not know."""
    address = held(value, "$ref") if isinstance(value, Mapping) else None
    return address.rpartition("/")[2] or None if isinstance(address, str) else None
