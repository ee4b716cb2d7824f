"""The simulated `/Users`: identities, read, created, replaced as a whole, deleted. There is no PATCH.

PUT is the trap: what the body leaves out is nulled, the list of capabilities is replaced, and an `active` that is left
out makes somebody active.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from scim_bridge.providers.sailpoint_iiq import sandbox_columns
from scim_bridge.providers.sailpoint_iiq.sandbox_listing import Answer, Listing
from scim_bridge.providers.sailpoint_iiq.sandbox_projection import projected
from scim_bridge.providers.sailpoint_iiq.sandbox_site import ENTERPRISE, INTERNAL, SP_USER, USER, Row, Site
from scim_bridge.providers.sailpoint_iiq.sandbox_wire import Inbound, Refusal, invalid_value, not_found

_TOP: Final = frozenset(
    [*"schemas id meta userName name displayName userType active password emails".split(), SP_USER, ENTERPRISE]
)
_READ_ONLY: Final = frozenset("accounts entitlements roles riskScore isManager lastRefresh".split())
_WRITABLE: Final = frozenset("capabilities administrator softwareVersion".split())


@dataclass(slots=True)
class Users:
    """The endpoints of identities. What was shown of one is kept until something changes."""

    site: Site
    _shown: dict[str, Row] = field(default_factory=dict)
    _changes: int = -1

    def listing(self) -> Listing:
        site = self.site
        return Listing(site, lambda: site.identities, lambda: sandbox_columns.users(site), self.whole)

    def read(self, request: Inbound) -> Answer:
        return 200, self._answer(self._identity(request), request)

    def create(self, request: Inbound) -> Answer:
        site, name = self.site, request.body.get("userName")
        if not isinstance(name, str) or not name:
            raise invalid_value("Missing required attribute: userName")
        if self._by_name(name) is not None:
            raise Refusal(409, "uniqueness", f"Resource already exists:{name}")
        secret = request.body.get("password")
        created = {"id": site.new_id(), "userName": name, "created": site.now(), "modified": None, "password": secret}
        known = {"riskScore": None, "lastRefresh": None, "isManager": False}
        lists: Row = {each: [] for each in ("accounts", "entitlements", "assigned", "detected")}
        identity = {**created, **known, **lists, **self._written(request.body)}
        site.put(identity)
        return 201, self._answer(identity, request)

    def replace(self, request: Inbound) -> Answer:
        identity, body = self._identity(request), request.body
        if body.get("userName") != identity["userName"]:
            raise Refusal(400, "mutability", "Attribute userName cannot be changed")
        if body.get("id", identity["id"]) != identity["id"]:
            raise Refusal(400, "mutability", "Attribute id cannot be changed")
        password = {"password": body["password"]} if body.get("password") else {}
        written = self._written(body)
        kept = {name: identity["extended"].get(name) for name in self.site.knobs.keeps}
        written["extended"] |= {name: value for name, value in kept.items() if not written["extended"].get(name)}
        self.site.put({**identity, **written, **password, "modified": self.site.now()})
        return 200, self._answer(self.site.identities[identity["id"]], request)

    def delete(self, request: Inbound) -> Answer:
        self.site.remove(self._identity(request)["id"])
        return 204, None

    # -- finding ----------------------------------------------------------------------------------------------------

    def _identity(self, request: Inbound) -> Row:
        """The identity that the path names, by id or, although nobody asked for that, by name."""
        found = None if request.by_name else self.site.identities.get(request.id)
        if found is None and (request.by_name or self.site.knobs.name_in_path):
            found = self._by_name(request.id)
        if found is None:
            raise not_found(request.id)
        return found

    def _by_name(self, name: str) -> Row | None:
        found = self.site.identities.get(self.site.by_name.get(name.lower(), ""))
        return found if found is not None and (self.site.knobs.insensitive or found["userName"] == name) else None

    def version(self, request: Inbound) -> str:
        version: str = self.whole(self._identity(request))["meta"]["version"]
        return version

    # -- showing ----------------------------------------------------------------------------------------------------

    def _answer(self, identity: Row, request: Inbound) -> Row:
        return projected(self.whole(identity), request.query, bare=self.site.knobs.bare_extension)

    def whole(self, identity: Row) -> Row:
        """All of an identity, with what is only sent when asked for."""
        if self._changes != self.site.changes:
            self._shown, self._changes = {}, self.site.changes
        if identity["id"] not in self._shown:
            self._shown[identity["id"]] = self._whole(identity)
        return self._shown[identity["id"]]

    def _whole(self, identity: Row) -> Row:
        site, path = self.site, f"/Users/{identity['id']}"
        display = identity["displayName"] or identity["userName"]
        parts = {
            "formatted": identity["formatted"] or display,
            "familyName": identity["last"],
            "givenName": identity["first"],
        }
        email = {"value": identity["email"]} if identity["email"] else {}
        kind = {"userType": identity["userType"]} if identity["userType"] else {}
        return {
            SP_USER: self._extension(identity),
            "emails": [{"type": "work", **email, "primary": site.knobs.primary}],
            "displayName": display,
            "meta": site.meta("User", path, identity["created"], identity["modified"]),
            "schemas": [SP_USER, USER, ENTERPRISE],
            "name": {name: value for name, value in parts.items() if value},
            "active": not identity["inactive"],
            "id": identity["id"],
            "userName": identity["userName"],
            **kind,
            ENTERPRISE: {"manager": site.reference(identity["manager"])},
        }

    def _extension(self, identity: Row) -> Row:
        site = self.site
        known = {name: identity[name] for name in ("riskScore", "softwareVersion") if identity[name] is not None}
        refreshed = identity["lastRefresh"]
        known |= {"lastRefresh": site.shown_date(refreshed)} if refreshed is not None else {}
        own: Row = {}
        for each in site.extended:
            value = identity["extended"].get(each.name)
            if each.type == "identity":
                own[each.name] = site.reference(value)
            elif value is not None or each.multi:
                own[each.name] = value or []
        return {
            **own,
            "administrator": site.reference(identity["administrator"]),
            "capabilities": identity["capabilities"],
            **known,
            "isManager": identity["isManager"],
            "accounts": [self._account(each) for each in identity["accounts"]],
            "entitlements": [self._entitlement(each) for each in identity["entitlements"]],
            **({"roles": list(self._roles(identity))} if site.knobs.scim_roles else {}),
        }

    def _account(self, account_id: str) -> Row:
        account = self.site.records["Account"].get(account_id, {})
        address = f"{INTERNAL}/scim/v2/Accounts/{account_id}"
        return {"displayName": account.get("displayName"), "value": account_id, "$ref": address}

    def _entitlement(self, entitlement_id: str) -> Row:
        held = self.site.records["Entitlement"][entitlement_id]
        named = {"value": held["displayableName"], "display": held["displayableName"], "type": "Entitlement"}
        return {**named, "application": "Active Directory", "$ref": f"{INTERNAL}/scim/v2/Entitlements/{entitlement_id}"}

    def _roles(self, identity: Row) -> Iterable[Row]:
        """The `value` of a detected role is the word detectedRoles: which one it is, only `$ref` says."""
        for acquired, held in (("Assigned", identity["assigned"]), ("Detected", identity["detected"])):
            for each in held:
                role, reference = self.site.records["Role"][each], self.site.role_reference(each)
                shown = {"display": reference["displayName"], "type": role["type"]["name"], "acquired": acquired}
                yield {"value": f"{acquired.lower()}Roles", **shown, "$ref": reference["$ref"]}

    # -- writing ----------------------------------------------------------------------------------------------------

    def _written(self, body: Mapping[str, Any]) -> Row:
        """The state that a body describes: what it does not name is gone."""
        name, extension = body.get("name") or {}, body.get(SP_USER) or {}
        self._check(body, extension)
        display = body.get("displayName") or (name.get("formatted") if self.site.knobs.formatted_is_display else None)
        return {
            "first": name.get("givenName"),
            "last": name.get("familyName"),
            "formatted": None if self.site.knobs.formatted_is_display else name.get("formatted"),
            "displayName": display,
            "userType": body.get("userType"),
            "inactive": body.get("active") is False,
            "email": _email(body.get("emails") or []),
            "manager": self._referred((body.get(ENTERPRISE) or {}).get("manager")),
            "capabilities": list(extension.get("capabilities") or []),
            "administrator": self._referred(extension.get("administrator")),
            "softwareVersion": extension.get("softwareVersion"),
            "extended": {each.name: self._extended(each.type, extension.get(each.name)) for each in self.site.extended},
        }

    def _check(self, body: Mapping[str, Any], extension: Mapping[str, Any]) -> None:
        known = _WRITABLE | {each.name for each in self.site.extended}
        read_only = sorted(extension.keys() & _READ_ONLY) if self.site.knobs.refuses_read_only else []
        if read_only:
            raise Refusal(400, "mutability", f"Attribute {read_only[0]} is readOnly")
        for unknown in sorted((body.keys() - _TOP) | (extension.keys() - known - _READ_ONLY)):
            raise Refusal(400, "invalidSyntax", f"Unknown attribute {unknown}")
        texts = ("userName", "displayName", "userType", "password")
        wrong = [each for each in texts if not isinstance(body.get(each), str | None)]
        wrong += [] if isinstance(body.get("active"), bool | None) else ["active"]
        if wrong:
            raise invalid_value(f"Invalid value for {wrong[0]}")

    def _extended(self, kind: str, value: Any) -> Any:
        return self._referred(value) if kind == "identity" else value

    def _referred(self, reference: Any) -> str | None:
        """The identity that a reference names; an empty one names none."""
        if not reference or not reference.get("value"):
            return None
        if reference["value"] not in self.site.identities:
            raise invalid_value(f"Invalid reference: {reference['value']}")
        return str(reference["value"])


def _email(emails: list[Mapping[str, Any]]) -> str | None:
    """The one address an identity has: the primary one, else the first."""
    valued = [each for each in emails if each.get("value")]
    primary = [each for each in valued if each.get("primary") in (True, "true")]
    return (primary or valued or [{}])[0].get("value")
