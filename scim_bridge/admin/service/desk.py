"""What all services of the administration share: who acts, what is refused, and that each change is audited."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

from scim_bridge.auditing import Auditor
from scim_bridge.checks import CheckResult
from scim_bridge.clock import SYSTEM_CLOCK, Clock, milliseconds
from scim_bridge.config import ConnectionConfig, ProviderByName, ServerConfig
from scim_bridge.connections import Connection
from scim_bridge.protocol.audit import Event
from scim_bridge.registry import Entry, Registry
from scim_bridge.store.database import Database, DatabaseUnavailable, Sql
from scim_bridge.stored import Stored

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: ``admin-0`` or ``link-9f3c``; never a secret. ``address`` is where the request came from."""

    name: str
    address: str = ""


class AdminError(Exception):
    """Something that was refused or could not be done; ``detail`` is for people, ``key`` is the field that it is about,
    as ``settings.client_secret``. ``check`` is what a live test found, where that is why. ``wait_seconds``: how long to
    wait before it is tried again, where that is known."""

    def __init__(
        self,
        status: int,
        detail: str,
        key: str | None = None,
        *,
        check: CheckResult | None = None,
        wait_seconds: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.key = key
        self.check = check
        self.wait_seconds = wait_seconds


@dataclass(frozen=True, slots=True)
class Desk:
    """What the services work with. ``trial`` opens a connection that serves nobody; it raises ConfigError."""

    registry: Registry
    stored: Stored
    trial: Callable[[ConnectionConfig], Connection]
    providers: ProviderByName
    server: ServerConfig
    audit: Auditor | None = None
    clock: Clock = SYSTEM_CLOCK
    wall: Callable[[], int] = field(default=milliseconds)

    @property
    def database(self) -> Database:
        return self.stored.database

    async def read(self, work: Callable[Concatenate[Sql, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What a function reads from the database. Raises AdminError 503."""
        try:
            return await self.database.read(work, *args, **kwargs)
        except DatabaseUnavailable as error:
            raise AdminError(503, f"The database does not answer: {error}") from None

    async def write(self, work: Callable[Concatenate[Sql, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What a function changes in the database. Raises AdminError 503, also where it could not be audited."""
        if self.audit is not None and not await self.audit.ready():
            raise AdminError(503, "The audit log cannot be written, so nothing was changed")
        try:
            return await self.database.write(work, *args, **kwargs)
        except DatabaseUnavailable as error:
            raise AdminError(503, f"The database does not answer: {error}") from None

    async def changed(self, actor: Actor, action: str, connection: str = "", **details: Any) -> None:
        """Audit what was done, and have this node follow it at once; the others do so within a second."""
        if self.audit is not None:
            told = {**details, **({"address": actor.address} if actor.address else {})}
            self.audit.append(Event(action, connection, actor.name, details=told))
            await self.audit.settled()
        try:
            await self.registry.refresh()
        except DatabaseUnavailable as error:
            raise AdminError(503, f"It is done, but the database does not answer any more: {error}") from None

    async def entry(self, name: str) -> Entry:
        """The connection of a name, as all nodes know it by now. Raises AdminError 404."""
        try:
            await self.registry.refresh()
        except DatabaseUnavailable as error:
            raise AdminError(503, f"The database does not answer: {error}") from None
        found = self.registry.entries.get(name)
        if found is None:
            raise AdminError(404, f"There is no connection {name}")
        return found
