"""What one node shares with the others, for each connection."""

from scim_bridge.clock import SYSTEM_CLOCK, Clock
from scim_bridge.sharing.pace import SharedPace
from scim_bridge.sharing.pages import SharedPages
from scim_bridge.sharing.reach import Reach
from scim_bridge.sharing.tokens import SharedTokens
from scim_bridge.store.database import Database
from scim_bridge.store.sealing import Sealer


class Sharing:
    """Sharing through a database, with what is stored there encrypted by a key that all nodes have."""

    def __init__(self, database: Database, key: bytes, clock: Clock = SYSTEM_CLOCK) -> None:
        self.database = database
        self._sealer = Sealer(key)
        self._reach = Reach(database, clock)

    def pace(self, connection: str, rate: float | None) -> SharedPace:
        """When to send to a connection's upstream, so that all nodes together keep its limit."""
        return SharedPace(connection, rate, self._reach)

    def tokens(self, connection: str) -> SharedTokens:
        """The access tokens of a connection's upstream."""
        return SharedTokens(connection, self._reach, self._sealer)

    def pages(self, connection: str, settings: str) -> SharedPages:
        """What pages of a connection's lists leave behind, for nodes with the same ``settings``: by others, rows have
        another meaning."""
        return SharedPages(connection, settings, self._reach, self._sealer)
