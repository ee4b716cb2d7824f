"""What is peculiar about the records of a SCIM server, for providers that know theirs by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from scim_bridge.providers.scim.shape import EMPTY
from scim_bridge.query.capabilities import Resource, Row

Keys = tuple[str, ...]
"""Where a record has an attribute: its name, that of an extension's attribute after the URN."""


def _is_unassigned(keys: Keys, value: Any) -> bool:
    return value in EMPTY


@dataclass(frozen=True, slots=True)
class Dialect:
    """How records are written where SCIM would have it otherwise.

    - ``encoded``: a resource as the server holds it; None: as it is, moved attributes where they belong.
    - ``stored``: a record without what the server makes up where it holds nothing, or a PUT would store that.
    - ``unassigned``: whether what a record holds under some keys counts as nothing, such as what the server fills in.
    - ``repeats``: a PUT that failed may be sent again; not so where it sets off more than a change of the record.
    """

    encoded: Callable[[Resource], Resource] | None = None
    stored: Callable[[Row], Row] = lambda row: row
    unassigned: Callable[[Keys, Any], bool] = _is_unassigned
    repeats: bool = True


PLAIN: Final = Dialect()
