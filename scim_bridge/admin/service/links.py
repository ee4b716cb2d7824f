"""Link sessions: one-time addresses at which somebody else enters the credentials of a connection."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from scim_bridge.admin.service.connections import Connections, provider_of, told
from scim_bridge.admin.service.desk import Actor, AdminError, Desk
from scim_bridge.admin.service.tokens import new_token
from scim_bridge.admin.service.tokens import told as token_told
from scim_bridge.config import NAME_RULE, is_name
from scim_bridge.protocol.auth import READ, WRITE, token_digest
from scim_bridge.store import links as store
from scim_bridge.store import tokens as token_store
from scim_bridge.store.connections import StoredConnection
from scim_bridge.store.database import Sql
from scim_bridge.store.links import StoredLink
from scim_bridge.store.sealing import Vault
from scim_bridge.store.tokens import StoredToken
from scim_bridge.stored import Draft, change, keep
from scim_bridge.upstream.redact import Secret

MAX_ATTEMPTS: Final = 30
"""How often credentials may be tried in one session: no place to guess them, and vendors lock accounts."""
LIFETIME: Final = 24 * 3600 * 1000
"""How long a session is open that says nothing else, in milliseconds; ``LONGEST``: at most."""
LONGEST: Final = 30 * LIFETIME
State = Literal["open", "done", "revoked", "expired"]
_ENDED: Final[Mapping[State, str]] = {
    "done": "This link was used",
    "revoked": "This link was withdrawn",
    "expired": "This link has expired",
}
_WORDS: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """What a session is to be for; see `StoredLink`. ``connection`` names the one to renew, ``name`` one to be made."""

    provider: str | None = None
    label: str = ""
    redirect_url: str | None = None
    expires_at: int | None = None
    connection: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class LinkView:
    """A session, without its token. ``connection``: the one it made, or is to make or to renew, where that is known."""

    id: str
    provider: str | None
    label: str
    redirect_url: str | None
    connection: str | None
    renews: bool
    state: State
    created_at: int
    created_by: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class Linked:
    """What came of a session: the connection, and the token of its SCIM client; None where it has one already, or the
    way leads back to the operator's own product, which makes one."""

    name: str
    token: Secret | None


class Links:
    """What can be done with link sessions. Raises AdminError, and nothing else."""

    def __init__(self, desk: Desk, connections: Connections) -> None:
        self._desk = desk
        self._connections = connections

    # -- for operators ------------------------------------------------------------------------------------------------

    async def all(self) -> list[LinkView]:
        """The sessions of the last months, the newest first."""
        return [self._view(each) for each in await self._desk.read(store.links)]

    async def create(self, actor: Actor, wanted: LinkRequest) -> tuple[LinkView, Secret]:
        """Make a session; the token of its address is not kept, so this is the only time it can be shown."""
        await self._check(wanted)
        renewed = await self._renewable(wanted.connection) if wanted.connection is not None else None
        now, token = self._desk.wall(), Secret(secrets.token_urlsafe(32))
        made = StoredLink(
            id=secrets.token_hex(6),
            digest=token_digest(token.reveal()),
            provider=wanted.provider if renewed is None else provider_of(renewed),
            label=wanted.label,
            redirect_url=wanted.redirect_url,
            connection=wanted.connection or wanted.name,
            renews=renewed.generation if renewed is not None else 0,
            state="open",
            created_at=now,
            created_by=actor.name,
            expires_at=wanted.expires_at or now + LIFETIME,
        )
        await self._desk.write(store.insert, made)
        told_of = {"link": made.id, "provider": made.provider, "redirectUrl": made.redirect_url}
        await self._desk.changed(actor, "link.created", made.connection or "", **told_of)
        return self._view(made), token

    async def one(self, link_id: str) -> LinkView:
        """A session. AdminError 404 where there is none of that id."""
        found = next((each for each in await self.all() if each.id == link_id), None)
        if found is None:
            raise AdminError(404, f"There is no link session {link_id}")
        return found

    async def revoke(self, actor: Actor, link_id: str) -> None:
        """End a session that is open. AdminError 404 for one that is not there, 409 for one that has ended."""
        await self.one(link_id)
        if not await self._desk.write(store.end, link_id, "revoked"):
            raise AdminError(409, f"The link session {link_id} has ended already")
        await self._desk.changed(actor, "link.revoked", link=link_id)

    async def _check(self, wanted: LinkRequest) -> None:
        now = self._desk.wall()
        if len(wanted.label) > 200 or not wanted.label.isprintable():
            raise AdminError(400, "label: takes at most 200 characters on one line", "label")
        if wanted.expires_at is not None and not now < wanted.expires_at <= now + LONGEST:
            raise AdminError(400, "expires_at: has to be within the next 30 days", "expires_at")
        if wanted.provider is not None and wanted.connection is None:
            self._known(wanted.provider)
        if wanted.name is not None and not is_name(wanted.name):
            raise AdminError(400, f"name: has {NAME_RULE}", "name")
        if wanted.name is not None and (wanted.connection or wanted.name in self._desk.registry.entries):
            raise AdminError(409, f"There is a connection {wanted.name} already", "name")
        if wanted.redirect_url is not None and _origin(wanted.redirect_url) not in self._desk.server.link_origins:
            raise AdminError(400, "redirect_url: its origin is not one of [server] link_origins", "redirect_url")

    def _known(self, provider: str) -> None:
        try:
            self._desk.providers(provider)
        except LookupError as error:
            raise AdminError(400, f"provider: {error.args[0]}", "provider") from None

    async def _renewable(self, connection: str) -> StoredConnection:
        record = (await self._desk.entry(connection)).record
        if record is None:
            raise AdminError(409, f"The connection {connection} is in the configuration file, and is changed there")
        return record

    # -- for who has the address --------------------------------------------------------------------------------------

    async def open(self, token: str) -> LinkView:
        """The session of a token. AdminError 404 where there is none, 410 where it has ended."""
        return self._view(await self._found(token))

    async def complete(self, token: str, provider: str, settings: Mapping[str, Any], *, address: str) -> Linked:
        """Try credentials and, where they work, make or renew the connection; a session does that once.

        AdminError 422 with what the test found where it fails, 400 for settings that are not as they have to be, 429
        after too many attempts.
        """
        link = await self._found(token)
        if link.provider is not None and provider != link.provider:
            raise AdminError(400, "provider: is not the one of this session", "provider")
        self._known(provider)
        if not await self._desk.write(store.attempt, link.id, MAX_ATTEMPTS):
            raise AdminError(429, "Credentials were tried too often: ask for a new link")
        actor = Actor(f"link-{link.id}", address)
        if link.renews:
            return await self._renewed(link, actor, settings)
        return await self._made(link, actor, {"provider": provider, "settings": dict(settings)})

    async def _made(self, link: StoredLink, actor: Actor, document: Mapping[str, Any]) -> Linked:
        name = link.connection or self._name(link.label or document["provider"])
        draft = await self._connections.draft(actor, name, document, label=link.label, test=True)
        vault, now = self._desk.stored.vault, self._desk.wall()
        made = await self._desk.write(_complete, link, draft, vault, actor, now)
        if made is None:
            raise AdminError(410, "This link was used meanwhile")
        await self._desk.changed(actor, "connection.created", name, **told(draft), link=link.id)
        if made.token is None:
            return Linked(name, None)
        record, token = made.token
        await self._desk.changed(actor, "token.created", name, **token_told(record), link=link.id)
        return Linked(name, token)

    async def _renewed(self, link: StoredLink, actor: Actor, settings: Mapping[str, Any]) -> Linked:
        before = await self._meant(link)
        draft = await self._connections.redraft(before, {"settings": dict(settings)}, test=True)
        if not await self._desk.write(_renew, link, draft, before, self._desk.stored.vault):
            raise AdminError(410, "This link was used, or the connection changed, meanwhile")
        await self._desk.changed(actor, "connection.changed", before.name, **told(draft), link=link.id)
        return Linked(before.name, None)

    def _name(self, label: str) -> str:
        """A name made of a label that no connection has, also none that was made at the same moment."""
        words = _WORDS.sub("-", label.lower()).strip("-")[:40] or "connection"
        return words if words not in self._desk.registry.entries else f"{words}-{secrets.token_hex(3)}"

    async def _found(self, token: str) -> StoredLink:
        link = await self._desk.read(store.link, token_digest(token))
        if link is None:
            raise AdminError(404, "There is no such link")
        state = self._view(link).state
        if state != "open":
            raise AdminError(410, _ENDED[state])
        if link.renews:
            await self._meant(link)
        return link

    async def _meant(self, link: StoredLink) -> StoredConnection:
        """The connection that a session renews. AdminError 410 where it is gone, also if another one has its name."""
        assert link.connection is not None
        gone = AdminError(410, "The connection that this link was for is gone")
        try:
            record = await self._renewable(link.connection)
        except AdminError as refusal:
            raise (gone if refusal.status in (404, 409) else refusal) from None
        if record.generation != link.renews:
            raise gone
        return record

    def _view(self, link: StoredLink) -> LinkView:
        ended = link.state == "open" and link.expires_at <= self._desk.wall()
        return LinkView(
            id=link.id,
            provider=link.provider,
            label=link.label,
            redirect_url=link.redirect_url,
            connection=link.connection,
            renews=bool(link.renews),
            state="expired" if ended else link.state,
            created_at=link.created_at,
            created_by=link.created_by,
            expires_at=link.expires_at,
        )


@dataclass(frozen=True, slots=True)
class _Made:
    """What completing a session kept beside the connection: a token, unless nobody would be shown it."""

    token: tuple[StoredToken, Secret] | None


def _complete(sql: Sql, link: StoredLink, draft: Draft, vault: Vault | None, actor: Actor, now: int) -> _Made | None:
    """All that completing a session keeps, or nothing of it: None where it was completed already."""
    if not store.end(sql, link.id, "done", draft.record.name):
        return None
    record = keep(sql, draft, vault)
    if record is None:
        raise AdminError(409, f"There is a connection {draft.record.name} already: try again")
    if link.redirect_url is not None:
        return _Made(None)  # it is for whom the way back leads to, and no address may hold it
    made, token = new_token(record.key, actor, "Link", (READ, WRITE), now)
    token_store.insert(sql, made)
    return _Made((made, token))


def _renew(sql: Sql, link: StoredLink, draft: Draft, before: StoredConnection, vault: Vault | None) -> bool:
    if not store.end(sql, link.id, "done"):
        return False
    if change(sql, draft, before, vault) is None:
        raise AdminError(409, "The connection was changed meanwhile: try again")
    return True


def _origin(url: str) -> str | None:
    """The origin of a web address that is safe to lead to; None for any other text."""
    try:
        parts = urlsplit(url)
        plain = url.isascii() and url.isprintable() and not {" ", "\\"} & set(url) and "@" not in parts.netloc
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}" if plain else None
