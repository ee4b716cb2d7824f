"""Connections: made, changed, paused and deleted, beside those of the configuration file, which stay as they are."""

import json
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from scim_bridge.admin.service.desk import Actor, AdminError, Desk
from scim_bridge.admin.service.documents import apart, merged, shown
from scim_bridge.checks import CheckResult, check_connection
from scim_bridge.config import ConnectionConfig, stored_connection
from scim_bridge.config_tables import ConfigError
from scim_bridge.connections import Connection
from scim_bridge.registry import Entry
from scim_bridge.store import connections as store
from scim_bridge.store.connections import StoredConnection
from scim_bridge.stored import Draft, Unusable, change, forget, keep

MAX_LABEL: Final = 200
MAX_NAME: Final = 63


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """A connection as those see it who operate it: never a secret, only the names of those that are set.

    Times are milliseconds since 1970, None for those of the file. ``problem`` says why it cannot be used.
    """

    name: str
    label: str
    provider: str
    source: Literal["file", "store"]
    paused: bool = False
    problem: str | None = None
    access: str = ""
    mode: str = ""
    client_profile: str = ""
    patch_response: str = ""
    limits: Mapping[str, Any] = field(default_factory=dict)
    mirror: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    created_at: int | None = None
    created_by: str | None = None
    changed_at: int | None = None
    revision: int | None = None


class Connections:
    """What can be done with connections. Raises AdminError, and nothing else."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # -- reading ------------------------------------------------------------------------------------------------------

    async def all(self) -> list[ConnectionView]:
        """All connections, by name."""
        return [self._view(each) for _, each in sorted(self._desk.registry.entries.items())]

    async def one(self, name: str) -> ConnectionView:
        return self._view(await self._desk.entry(name))

    def _view(self, entry: Entry) -> ConnectionView:
        if entry.record is None:
            assert entry.connection is not None
            return _shown(entry, entry.connection.config)
        try:
            config = entry.connection.config if entry.connection else self._desk.stored.config(entry.record)
        except (ConfigError, Unusable):
            return _broken(entry, entry.record)
        return _shown(entry, config)

    # -- testing ------------------------------------------------------------------------------------------------------

    async def check(self, document: Mapping[str, Any], name: str = "trial") -> CheckResult:
        """What signing in with these settings and reading one row comes to; nothing is kept.

        Raises AdminError 400 where the document is not as it has to be.
        """
        return await self._tried(self._trial(self._config(name, document)))

    async def check_one(self, name: str) -> CheckResult:
        """The same for a connection that there is."""
        entry = await self._desk.entry(name)
        if entry.connection is not None:
            return await self._tried(self._desk.trial(entry.connection.config))
        assert entry.record is not None
        try:
            connection = self._desk.trial(self._desk.stored.config(entry.record))
        except (ConfigError, Unusable) as error:
            return CheckResult(name, provider_of(entry.record), False, str(error), error)
        return await self._tried(connection)

    async def _tried(self, connection: Connection) -> CheckResult:
        async with aclosing(connection):
            return await check_connection(connection)

    def _trial(self, config: ConnectionConfig) -> Connection:
        """Raises AdminError 400 for settings that nothing can be opened with."""
        try:
            return self._desk.trial(config)
        except ConfigError as error:
            raise AdminError(400, _detail(error), error.key or None) from None

    def _config(self, name: str, document: Mapping[str, Any]) -> ConnectionConfig:
        """Raises AdminError 400, naming the member that it is about."""
        try:
            return stored_connection(name, document, self._desk.providers)
        except ConfigError as error:
            raise AdminError(400, _detail(error), error.key or None) from None

    async def _usable(self, config: ConnectionConfig, test: bool) -> None:
        """Raises AdminError: 400 for settings that nothing can be opened with, 422 where a test fails."""
        connection = self._trial(config)
        async with aclosing(connection):
            result = await check_connection(connection) if test else None
        if result is not None and not result.ok:
            raise AdminError(422, result.told, check=result)

    # -- changing -----------------------------------------------------------------------------------------------------

    async def create(
        self, actor: Actor, name: str, document: Mapping[str, Any], *, label: str = "", test: bool = False
    ) -> ConnectionView:
        """Make a connection. AdminError 409 where there is one of that name; with ``test``, 422 where it fails."""
        draft = await self.draft(actor, name, document, label=label, test=test)
        made = await self._desk.write(keep, draft, self._desk.stored.vault)
        if made is None:
            raise _taken(name)
        await self._desk.changed(actor, "connection.created", name, **told(draft))
        return await self.one(name)

    async def draft(
        self, actor: Actor, name: str, document: Mapping[str, Any], *, label: str = "", test: bool = False
    ) -> Draft:
        """A new connection, checked but not kept. Raises AdminError as `create` does."""
        if name in self._desk.registry.entries:
            raise _taken(name)
        if len(name) > MAX_NAME:
            raise AdminError(400, f"name: has more than {MAX_NAME} characters", "name")
        config = self._config(name, document)
        await self._usable(config, test)
        now = self._desk.wall()
        record = StoredConnection(name, 0, _label(label), "", None, False, now, actor.name, now)
        return self._drafted(record, document, config)

    def _drafted(self, record: StoredConnection, document: Mapping[str, Any], config: ConnectionConfig) -> Draft:
        plain, secrets = apart(document, config.provider)
        if secrets and self._desk.stored.vault is None:
            raise AdminError(409, "Secrets cannot be stored: the bridge has no [server] encryption_key")
        return Draft(replace(record, document=json.dumps(plain, sort_keys=True)), secrets)

    async def change(
        self, actor: Actor, name: str, changes: Mapping[str, Any], *, revision: int | None = None, test: bool = False
    ) -> ConnectionView:
        """Change a connection by a JSON merge patch (RFC 7396) of its document, and of its ``label``. Secrets that it
        does not name stay. AdminError 412 where the connection is not at ``revision`` any more."""
        before = await self._record(name, revision)
        draft = await self.redraft(before, changes, test=test)
        await self.replace(before, draft)
        await self._desk.changed(actor, "connection.changed", name, **told(draft, self._secrets(before)))
        return await self.one(name)

    async def redraft(self, before: StoredConnection, changes: Mapping[str, Any], *, test: bool = False) -> Draft:
        """A connection with changes, checked but not kept."""
        old = {**json.loads(before.document)}
        if changes.get("provider", old["provider"]) != old["provider"]:
            raise AdminError(400, "provider: cannot be changed; make another connection", "provider")
        secrets = self._secrets(before)
        old["settings"] = {**old.get("settings", {}), **secrets}
        document = merged(old, {key: value for key, value in changes.items() if key != "label"})
        config = self._config(before.name, document)
        await self._usable(config, test)
        label = _label(changes["label"] or "") if "label" in changes else before.label
        draft = self._drafted(replace(before, label=label, changed_at=self._desk.wall()), document, config)
        if apart(old, config.provider)[0]["settings"] == json.loads(draft.record.document)["settings"]:
            return draft
        return replace(draft, record=replace(draft.record, settings_revision=before.settings_revision + 1))

    async def replace(self, before: StoredConnection, draft: Draft) -> None:
        """Keep a changed connection. Raises AdminError 409 where somebody else was quicker."""
        if await self._desk.write(change, draft, before, self._desk.stored.vault) is None:
            raise AdminError(409, f"The connection {before.name} was changed meanwhile: look at it again")

    def _secrets(self, record: StoredConnection) -> dict[str, Any]:
        """The secrets of a connection; none where they cannot be opened any more, so that new ones can be entered."""
        try:
            return self._desk.stored.secrets(record)
        except Unusable:
            return {}

    async def pause(self, actor: Actor, name: str, paused: bool) -> ConnectionView:
        """Have a connection answer 503 to its clients and leave its upstream alone, or serve again."""
        before = await self._record(name, None)
        if before.paused != paused:
            record = replace(before, paused=paused, changed_at=self._desk.wall())
            if await self._desk.write(store.update, record) is None:
                raise AdminError(409, f"The connection {name} was changed meanwhile: look at it again")
            await self._desk.changed(actor, "connection.paused" if paused else "connection.resumed", name)
        return await self.one(name)

    async def delete(self, actor: Actor, name: str) -> None:
        """Take a connection away, with its tokens and all that was kept for it; the audit log stays."""
        record = await self._record(name, None)
        if not await self._desk.write(forget, record):
            raise AdminError(404, f"There is no connection {name}")
        await self._desk.changed(actor, "connection.deleted", name)

    async def _record(self, name: str, revision: int | None) -> StoredConnection:
        """A stored connection. AdminError 409 for one of the file."""
        record = (await self._desk.entry(name)).record
        if record is None:
            raise AdminError(409, f"The connection {name} is in the configuration file, and is changed there")
        if revision is not None and revision != record.revision:
            raise AdminError(412, f"The connection {name} has been changed since: look at it again")
        return record


def told(draft: Draft, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the audit log is told of a connection: what it is now, and which secrets were entered."""
    entered = [name for name, value in draft.secrets.items() if before is None or before.get(name) != value]
    return {"document": json.loads(draft.record.document), "secrets": sorted(entered), "label": draft.record.label}


def _taken(name: str) -> AdminError:
    return AdminError(409, f"There is a connection {name} already", "name")


def _detail(error: ConfigError) -> str:
    return f"{error.key}: {error.problem}" if error.key else str(error)


def _label(label: str) -> str:
    if len(label) > MAX_LABEL or not label.isprintable():
        raise AdminError(400, f"label: takes at most {MAX_LABEL} characters on one line", "label")
    return label


def _shown(entry: Entry, config: ConnectionConfig) -> ConnectionView:
    found = shown(config)
    return ConnectionView(
        name=entry.name,
        source=entry.source,
        problem=entry.problem,
        **{**found, "secrets": tuple(found["secrets"])},
        **_kept(entry.record),
    )


def _broken(entry: Entry, record: StoredConnection) -> ConnectionView:
    """One whose document or secrets cannot be read any more, as far as it can be shown."""
    document = json.loads(record.document)
    settings = document.get("settings", {})
    return ConnectionView(
        entry.name,
        provider=provider_of(record),
        source="store",
        problem=entry.problem,
        settings=settings,
        **_kept(record),
    )


def _kept(record: StoredConnection | None) -> dict[str, Any]:
    if record is None:
        return {"label": ""}
    names = ("label", "paused", "created_at", "created_by", "changed_at", "revision")
    return {name: getattr(record, name) for name in names}


def provider_of(record: StoredConnection) -> str:
    """The provider's name, also where nothing else of its document can be used."""
    return str(json.loads(record.document).get("provider", ""))
