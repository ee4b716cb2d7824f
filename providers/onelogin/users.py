"""OneLogin users as SCIM Users: the attribute table, what can be filtered, the roles that users have."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from scim_bridge.attributes import TEXT, TIMESTAMP, Attribute, AttributeMap, MappingError
from scim_bridge.codecs import INTEGER, Codec
from scim_bridge.providers.onelogin.common import (
    ID,
    TIME_OPERATORS,
    Texts,
    bounds,
    filling,
    id_rule,
    identity,
    is_id,
    is_plain,
    item,
    own_id,
    pages,
)
from scim_bridge.providers.onelogin.deletions import deletions
from scim_bridge.providers.onelogin.user_relations import GROUPS, ROLES
from scim_bridge.providers.onelogin.user_writes import UserWrites
from scim_bridge.query.capabilities import (
    AccessPath,
    Collection,
    Either,
    Params,
    Referral,
    Rendered,
    Resource,
    Row,
    Rule,
    ops,
)
from scim_bridge.schemas import ENTERPRISE_USER, USER, Extension, Schema, SchemaAttribute, overridden

if TYPE_CHECKING:
    from scim_bridge.providers.onelogin import Settings

URN: Final = "urn:scim-bridge:schemas:1.0:onelogin:User"
CUSTOM: Final = "custom_attributes."
CHUNK: Final = 50
"""Ids that a list of several users is asked for: how many it takes is not documented."""
MANAGER: Final = f"{ENTERPRISE_USER.id}:manager"
NAMELESS: Final = "onelogin-"
"""What users without a username and without an e-mail address are called, with their id behind it."""


def _strings(value: Any) -> list[str] | None:
    """Text, or several of them."""
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, str) and each] or None


ATTRIBUTES: Final = (
    Attribute("id", "id", ID, mutability="readOnly"),
    Attribute("externalId", "external_id"),
    Attribute("meta.created", "created_at", TIMESTAMP, mutability="readOnly"),
    Attribute("meta.lastModified", "updated_at", TIMESTAMP, mutability="readOnly"),
    Attribute("userName", "username"),
    Attribute("displayName", "full_name", mutability="readOnly"),
    Attribute("name.formatted", "full_name", mutability="readOnly"),
    Attribute("name.givenName", "firstname"),
    Attribute("name.familyName", "lastname"),
    Attribute("title", "title"),
    Attribute("preferredLanguage", "preferred_locale_code"),
    Attribute("password", "password", mutability="writeOnly"),
    Attribute("emails.work", "email"),
    Attribute("phoneNumbers.work", "phone"),
    Attribute("enterprise.department", "department"),
    Attribute("enterprise.organization", "company"),
    Attribute("enterprise.manager.value", "manager_user_id", ID),
    Attribute(f"{URN}:comment", "comment"),
    Attribute(f"{URN}:samAccountName", "samaccountname"),
    Attribute(f"{URN}:userPrincipalName", "userprincipalname"),
    Attribute(f"{URN}:distinguishedName", "distinguished_name"),
    Attribute(f"{URN}:trustedIdpId", "trusted_idp_id", ID, mutability="readOnly"),
    Attribute(f"{URN}:status", "status_code", INTEGER, mutability="readOnly"),
    Attribute(f"{URN}:state", "state", INTEGER, mutability="readOnly"),
    Attribute(f"{URN}:directoryId", "directory_id", ID, mutability="readOnly"),
    Attribute(f"{URN}:managerAdId", "manager_ad_id", ID, mutability="readOnly"),
    Attribute(f"{URN}:memberOf", "member_of", Codec(_strings), mutability="readOnly"),
    Attribute(f"{URN}:invalidLoginAttempts", "invalid_login_attempts", INTEGER, mutability="readOnly"),
    Attribute(f"{URN}:lockedUntil", "locked_until", TIMESTAMP, mutability="readOnly"),
    Attribute(f"{URN}:lastLogin", "last_login", TIMESTAMP, mutability="readOnly"),
    Attribute(f"{URN}:activatedAt", "activated_at", TIMESTAMP, mutability="readOnly"),
    Attribute(f"{URN}:passwordChangedAt", "password_changed_at", TIMESTAMP, mutability="readOnly"),
    Attribute(f"{URN}:invitationSentAt", "invitation_sent_at", TIMESTAMP, mutability="readOnly"),
)
DERIVED: Final = {"full_name": ("firstname", "lastname"), "status_code": ("status",), "password": ()}
"""Fields of the table that rows are given here, or never have, and what they are made of."""
FILTERED: Final = frozenset({"username", "email", "firstname", "lastname", "external_id", "samaccountname"})
TIMES: Final = {"created_at": "created", "updated_at": "updated", "last_login": "last_login"}


def _shown(name: str, description: str, type: str = "string", *, many: bool = False) -> SchemaAttribute:
    """What clients cannot write is shown on request, so that the extension reads back as it was written."""
    return SchemaAttribute(
        name, type, multi_valued=many, mutability="readOnly", returned="request", description=description
    )


EXTENSION: Final = Schema(
    URN,
    "OneLoginUser",
    "What OneLogin knows of a user beyond the core schema",
    (
        SchemaAttribute("groupId", "string", case_exact=True, description="The one group whose policies apply"),
        SchemaAttribute("comment", "string", description="A note on the user"),
        SchemaAttribute("samAccountName", "string", description="The name in Active Directory"),
        SchemaAttribute("userPrincipalName", "string", description="The principal name in Active Directory"),
        SchemaAttribute("distinguishedName", "string", description="The distinguished name in a directory"),
        _shown("trustedIdpId", "The trusted identity provider"),
        _shown(
            "status",
            "0 unactivated, 1 active, 2 suspended, 3 locked, 4 password expired, 5 awaiting password reset, "
            "7 password pending, 8 security questions required",
            "integer",
        ),
        _shown("state", "0 unapproved, 1 approved, 2 rejected, 3 unlicensed", "integer"),
        _shown("directoryId", "The directory that the user comes from"),
        _shown("managerAdId", "The manager's id in Active Directory"),
        _shown("memberOf", "The groups that the user is in, in the directory", many=True),
        _shown("invalidLoginAttempts", "How often signing in failed", "integer"),
        _shown("lockedUntil", "When a lock ends; it may be past", "dateTime"),
        _shown("lastLogin", "When the user last signed in", "dateTime"),
        _shown("activatedAt", "When the user was activated", "dateTime"),
        _shown("passwordChangedAt", "When the password was last changed", "dateTime"),
        _shown("invitationSentAt", "When an invitation was sent", "dateTime"),
    ),
)


def collection(settings: "Settings", groups: Sequence[str] = ()) -> Collection:
    """The Users of one connection; ``groups``: what groupId takes, empty where unknown."""
    table = attribute_map(settings, groups)
    # An item of the list lacks many fields unless they are asked for by name.
    fixed = {"fields": ",".join(fields(table)), **({"sort": "+id"} if settings.ordered_by_id else {})}
    listed = AccessPath(
        "/api/2/users",
        rows="",
        pager=pages(settings.user_page_size),
        rules=tuple(_rules(settings, table)),
        fixed=fixed,
        text_match=settings.native_text_match,
        identity=identity,
        fallible=settings.group_id_filter,
    )
    several = AccessPath("/api/2/users", "", pages(CHUNK), fixed={"fields": fixed["fields"]}, identity=identity)
    # A list that is not there has no rows, but not for want of users.
    by_ids = replace(several, path="/api/2/users?user_ids={ids}", rules=(BY_IDS,), absent=lambda error: False)
    with_role = AccessPath(
        "/api/2/roles/{role}/users",
        rows="",
        pager=pages(settings.role_page_size),
        rules=tuple(id_rule(path, filling("{role}")) for path in ("groups.value", "roles.value")),
        refers=Referral(_holder, several, "user_ids", CHUNK),
    )
    # OneLogin gives every user a status, and we a username that is an address as the e-mail address too.
    required = ("active", *(["emails"] if settings.email_required else []))
    effective: dict[str, dict[str, Any]] = {path: {"required": True} for path in (*required, "emails.value")}
    effective |= {f"{MANAGER}.$ref": {"mutability": "readWrite"}}
    # Made of the other parts; displayName shows it anyway, and a name reads back as it was written.
    effective |= {"name.formatted": {"returned": "request", "mutability": "readOnly"}}
    return Collection(
        resource=overridden(table.resource, effective),
        reads=(listed, by_ids, with_role),
        item=item("/api/2/users/{id}"),
        decode=lambda row: table.decode(completed(row)),
        relations=(GROUPS, ROLES),
        writes=UserWrites(table, settings).writes(),
        is_id=is_id,
        written=lambda body, before: table.aligned(_with_manager(body, before), before),
        supplied=frozenset(required),
        homeless=table.homeless,
        no_place=table.no_place,
        deletions=deletions(settings),
    )


def attribute_map(settings: "Settings", groups: Sequence[str] = ()) -> AttributeMap:
    """The attribute table of a connection. Raises MappingError where `attributes` names what does not exist."""
    active = Codec(
        lambda status: status in settings.active_statuses if isinstance(status, int) else None,
        lambda value: 1 if value else 2,
    )
    texts = {each.field for each in ATTRIBUTES if each.codec is TEXT} - {"username", "full_name", "password"}
    for path, name in settings.attributes.items():
        if name not in texts and not (name.startswith(CUSTOM) and name != CUSTOM):
            raise MappingError(f"{path}: {name} is no text that users have; custom attributes are {CUSTOM}SHORTNAME")
    schema = USER.extended(Extension(EXTENSION, required=False))
    own = (Attribute("active", "status", active), Attribute(f"{URN}:groupId", "group_id", ID, canonical=tuple(groups)))
    return AttributeMap(schema, (*ATTRIBUTES, *own), settings.attributes)


def _with_manager(body: Resource, before: Mapping[str, Any] | None) -> Resource:
    """A user whose manager is named by id: a URI that a client gives instead, or changes, names it too."""
    manager = (body.get(ENTERPRISE_USER.id) or {}).get("manager")
    if not isinstance(manager, Mapping) or "$ref" not in manager:
        return body
    held = ((before or {}).get(ENTERPRISE_USER.id) or {}).get("manager") or {}
    named = manager.get("value")
    if named in (None, held.get("value")):
        named = str(manager["$ref"]).rpartition("/")[2]
    return {**body, ENTERPRISE_USER.id: {**body[ENTERPRISE_USER.id], "manager": {"value": named}}}


def fields(table: AttributeMap) -> list[str]:
    """The fields of a row that the table and the relations need."""
    names = [name for _, field in table.paths() for name in DERIVED.get(field, (field.partition(".")[0],))]
    return list(dict.fromkeys(["id", *names, "role_ids"]))


def completed(row: Row) -> Row:
    """A user as the table reads it: with a name to sign in by, a full name, and nothing that never happened."""
    names = filter(None, (row.get("firstname"), row.get("lastname")))
    found = {
        **row,
        "username": row.get("username") or row.get("email") or f"{NAMELESS}{row.get('id')}",
        "full_name": " ".join(names),
        "status_code": row.get("status"),
    }
    if str(row.get("last_login") or "").startswith("0001-"):
        found["last_login"] = None  # who never signed in
    return found


def _holder(row: Row) -> list[str]:
    """The user of a row of a role's users, which has those without the role, too."""
    return [] if row.get("assigned") is False else [own_id(row)]


# -- filters -----------------------------------------------------------------------------------------------------------


def _rules(settings: "Settings", table: AttributeMap) -> Iterator[Rule]:
    """The comparisons of each mapped path, by the fields that hold it: what `attributes` maps elsewhere goes along."""
    texts = Texts(wildcards=settings.wildcards)
    held: dict[str, list[str]] = {}
    for path, field in table.paths():
        held.setdefault(path, []).append(field)
    for path, names in held.items():
        match names:
            case ["username"] if path == "userName":
                yield Rule(path, ops("eq"), _by_name(texts), exact=False, unique=True)
                yield Rule(path, texts.operators, _by_name(texts), exact=False)
            case [("created_at" | "updated_at" | "last_login") as name]:
                render = bounds(f"{TIMES[name]}_since", f"{TIMES[name]}_until")
                yield Rule(path, TIME_OPERATORS, render, exact=False, folds=False)
            case ["directory_id"]:
                yield id_rule(path, filling("directory_id"))
            case ["group_id"] if settings.group_id_filter:
                yield id_rule(path, filling("group_id"), exact=False)
            case _ if all(name in FILTERED or name.startswith(CUSTOM) for name in names):
                yield Rule(path, texts.operators, texts(*names), exact=False)


def _by_name(texts: Texts) -> Any:
    """Users by the name that is shown: the username, else the e-mail address, else one made of the id."""

    def render(operator: str, value: Any) -> Rendered:
        if not is_plain(value):
            return None
        made = re.fullmatch(f"{NAMELESS}(.*)", value, re.IGNORECASE)
        options: list[Params] = texts.options(("username", "email"), operator, value)
        if operator == "eq":
            by_id = [{"user_ids": made[1]}] if made and is_id(made[1]) else []
            return Either((*options, *by_id))
        # A part of a made-up name, which the upstream does not know.
        return None if set(value.lower()) <= set(f"{NAMELESS}0123456789") else Either(tuple(options))

    return render


BY_IDS: Final = replace(
    id_rule("id", filling("{ids}"), unique=True),
    several=lambda values: {"{ids}": ",".join(values)},
    chunk=CHUNK,
)
"""The only "or" of the vendor's lists."""
