"""IdentityIQ's roles, twice: as Groups with the people who have them, and as Roles; both read-only.

A role does not tell who has it, and nothing can be asked for by role: members are the users, all of them read once for
however many roles. Roles are given by workflows that run by themselves and may want an approval, which SCIM cannot say.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from scim_bridge.providers.sailpoint_iiq.given import ROLES as USERS_ROLES
from scim_bridge.providers.sailpoint_iiq.given import is_id, record, role_ids
from scim_bridge.providers.sailpoint_iiq.site import ORDERED, Facts, dated
from scim_bridge.providers.scim.paging import TOLD, is_empty
from scim_bridge.providers.scim.shape import Moves, decoder, identifier
from scim_bridge.query.capabilities import (
    NOTHING,
    AccessPath,
    Collection,
    Element,
    Referral,
    Relation,
    RelationRead,
    Rendered,
    Resource,
    Row,
    Rule,
    ops,
)
from scim_bridge.query.pagers import OnePage
from scim_bridge.schemas import GROUP, ROLE, ROLE_DETAILS, Extension, ResourceSchema, Schema, overridden

if TYPE_CHECKING:
    from scim_bridge.providers.sailpoint_iiq import Settings

URN: Final = "urn:scim-bridge:schemas:1.0:sailpoint-iiq:Group"
ENDPOINT: Final = "/Roles"


def groups(settings: "Settings", facts: Facts) -> Collection:
    """Roles as Groups."""
    kept = ops("assigned detected") if settings.detected_roles else ops("assigned")
    found = _roles(
        GROUP, Schema(URN, "IdentityIQRole", "What IdentityIQ knows of a role", facts.role.attributes), facts
    )
    return replace(
        found,
        resource=overridden(found.resource, {"members": {"returned": "request"}}),
        reads=(*found.reads, _of_member(kept)),
        relations=(_members(facts, kept),),
    )


def roles(facts: Facts) -> Collection:
    """Roles as Roles, in the form that clients discover what people can be given."""
    details = Schema(ROLE_DETAILS, "RoleDetails", "What else is known of a role", facts.role.attributes)
    return _roles(ROLE, details, facts)


def _roles(kind: ResourceSchema, details: Schema, facts: Facts) -> Collection:
    resource = kind.extended(Extension(details))
    decode = decoder(resource, Moves(), frozenset({"members"}))
    by_id = Rule("id", ops("eq"), _filled("{id}"), exact=False, folds=False, unique=True)
    listed = AccessPath(
        ENDPOINT,
        rows="Resources",
        pager=TOLD.pager(facts.page, "proven"),
        fixed={"sortBy": "name"},
        empty=is_empty,
        identity=identifier,
    )
    return Collection(
        resource=resource,
        reads=(listed,),
        item=AccessPath(f"{ENDPOINT}/{{id}}", rows=".", pager=OnePage(), rules=(by_id,)),
        decode=lambda row: decode(_viewed(row, details.id)),
        is_id=is_id,
    )


def _viewed(row: Row, urn: str) -> Resource:
    """A role as SCIM has it, with all that IdentityIQ says of it under a schema of its own."""
    kind = row.get("type")
    described = row.get("descriptions")
    texts = (
        [each.get("value") for each in described if isinstance(each, Mapping)] if isinstance(described, list) else []
    )
    return {
        "id": row.get("id"),
        "meta": dated(row).get("meta"),
        "displayName": row.get("displayableName") or row.get("name"),
        "type": kind.get("name") if isinstance(kind, Mapping) else None,
        "description": next((each for each in texts if each), None),
        urn: row,
    }


def _filled(variable: str) -> Any:
    """An id in the path; what cannot be one would be taken for a name, and nobody has it."""

    def render(operator: str, value: Any) -> Rendered:
        return {variable: value} if isinstance(value, str) and is_id(value) else NOTHING

    return render


def _of_member(kept: frozenset[str]) -> AccessPath:
    """The roles of one user: the record names them."""
    by_member = Rule("members.value", ops("eq"), _filled("{id}"), folds=False)
    return replace(
        record({"attributes": USERS_ROLES}),
        rules=(by_member,),
        refers=Referral(ids=lambda row: _roles_of(row, kept)),
    )


def _roles_of(row: Row, kept: frozenset[str]) -> list[str]:
    """The roles that a user's record names; one without an id is no user's. Attributes without a value do not come."""
    identifier(row)
    return role_ids(row, kept) or []


def _members(facts: Facts, kept: frozenset[str]) -> Relation:
    """Who has a role: all users are read, with their roles and little else."""
    people = AccessPath(
        facts.user.endpoint,
        rows="Resources",
        pager=TOLD.pager(facts.page, "proven"),
        fixed={**ORDERED, "attributes": f"userName,displayName,{USERS_ROLES}"},
        empty=is_empty,
        identity=identifier,
    )
    read = RelationRead(people, _member, owners=lambda row: role_ids(row, kept) or ())
    return Relation("members", (read,), references={"User": "/Users"}, shown="request")


def _member(row: Row) -> Element:
    display = row.get("displayName") or row.get("userName")
    return {"value": identifier(row), "type": "User", **({"display": display} if display else {})}
