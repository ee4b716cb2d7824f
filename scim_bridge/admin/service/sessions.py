"""Who may administer: the admin tokens of the configuration, for each request or for a session of the console."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scim_bridge.admin.service.desk import Actor, AdminError, Desk
from scim_bridge.admin.throttle import Throttle
from scim_bridge.protocol.audit import Event
from scim_bridge.protocol.auth import TokenCheck, granted, token_digest
from scim_bridge.store import sessions as store
from scim_bridge.store.sessions import StoredSession
from scim_bridge.upstream.redact import Secret

FAILURES_A_MINUTE: Final = 10
"""So many tokens that are none may come from one address, before nothing from there is looked at for a while."""
HOURS: Final = 12
"""How long a session of the console lasts."""
_SCOPE: Final = frozenset({"admin"})


@dataclass(frozen=True, slots=True)
class Sessions:
    """Signs operators in; ``failures`` counts who could not, by address. Raises AdminError, and nothing else."""

    desk: Desk
    failures: Throttle

    @property
    def tokens(self) -> Sequence[Secret]:
        return self.desk.server.admin_tokens

    def actor(self, authorization: str | None, address: str) -> Actor:
        """Who brings an Authorization header. AdminError 401, which is audited, and 429 after too many of them."""
        if wait := self.failures.blocked_seconds(address):
            self._refused(429, address)
            raise AdminError(429, "Too many sign-ins from this address failed", wait_seconds=wait)
        caller = TokenCheck(granted(self.tokens, _SCOPE, "admin-")).caller(authorization)
        if caller is None:
            self._refused(401, address)
            if authorization is not None:  # nothing was guessed without one
                self.failures.count(address)
            raise AdminError(401, "The Authorization header brings no admin token")
        return Actor(caller.name, address)

    async def sign_in(self, token: str, address: str) -> Secret:
        """A new session's cookie. AdminError 401 for a token that is none, which is audited."""
        actor = self.actor(f"Bearer {token.strip()}", address)
        cookie, now = Secret(secrets.token_urlsafe(32)), self.desk.wall()
        made = StoredSession(_digest(cookie.reveal(), token.strip()), actor.name, now + HOURS * 3600 * 1000)
        await self.desk.write(store.insert, made, now)
        await self.desk.changed(actor, "console.sign-in")
        return cookie

    async def session(self, cookie: str, address: str) -> Actor | None:
        """Whose session a cookie is of; None where it has ended, also because its admin token is no more."""
        for token in self.tokens:
            found = await self.desk.read(store.session, _digest(cookie, token.reveal()))
            if found is not None and found.expires_at > self.desk.wall():
                return Actor(found.actor, address)
        return None

    async def sign_out(self, cookie: str) -> None:
        """End a session on all nodes."""
        for token in self.tokens:
            await self.desk.write(store.delete, _digest(cookie, token.reveal()))

    def _refused(self, status: int, address: str) -> None:
        if self.desk.audit is not None:
            self.desk.audit.count(Event("admin.refused", outcome="refused", status=status), address)


def _digest(cookie: str, token: str) -> bytes:
    """What a session is kept under. With the admin token in it, a session ends with that."""
    return token_digest(f"{cookie} {token_digest(token).hex()}")
