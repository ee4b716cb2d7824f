"""OneLogin's roles as a user tells them: its groups, and its roles."""

from collections.abc import Mapping
from typing import Any, Final

from scim_bridge.providers.onelogin.common import ids
from scim_bridge.query.capabilities import Element, Relation, Row


def _role_ids(row: Row) -> list[str] | None:
    held = row.get("role_ids")
    return ids(held) if isinstance(held, list) else None


def _groups(row: Row) -> list[Element] | None:
    held = _role_ids(row)
    return None if held is None else [{"value": each, "type": "direct"} for each in held]


def _roles(row: Mapping[str, Any]) -> list[Element] | None:
    held = _role_ids(row)
    return None if held is None else [{"value": each} for each in held]


GROUPS: Final = Relation("groups", reads=(), references={"": "/Groups"}, shown="inline", inline=_groups, inverse=True)
ROLES: Final = Relation("roles", reads=(), references={}, shown="request", inline=_roles)
"""OneLogin's roles are shown as groups, and to clients that look for roles as those too; users tell their ids alone."""
