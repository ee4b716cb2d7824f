"""Declarations of what the API offers: requests are read by them, and the description is made of them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import BaseModel
from starlette.requests import Request

from scim_bridge.admin.service import Administration
from scim_bridge.admin.service.desk import Actor

JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"
PROBLEM: Final = "application/problem+json"
Method = Literal["GET", "POST", "PATCH", "DELETE"]
Shape = type[BaseModel] | tuple[str, ...] | None
"""Of an answer: a JSON object, a text of one of these media types, or nothing."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request to an operation, read and checked.

    ``query`` and ``body`` are instances of what the operation declares; ``document`` is the body as it was sent.
    """

    administration: Administration
    actor: Actor
    request: Request
    path: Mapping[str, str]
    query: Any = None
    body: Any = None
    document: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes out: an object or a stream of text, or nothing."""

    status: int = 200
    body: BaseModel | Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: AsyncIterator[str] | None = None
    media: str = JSON


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, below `/api/v1`.

    ``answers`` are those of success, ``refusals`` the statuses of problems beside those that all may have. ``text``
    says more than the summary. ``conditional``: honours If-Match, or of GET If-None-Match.
    """

    method: Method
    path: str
    name: str
    summary: str
    run: Callable[[Call], Awaitable[Answer]]
    answers: Mapping[int, Shape]
    refusals: tuple[int, ...] = ()
    text: str = ""
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    optional_body: bool = False
    media: tuple[str, ...] = (JSON,)
    conditional: bool = False

    @property
    def parameters(self) -> list[str]:
        """The names of the variables of its path."""
        return [each[1:-1] for each in self.path.split("/") if each.startswith("{")]

    @property
    def all_refusals(self) -> list[int]:
        """The statuses of all its problems."""
        found = {400, 401, 429, 500, 503, *self.refusals}
        if self.parameters:
            found.add(404)
        if self.body is not None:
            found |= {413, 415}
        if self.conditional and self.method != "GET":
            found.add(412)
        return sorted(found)
