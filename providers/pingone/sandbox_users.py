"""The simulated `/users` and what lies below a user, memberships and roles apart.

Sources: "Users", "Create User", "Create User (Import)", "Update User", "Update User Enabled", "Platform limits".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from scim_bridge.providers.pingone import sandbox_fields as fields
from scim_bridge.providers.pingone.sandbox_environment import Answer, Environment
from scim_bridge.providers.pingone.sandbox_fields import checked, only, require, without_nulls
from scim_bridge.providers.pingone.sandbox_people import account
from scim_bridge.providers.pingone.sandbox_store import CUSTOM, user_filters
from scim_bridge.providers.pingone.sandbox_wire import Cursor, Inbound, Item, invalid

VENDOR: Final = "application/vnd.pingidentity."
IMPORT: Final = f"{VENDOR}user.import+json"
LOCK: Final = f"{VENDOR}account.lock+json"
UNLOCK: Final = f"{VENDOR}account.unlock+json"
SET_PASSWORD: Final = f"{VENDOR}password.set+json"
MAX_PROFILE_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Users:
    """The endpoints of users."""

    environment: Environment

    # -- reading ----------------------------------------------------------------------------------------------------

    def read_all(self, request: Inbound) -> Answer:
        environment, knobs = self.environment, self.environment.knobs
        request.asks("expand", "population")
        language = user_filters(escapes=knobs.escapes, updated_at=knobs.updated_at_filter)

        def matching(wanted: Cursor) -> list[Item]:
            return environment.store.matching("users", language.parse(wanted.filter) if wanted.filter else None)

        def render(item: Item, wanted: Cursor) -> dict[str, Any]:
            return self._shown(request, item, expand="population" in wanted.expand)

        cap = knobs.user_page_cap
        return environment.listed(request, "users", matching, render, default=cap, most=cap)

    def read(self, request: Inbound) -> Answer:
        include = request.asks("include", "memberOfGroupIDs", "memberOfGroupNames")
        item, store = self.environment.user(request), self.environment.store
        body = self._shown(request, item, expand=bool(request.asks("expand", "population")))
        groups = [store.groups[each] for each in store.groups_of_user(item.data["id"])] if include else []
        if "memberOfGroupIDs" in include:
            body["memberOfGroupIDs"] = [each.data["id"] for each in groups]
        if "memberOfGroupNames" in include:
            body["memberOfGroupNames"] = [each.data["name"] for each in groups]
        return 200, body

    def _shown(self, request: Inbound, item: Item, *, expand: bool = False) -> dict[str, Any]:
        """A user as responses show it."""
        data = item.data
        path = f"/users/{data['id']}"
        links = {"self": request.link(path), "password": request.link(f"{path}/password")}
        embedded: dict[str, Any] = {"password": {"status": data.get("password", "NO_PASSWORD")}}
        if expand:
            embedded["population"] = self.environment.store.populations[data["population"]["id"]].data
        body = {"_links": links, "_embedded": embedded, "environment": self.environment.shown, **data}
        body.pop("password", None)
        return body

    # -- creating, changing, deleting -------------------------------------------------------------------------------

    def create(self, request: Inbound) -> Answer:
        """By content type a plain create or an import; only the import takes a password and a lifecycle status."""
        imports = request.content_type == IMPORT
        checks = {**self._profile(), **fields.ON_CREATE, **(fields.ON_IMPORT if imports else {})}
        given = without_nulls(checked(request.body, checks, fields.READ_ONLY))
        if given.get("emailVerified") and not imports:
            raise invalid("INVALID_VALUE", "emailVerified", "can be true only for an imported user")
        now = self.environment.now()
        data = {
            "id": self.environment.new_id(),
            "account": account(enabled=True, locked=False),
            "createdAt": now,
            "emailVerified": False,
            "enabled": True,
            "lifecycle": {"status": "ACCOUNT_OK"},
            "mfaEnabled": False,
            "updatedAt": now,
            "verifyStatus": "NOT_INITIATED",
            **given,
            "identityProvider": _provider(given),
            "population": {"id": self._population(given.get("population"))},
        }
        if "password" in data:
            data["password"] = "MUST_CHANGE_PASSWORD" if data["password"].get("forceChange") else "OK"
        return 201, self._stored(request, data)

    def _profile(self) -> Mapping[str, fields.Check]:
        return {**fields.PROFILE, **dict.fromkeys(CUSTOM, fields.text(256))}

    def _population(self, given: Mapping[str, Any] | None) -> str:
        """The population of a new user: the environment's default one where none is named."""
        if given is not None:
            if given["id"] not in self.environment.store.populations:
                raise invalid("INVALID_VALUE", "population.id", "population does not exist")
            return str(given["id"])
        default = next((each for each in self.environment.store.populations.values() if each.data.get("default")), None)
        if default is None:
            raise invalid("REQUIRED_VALUE", "population", "must not be null")
        return str(default.data["id"])

    def replace(self, request: Inbound) -> Answer:
        """PUT: every attribute that is left out is removed; those with endpoints of their own are left alone."""
        old = self.environment.user(request).data
        ignored = fields.READ_ONLY | fields.OWN_ENDPOINT | {"emailVerified"}
        checks = {**self._profile(), "identityProvider": fields.ON_CREATE["identityProvider"]}
        given = without_nulls(checked(request.body, checks, ignored))
        kept = {name: old[name] for name in _KEPT if name in old}
        data = {**kept, **given, "identityProvider": _provider(given), "updatedAt": self.environment.now()}
        return 200, self._stored(request, data)

    def modify(self, request: Inbound) -> Answer:
        """PATCH: what is left out stays, null clears; fields with endpoints of their own are refused."""
        old = self.environment.user(request).data
        given = checked(request.body, self._profile(), fields.READ_ONLY - fields.OWN_ENDPOINT)
        if self.environment.knobs.patch_merges_within:
            given = {name: _merged(old.get(name), value) for name, value in given.items()}
        return 200, self._stored(request, without_nulls({**old, **given, "updatedAt": self.environment.now()}))

    def _stored(self, request: Inbound, data: dict[str, Any]) -> dict[str, Any]:
        """A user as it is from now on, shown; refuses what may not be kept."""
        require(data, "username", *(["email"] if self.environment.knobs.email_required else []))
        if len(orjson.dumps(data)) > MAX_PROFILE_BYTES:
            raise invalid("SIZE_LIMIT_EXCEEDED", "user", "the profile is larger than 16 KB")
        return self._shown(request, self.environment.store.put_user(data))

    def delete(self, request: Inbound) -> Answer:
        self.environment.store.remove_user(self.environment.user(request).data["id"])
        return 204, None

    # -- what is written through endpoints of its own ---------------------------------------------------------------

    def lock(self, request: Inbound) -> Answer:
        """POST to the user: the content type says whether to lock or to unlock."""
        item, locked = self.environment.user(request), request.content_type == LOCK
        state = account(enabled=item.data["enabled"], locked=locked)
        self._update(item.data, account=state | ({"lockedAt": self.environment.now()} if locked else {}))
        return 200, self._shown(request, item)

    def read_enabled(self, request: Inbound) -> Answer:
        return 200, self._single(request, "enabled", self.environment.user(request).data["enabled"])

    def write_enabled(self, request: Inbound) -> Answer:
        enabled = only(request.body, "enabled", fields.flag)
        data = self.environment.user(request).data
        locked = data["account"]["status"] == "LOCKED"
        self._update(data, enabled=enabled, account=data["account"] | account(enabled=enabled, locked=locked))
        return self.read_enabled(request)

    def read_mfa_enabled(self, request: Inbound) -> Answer:
        return 200, self._single(request, "mfaEnabled", self.environment.user(request).data["mfaEnabled"])

    def write_mfa_enabled(self, request: Inbound) -> Answer:
        self._update(self.environment.user(request).data, mfaEnabled=only(request.body, "mfaEnabled", fields.flag))
        return self.read_mfa_enabled(request)

    def read_population(self, request: Inbound) -> Answer:
        return 200, self._single(request, "id", self.environment.user(request).data["population"]["id"])

    def write_population(self, request: Inbound) -> Answer:
        target = self._population({"id": only(request.body, "id", fields.identifier)})
        data = self.environment.user(request).data
        self.environment.store.move_user(data["id"], target)
        self._update(data)
        return self.read_population(request)

    def read_password(self, request: Inbound) -> Answer:
        return 200, self._single(request, "status", self.environment.user(request).data.get("password", "NO_PASSWORD"))

    def write_password(self, request: Inbound) -> Answer:
        checked(request.body, {"value": fields.text(1024), "forceChange": fields.flag}, [])
        require(request.body, "value")
        status = "MUST_CHANGE_PASSWORD" if request.body.get("forceChange") else "OK"
        self._update(self.environment.user(request).data, password=status)
        return self.read_password(request)

    def _single(self, request: Inbound, name: str, value: Any) -> dict[str, Any]:
        links = {"self": request.link(request.path), "user": request.link(f"/users/{request.ids['user']}")}
        return {"_links": links, name: value}

    def _update(self, data: dict[str, Any], **changes: Any) -> None:
        data.update(changes, updatedAt=self.environment.now())
        self.environment.store.changed()


_KEPT: Final = (
    "id account createdAt emailVerified enabled lastSignOn lifecycle mfaEnabled password population verifyStatus"
).split()
"""What a PUT of a user leaves as it is."""


def _provider(given: Mapping[str, Any]) -> dict[str, Any]:
    """Who authenticates a user: PingOne unless an external identity provider is named; the type follows from that."""
    named = given.get("identityProvider", {}).get("id")
    return {"type": "PING_ONE"} if named is None else {"id": named, "type": "OPENID_CONNECT"}


def _merged(old: Any, new: Any) -> Any:
    """JSON merge patch (RFC 7386)."""
    if not isinstance(new, Mapping):
        return new
    base = dict(old) if isinstance(old, Mapping) else {}
    return base | {name: _merged(base.get(name), value) for name, value in new.items()}
