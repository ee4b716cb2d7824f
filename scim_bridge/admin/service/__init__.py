"""What operators can do, whoever asks for it: the API, the console, or a link page."""

from dataclasses import dataclass

from scim_bridge.admin.service.connections import Connections
from scim_bridge.admin.service.desk import Desk
from scim_bridge.admin.service.history import History
from scim_bridge.admin.service.links import Links
from scim_bridge.admin.service.mirrors import Mirrors
from scim_bridge.admin.service.sessions import FAILURES_A_MINUTE, Sessions
from scim_bridge.admin.service.tokens import Tokens
from scim_bridge.admin.throttle import Throttle


@dataclass(frozen=True, slots=True)
class Administration:
    """All of it, over one desk."""

    desk: Desk
    sessions: Sessions
    connections: Connections
    tokens: Tokens
    links: Links
    mirrors: Mirrors
    history: History

    @classmethod
    def over(cls, desk: Desk) -> "Administration":
        connections = Connections(desk)
        links = Links(desk, connections)
        sessions = Sessions(desk, Throttle(FAILURES_A_MINUTE, 60, desk.clock))
        return cls(desk, sessions, connections, Tokens(desk), links, Mirrors(desk), History(desk))
