"""Access tokens in the shared database, encrypted; a row for each connection and credentials."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final

from scim_bridge.sharing.reach import Alone, Reach
from scim_bridge.store.database import DatabaseUnavailable, Sql
from scim_bridge.store.sealing import Sealer
from scim_bridge.upstream.redact import Secret
from scim_bridge.upstream.tokens import KeptToken

LOOK_SECONDS: Final = 0.2
"""How often a node looks whether the one that signs in has done so."""
TURN_SECONDS: Final = 10.0
"""How long it waits for that; a node that hangs must not hold up the others."""


class SharedTokens:
    """The keeper of one connection's tokens."""

    def __init__(self, connection: str, reach: Reach, sealer: Sealer) -> None:
        self._connection = connection
        self._reach = reach
        self._sealer = sealer

    @asynccontextmanager
    async def turn(self, credentials: Secret, refused: Secret | None) -> AsyncIterator[KeptToken | None]:
        """The token to use, or None within this node's turn to sign in; a node that dies loses its turn with it."""
        async with AsyncExitStack() as stack:
            try:
                found = await self._waited(stack, self._name(credentials), refused)
            except Alone:
                found = None
            yield found

    async def _waited(self, stack: AsyncExitStack, name: str, refused: Secret | None) -> KeptToken | None:
        clock = self._reach.clock
        until = clock.now() + TURN_SECONDS
        while (found := await self._found(name, refused)) is None and clock.now() < until:
            if await self._first(stack, name):
                return await self._found(name, refused)  # which another one may have fetched meanwhile
            await clock.sleep(LOOK_SECONDS)
        return found

    async def _first(self, stack: AsyncExitStack, name: str) -> bool:
        try:
            return await stack.enter_async_context(self._reach.database.lease(f"sign in {name}"))
        except DatabaseUnavailable as error:
            self._reach.left_alone(error)
            raise Alone from None

    async def _found(self, name: str, refused: Secret | None) -> KeptToken | None:
        row = await self._reach.read(_read, name)
        value = self._sealer.opened(row[0], name) if row is not None else None
        if row is None or value is None:
            return None
        token = KeptToken(Secret(value.decode()), row[1] / 1e6, row[2] / 1e6)
        return None if token.value == refused or token.seconds <= 0 else token

    async def keep(self, credentials: Secret, token: KeptToken) -> None:
        name = self._name(credentials)
        sealed = self._sealer.seal(token.value.reveal().encode(), name)
        with suppress(Alone):  # then the others sign in by themselves
            await self._reach.write(_keep, name, sealed, int(token.age_seconds * 1e6), int(token.seconds * 1e6))

    def _name(self, credentials: Secret) -> str:
        return self._sealer.name(f"token {self._connection}\n{credentials.reveal()}")


def _read(sql: Sql, name: str) -> tuple[bytes, int, int] | None:
    """A token, its age, and when it is to be renewed, in microseconds from now."""
    now = sql.dialect.now
    rows = sql.rows(f"SELECT token, {now} - made, renew - {now} FROM shared_tokens WHERE name = ?", (name,))
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else None


def _keep(sql: Sql, name: str, sealed: bytes, age: int, renew: int) -> None:
    now = sql.dialect.now
    sql.run(f"DELETE FROM shared_tokens WHERE renew < {now} OR name = ?", (name,))
    sql.run(
        f"INSERT INTO shared_tokens (name, token, made, renew) VALUES (?, ?, {now} - ?, {now} + ?)"
        " ON CONFLICT (name) DO UPDATE SET token = excluded.token, made = excluded.made, renew = excluded.renew",
        (name, sealed, age, renew),
    )
