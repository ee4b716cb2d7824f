"""Tokens of SCIM clients: made for one connection, shown once, and revoked at once on all nodes."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scim_bridge.admin.service.desk import Actor, AdminError, Desk
from scim_bridge.clock import time_text
from scim_bridge.protocol.auth import PROXY, READ, SCIM, WRITE, token_digest
from scim_bridge.store import tokens as store
from scim_bridge.store.tokens import StoredToken
from scim_bridge.upstream.redact import Secret

PREFIX: Final = "sb_"
"""What tokens begin with, so that those who look for leaked secrets can tell them."""
SCOPES: Final = (READ, WRITE, PROXY)
MAX_LABEL: Final = 200
_ID: Final = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token, without itself. Times are milliseconds since 1970; None: never."""

    id: str
    label: str
    scopes: tuple[str, ...]
    created_at: int
    created_by: str
    expires_at: int | None
    used_at: int | None


class Tokens:
    """What can be done with tokens, also of connections of the file. Raises AdminError, and nothing else."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def all(self, connection: str) -> list[TokenView]:
        """The tokens of a connection that are in the database, the oldest first."""
        entry = await self._desk.entry(connection)
        return [_view(each) for each in await self._desk.read(store.tokens, entry.key)]

    async def create(
        self,
        actor: Actor,
        connection: str,
        *,
        label: str = "",
        scopes: Sequence[str] = (READ, WRITE),
        expires_at: int | None = None,
    ) -> tuple[TokenView, Secret]:
        """Make a token; it is not kept, so this is the only time it can be shown."""
        entry = await self._desk.entry(connection)
        made, token = new_token(entry.key, actor, label, scopes, self._desk.wall(), expires_at)
        await self._desk.write(store.insert, made)
        await self._desk.changed(actor, "token.created", connection, **told(made))
        return _view(made), token

    async def revoke(self, actor: Actor, connection: str, token_id: str) -> None:
        """Have a token refused from now on; on other nodes, within two seconds."""
        entry = await self._desk.entry(connection)
        if not _ID.fullmatch(token_id) or not await self._desk.write(store.delete, entry.key, token_id):
            raise AdminError(404, f"There is no token {token_id} of the connection {connection}")
        await self._desk.changed(actor, "token.revoked", connection, token=token_id)


def new_token(
    connection: str, actor: Actor, label: str, scopes: Sequence[str], now: int, expires_at: int | None = None
) -> tuple[StoredToken, Secret]:
    """A token for a connection's key, to be kept, and the token itself. AdminError 400 for what it cannot be."""
    if not scopes or not set(scopes) <= set(SCOPES):
        raise AdminError(400, f"scopes: takes some of {', '.join(SCOPES)}", "scopes")
    if expires_at is not None and expires_at <= now:
        raise AdminError(400, "expires_at: is past", "expires_at")
    if len(label) > MAX_LABEL or not label.isprintable():
        raise AdminError(400, f"label: takes at most {MAX_LABEL} characters on one line", "label")
    chosen = SCIM | set(scopes) if WRITE in scopes else set(scopes)  # who may write may read what it wrote
    token = Secret(f"{PREFIX}{secrets.token_urlsafe(32)}")
    kept = " ".join(each for each in SCOPES if each in chosen)
    made = StoredToken(
        secrets.token_hex(6), connection, label, token_digest(token.reveal()), kept, now, actor.name, expires_at
    )
    return made, token


def told(made: StoredToken) -> dict[str, object]:
    """What the audit log is told of a token."""
    expires_at = None if made.expires_at is None else time_text(made.expires_at)
    return {"token": made.id, "label": made.label, "scopes": made.scopes.split(), "expiresAt": expires_at}


def _view(stored: StoredToken) -> TokenView:
    times = stored.created_at, stored.created_by, stored.expires_at, stored.used_at
    return TokenView(stored.id, stored.label, tuple(stored.scopes.split()), *times)
