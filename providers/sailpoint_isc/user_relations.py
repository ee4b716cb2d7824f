"""What identities have that lives behind other endpoints: governance groups, roles, entitlements."""

from scim_bridge.providers.sailpoint_isc.common import PAGES, Api, listed, reference
from scim_bridge.query.capabilities import AccessPath, Element, Relation, RelationRead, Row
from scim_bridge.query.pagers import OnePage


def groups_of(api: Api) -> Relation:
    """Governance groups by their members; the identity itself does not tell."""
    of_identity = 'memberships.identityId eq "{id}"'
    access = listed(api("workgroups"), "id", fixed={"filters": of_identity})
    read = RelationRead(access, lambda row: _element(row, type="direct"))
    return Relation("groups", reads=(read,), references={"": "/Groups"}, shown="request", inverse=True)


def roles_of(api: Api) -> Relation:
    access = AccessPath(api("identities", "/{id}/role-assignments"), rows="", pager=OnePage())
    read = RelationRead(access, lambda row: _element(reference(row.get("role"))))
    return Relation("roles", reads=(read,), references={}, shown="request")


def entitlements_of(api: Api) -> Relation:
    """The published example has them flat, the published schema within objectRef."""
    access = AccessPath(
        api("entitlements", "/identities/{id}/entitlements"), rows="", pager=PAGES, fixed={"count": "true"}
    )
    read = RelationRead(access, lambda row: _element(reference(row.get("objectRef")) or row))
    return Relation("entitlements", reads=(read,), references={}, shown="request")


def _element(row: Row, **more: str) -> Element:
    return {"value": row["id"], "display": row.get("name"), **more}
