"""What a provider package exports: one `Provider`, found by the entry-point group ``scim_bridge.providers``."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx

from scim_bridge.clock import Clock
from scim_bridge.query.capabilities import Collection
from scim_bridge.query.pages import Send
from scim_bridge.upstream.client import ClientOptions
from scim_bridge.upstream.errors import UpstreamError
from scim_bridge.upstream.reply import Reply

S = TypeVar("S")


def _no_problem(settings: Any) -> tuple[str, str] | None:
    return None


def _unclassified(reply: Reply) -> UpstreamError | None:
    return None


async def _nothing_to_discover(settings: Any, send: Send) -> Any:
    return None


def _never(settings: Any, discovered: Any) -> float:
    return 0.0


def _nothing(settings: Any) -> Sequence[str]:
    return ()


def _always(old: Any, new: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an upstream is and how to sign in to it."""

    base_url: str
    auth: httpx.Auth | None
    options: ClientOptions = ClientOptions()


@dataclass(frozen=True, slots=True)
class Simulation:
    """A sandbox for the demo: an ASGI app, and the settings that connect to it at an address (scheme://host:port)."""

    app: Any
    settings: Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Provider(Generic[S]):
    """The declaration of one kind of upstream.

    ``discover`` asks the upstream what the declaration depends on (schemas, populations), at start, and again where
    ``refresh`` says after how many seconds (0: never), by what was found the last time; equal facts change nothing,
    nor do those of which ``supersedes`` says that they are worth less than the old ones.
    ``collections`` builds the resource types from the settings and what was discovered (None where that failed or was
    not asked, as for `scim-bridge providers`). ``classify`` turns a refusal into an error by vendor code; None leaves
    it to the defaults by HTTP status. ``check`` tells what is wrong with settings beyond their types: the key, and why.
    ``remembers``: the resource types of which the bridge notes what was deleted (`Collection.remembered`), and has to
    know it as long as the upstream has the record. ``guide``: what to do in the vendor's own administration before the
    settings can be filled in, step by step and in plain text: what to create, and which scopes or roles it needs.
    """

    name: str
    title: str
    settings: type[S]
    endpoint: Callable[[S, Clock], Endpoint]
    collections: Callable[[S, Any], Sequence[Collection]]
    discover: Callable[[S, Send], Awaitable[Any]] = _nothing_to_discover
    refresh: Callable[[S, Any], float] = _never
    supersedes: Callable[[Any, Any], bool] = _always
    classify: Callable[[Reply], UpstreamError | None] = _unclassified
    check: Callable[[S], tuple[str, str] | None] = _no_problem
    remembers: Callable[[S], Sequence[str]] = _nothing
    guide: Sequence[str] = ()
    simulation: Callable[[int], Simulation] | None = None
