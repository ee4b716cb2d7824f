"""The fields of simulated users: their types, which of them a list item has, which can be written.

Sources: "User resource", "List users", "Get user", "Create user", "Update user" (API v2).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from scim_bridge.providers.onelogin.sandbox_wire import bad_request, invalid

TEXTS: Final = (
    "username email firstname lastname external_id phone distinguished_name samaccountname member_of title department "
    "company comment preferred_locale_code userprincipalname"
).split()
NUMBERS: Final = "status state group_id directory_id invalid_login_attempts trusted_idp_id manager_user_id".split()
TIMES: Final = (
    "created_at updated_at activated_at last_login password_changed_at locked_until invitation_sent_at".split()
)
LISTED: Final = (
    "id username email firstname lastname status state group_id external_id phone directory_id distinguished_name "
    "samaccountname member_of invalid_login_attempts created_at updated_at activated_at last_login "
    "password_changed_at locked_until invitation_sent_at"
).split()
"""What an item of the list has unless `fields` asks for others."""
SINGLE: Final = (
    *LISTED,
    *"title department company comment preferred_locale_code userprincipalname trusted_idp_id role_ids".split(),
    *"manager_user_id manager_ad_id custom_attributes".split(),
)
"""What a single user has, and what `fields` takes."""
READ_ONLY: Final = frozenset({"id", *TIMES})
SECRETS: Final = frozenset({"password", "password_confirmation", "password_algorithm", "salt"})
WRITABLE: Final = (frozenset(SINGLE) | SECRETS) - READ_ONLY
ALGORITHMS: Final = ("salt+sha256", "sha256+salt", "bcrypt")
UNLICENSED: Final = 3
"""The state that only `set_state` leaves."""
PASSWORD_PENDING: Final = 7


def check_body(body: Any, custom: Mapping[str, int], *, refuses_read_only: bool) -> Mapping[str, Any]:
    """The fields of a body; refuses unknown ones, and values of the wrong type."""
    if not isinstance(body, Mapping):
        raise bad_request("The request body is not a JSON object")
    for name, value in body.items():
        if name not in WRITABLE and (name not in READ_ONLY or refuses_read_only):
            raise bad_request(f"unknown attribute: {name}")
        _check_type(name, value)
    attributes = body.get("custom_attributes")
    for name in attributes or ():
        if name not in custom:
            raise bad_request(f"unknown attribute: {name}")
    _check_password(body)
    return {name: value for name, value in body.items() if name in WRITABLE}


def _check_type(name: str, value: Any) -> None:
    kinds: dict[str, Callable[[Any], bool]] = {
        **dict.fromkeys(TEXTS, _text),
        **dict.fromkeys(SECRETS, lambda each: isinstance(each, str)),
        **dict.fromkeys(NUMBERS, _number),
        "manager_ad_id": lambda each: _number(each) or _text(each),
        "status": lambda each: _number(each) and each in range(9) and each != 6,
        "state": lambda each: _number(each) and each in range(4),
        "role_ids": lambda each: isinstance(each, list) and all(map(_number, each)),
        "custom_attributes": lambda each: each is None or isinstance(each, Mapping),
    }
    if name in kinds and not kinds[name](value):
        raise invalid(f"{name} is invalid")


def _text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _number(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _check_password(body: Mapping[str, Any]) -> None:
    if "password" not in body and not body.keys() & SECRETS:
        return
    if body.get("password") != body.get("password_confirmation"):
        raise invalid("Password confirmation doesn't match Password")
    algorithm = body.get("password_algorithm")
    if algorithm is not None and (algorithm not in ALGORITHMS or ("salt" not in body and algorithm != "bcrypt")):
        raise invalid("Password algorithm is invalid")


def check_policy(password: str) -> None:
    """A policy such as tenants have; refuses a password that it does not allow."""
    if len(password) < 8 or not re.search(r"\d", password) or not re.search(r"[A-Za-z]", password):
        raise invalid("Password does not meet the requirements of the password policy")


def shown(data: Mapping[str, Any], names: Any = SINGLE) -> dict[str, Any]:
    """A user as an answer has it."""
    return {name: data[name] for name in names}
