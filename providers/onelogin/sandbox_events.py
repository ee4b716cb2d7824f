"""The simulated events of API v1: who did what to whom, newest first.

Sources: "Get events", "Get event by ID", "Get event types".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from scim_bridge.providers.onelogin.sandbox_search import SearchKnobs, Test
from scim_bridge.providers.onelogin.sandbox_store import Store, full_name
from scim_bridge.providers.onelogin.sandbox_wire import Answer, Inbound, envelope, v1_page, v1_refusal

TYPES: Final = {
    1: ("APP_ADDED_TO_ROLE", "%app% added to %role%"),
    2: ("APP_REMOVED_FROM_ROLE", "%app% removed from %role%"),
    5: ("USER_LOGGED_INTO_ONELOGIN", "%user% logged into OneLogin"),
    6: ("USER_FAILED_ONELOGIN_LOGIN", "%user% failed to authenticate"),
    7: ("USER_LOGGED_OUT_OF_ONELOGIN", "%user% logged out of OneLogin"),
    8: ("USER_LOGGED_INTO_APP", "%user% logged into %app%"),
    11: ("USER_CHANGED_PASSWORD", "%user% changed password"),
    12: ("USER_UNLOCKED", "%actor_user% unlocked %user%"),
    13: ("USER_CREATED", "%actor_user% created %user%"),
    14: ("USER_UPDATED", "%actor_user% updated %user%"),
    17: ("USER_DELETED", "%actor_user% deleted %user%"),
    19: ("USER_LOCKED", "%user% was locked"),
    147: ("USER_ROLE_ADDED_MANUALLY", "%actor_user% assigned %role% to %user%"),
    148: ("USER_ROLE_REMOVED_MANUALLY", "%actor_user% removed %role% from %user%"),
    513: ("API_USER_ADDED_ROLE", "%user% was assigned %role% by API"),
    514: ("API_USER_REMOVED_ROLE", "%role% was taken from %user% by API"),
    516: ("API_USER_LOGGED_OUT", "%user% was logged out by API"),
    529: ("API_USER_UPDATED", "%user% was updated by API"),
    530: ("API_USER_DESTROYED", "%user% was destroyed by API"),
    531: ("API_USER_LOCKED", "%user% was locked by API"),
    532: ("API_USER_UPDATE_FAILED", "Update of %user% by API failed"),
    533: ("API_USER_CREATED", "%user% was created by API"),
}
PARAMETERS: Final = frozenset(
    "client_id created_at directory_id event_type_id id resolution since until user_id limit sort fields after_cursor "
    "before_cursor".split()
)
_NUMBERS: Final = ("directory_id", "id", "user_id")
_TEXTS: Final = ("client_id", "created_at", "resolution")
_EMPTY: Final = (
    "assuming_acting_user_id role_id app_id group_id otp_device_id policy_id actor_system custom_message role_name "
    "app_name group_name policy_name otp_device_name operation_name directory_sync_run_id directory_id resolution "
    "client_id resource_type_id error_description proxy_ip risk_score risk_reasons risk_cookie_id browser_fingerprint "
    "actor_user_id actor_user_name user_id user_name notes"
).split()


def event(
    store: Store, kind: int, created_at: str, user: Mapping[str, Any] | None, *, app: bool = False, role: bool = False
) -> dict[str, Any]:
    """A new event; users are named by their names, not by their logins."""
    number = 900_000_001 + len(store.events)
    found: dict[str, Any] = {"id": number, "created_at": created_at, "account_id": 189_185, **dict.fromkeys(_EMPTY)}
    found |= {"event_type_id": kind, "ipaddr": f"198.51.100.{number % 250}"}
    if user is not None:
        found |= {"user_id": user["id"], "user_name": full_name(dict(user))}
        actor = user if kind < 10 else None
        found["actor_user_id"] = actor["id"] if actor is not None else 1
        found["actor_user_name"] = full_name(dict(actor)) if actor is not None else "API"
    if app:
        found |= {"app_id": 7000, "app_name": "Payroll"}
    if role and store.roles:
        role_id = next(iter(store.roles))
        found |= {"role_id": role_id, "role_name": store.roles[role_id]["name"]}
    if kind == 532:
        found["error_description"] = "Email must be unique"
    return found


@dataclass(frozen=True, slots=True)
class Events:
    """The endpoints of events."""

    store: Store
    account_id: int
    knobs: SearchKnobs

    def read_all(self, request: Inbound) -> Answer:
        tests = self._tests(request)
        newest = request.query.get("sort") != "+id"
        if request.query.get("sort") not in (None, "+id", "-id"):
            raise _invalid("sort")
        rows = reversed(self.store.events) if newest else iter(self.store.events)
        found = [each for each in rows if all(test(each) for test in tests)]
        if "fields" in request.query:
            names = {"id", *request.query["fields"].split(",")}
            found = [{name: value for name, value in each.items() if name in names} for each in found]
        return v1_page(request, found, self.account_id)

    def read(self, request: Inbound) -> Answer:
        wanted = request.ids["event"]
        found = [each for each in self.store.events if each["id"] == wanted]
        if not found:
            raise v1_refusal(404, "Not Found", f"Event for id {wanted} was not found")
        return Answer(200, envelope(found))

    def types(self, request: Inbound) -> Answer:
        data = [{"name": name, "description": text, "id": number} for number, (name, text) in TYPES.items()]
        return Answer(200, envelope(data))

    def _tests(self, request: Inbound) -> list[Test]:
        query, tests = request.query, []
        if "event_type_id" in query:  # several are alternatives
            tests.append(_one_of("event_type_id", [_number(each) for each in query["event_type_id"].split(",")]))
        tests += [_one_of(name, [_number(query[name])]) for name in _NUMBERS if name in query]
        tests += [_one_of(name, [query[name]]) for name in _TEXTS if name in query]
        for name, sign in (("since", 1), ("until", -1)):
            if name in query:
                tests.append(_bound(_moment(name, query[name]), sign, inclusive=self.knobs.inclusive))
        return tests


def _one_of(name: str, wanted: Sequence[Any]) -> Test:
    return lambda row: row[name] in wanted


def _bound(limit: datetime, sign: int, *, inclusive: bool) -> Test:
    def test(row: Mapping[str, Any]) -> bool:
        seconds = sign * (datetime.fromisoformat(row["created_at"]) - limit).total_seconds()
        return seconds > 0 or (inclusive and seconds == 0)

    return test


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise _invalid("id")
    return int(text)


def _moment(name: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid(name) from None
    if found.tzinfo is None:
        raise _invalid(name)
    return found


def _invalid(name: str) -> Exception:
    return v1_refusal(400, "bad request", {"attribute": name, "description": f"{name} is invalid"})
