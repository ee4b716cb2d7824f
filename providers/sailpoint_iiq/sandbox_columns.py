"""What of each resource type the simulated site filters and sorts by; attributes without a database column never."""

from collections.abc import Callable
from typing import Any, Final

from scim_bridge.providers.sailpoint_iiq.sandbox_filter import Column, Columns
from scim_bridge.providers.sailpoint_iiq.sandbox_site import SAILPOINT, SP_USER, USER, Row, Site

_MULTI: Final = frozenset({"accounts", "entitlements", "roles"})


def _of(name: str) -> Callable[[Row], Any]:
    return lambda row: row.get(name)


def _text(**names: str) -> dict[str, Column]:
    return {shown: Column(_of(held)) for shown, held in names.items()}


def users(site: Site) -> Columns:
    """Of identities: what is proven, and the extended attributes that have a column."""
    named = {
        **_text(username="userName", usertype="userType"),
        "displayname": Column(lambda row: row["displayName"] or row["userName"]),
        "name.givenname": Column(_of("first")),
        "name.familyname": Column(_of("last")),
        "emails.value": Column(_of("email")),
        "active": Column(lambda row: not row["inactive"], "boolean"),
        "riskscore": Column(_of("riskScore"), "integer"),
        "lastrefresh": Column(_of("lastRefresh"), "date"),
        "capabilities": Column(_of("capabilities")),
    }
    simple = [each for each in site.extended if each.type == "string" and not each.multi and each.column]
    named |= {each.name.lower(): Column(_extended(each.name)) for each in simple}
    multi = _MULTI | {each.name.lower() for each in site.extended if each.multi}
    return Columns(named, (SP_USER, USER), multi)


def _extended(name: str) -> Callable[[Row], Any]:
    return lambda row: row["extended"].get(name)


def of_type(site: Site, kind: str) -> Columns:
    """Of the other resource types."""
    urns = (f"{SAILPOINT}:{kind}",)
    if kind == "Account":
        return Columns(_accounts(site), urns, crashing=frozenset({"active"}))
    return Columns(_OTHERS.get(kind, {}), urns)


def _accounts(site: Site) -> dict[str, Column]:
    def identity(name: str) -> Callable[[Row], Any]:
        return lambda row: (site.identities.get(row["identity"]) or {}).get(name)

    def application(name: str) -> Callable[[Row], Any]:
        return lambda row: site.records["Application"][row["application"]][name]

    return {
        **_text(displayname="displayName", nativeidentity="nativeIdentity", uuid="uuid"),
        "lastrefresh": Column(_of("refreshed"), "date"),
        "lasttargetaggregation": Column(_of("aggregated"), "date"),
        "identity.username": Column(identity("userName")),
        "identity.displayname": Column(lambda row: identity("displayName")(row) or identity("userName")(row)),
        "identity.value": Column(_of("identity")),
        "application.value": Column(_of("application")),
        "application.displayname": Column(application("name")),
    }


_OTHERS: Final = {
    "Role": _text(name="name", displayablename="displayableName"),
    "Entitlement": _text(displayablename="displayableName", type="type", attribute="attribute", value="value"),
    "Application": _text(name="name", type="type"),
    "Workflow": _text(name="name", type="type"),
    "TaskResult": _text(name="name", type="type", completionstatus="completionStatus"),
    "PolicyViolation": _text(policyname="policyName", status="status"),
    "Alert": {**_text(name="name"), "lastprocessed": Column(_of("lastProcessed"), "date")},
}
