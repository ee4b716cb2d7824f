"""What a check of the own suite is: a function named by a requirement, that fails, skips or returns.

The ids are those by which this project numbers the requirements of RFC 7643, RFC 7644, RFC 9865 and of named clients.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from scim_bridge.conformance.results import Level

if TYPE_CHECKING:
    from scim_bridge.conformance.session import Session

Function = Callable[["Session"], None]
SECTIONS: Final = {
    "H": "HTTP and authentication",
    "M": "Media types and JSON",
    "X": "Errors",
    "S": "Resource model",
    "C": "Create, read, replace, delete",
    "V": "Projection",
    "F": "Filtering",
    "O": "Sorting",
    "P": "Index paging",
    "U": "Cursor paging",
    "Q": "Search by POST",
    "J": "/Me",
    "T": "PATCH",
    "B": "Bulk",
    "E": "ETag",
    "D": "Discovery",
    "N": "Newer documents",
    "K": "Okta",
    "A": "Entra ID",
    "L": "SailPoint",
    "G": "Ping",
    "W": "OneLogin",
}


class Failed(Exception):
    """The server does not do what the requirement says; the message tells a person what it did instead."""


class Skipped(Exception):
    """The requirement cannot be judged here; the message says why."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One numbered requirement and the function that judges it.

    ``source``: RFC 7644 section, or "RFC 7643 section ...", or the client whose need it is. ``writes``: whether
    judging it changes the server, so that it is left out where that is not allowed.
    """

    id: str
    level: Level
    source: str
    title: str
    writes: bool
    judge: Function

    @property
    def section(self) -> str:
        return SECTIONS[self.id[0]]


_REGISTERED: dict[str, Requirement] = {}


def requirement(
    id: str, level: Level, source: str, title: str, *, writes: bool = False
) -> Callable[[Function], Function]:
    """Register a function as the check of a requirement. Raises ValueError for an id that has one."""

    def register(judge: Function) -> Function:
        if id in _REGISTERED:
            raise ValueError(f"{id} has a check already")
        _REGISTERED[id] = Requirement(id, level, source, title, writes, judge)
        return judge

    return register


def registered() -> list[Requirement]:
    """All requirements, section by section; the modules that hold them must have been imported."""
    order = list(SECTIONS)
    return sorted(_REGISTERED.values(), key=lambda each: (order.index(each.id[0]), each.id))


def expect(condition: object, reason: str) -> None:
    """Raises Failed with the reason unless the condition holds."""
    if not condition:
        raise Failed(reason)


def skip(reason: str) -> NoReturn:
    """Raises Skipped."""
    raise Skipped(reason)
