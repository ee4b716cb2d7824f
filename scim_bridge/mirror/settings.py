"""The ``[connections.NAME.mirror]`` table."""

from dataclasses import dataclass

from scim_bridge.settings import setting


@dataclass(frozen=True, slots=True)
class MirrorSettings:
    """How a mirror is kept."""

    refresh_seconds: float = setting(default=300.0, help="How often the mirror reads what changed upstream")
    full_seconds: float = setting(
        default=21_600.0, help="How often it compares everything, which is how it learns of deletions"
    )
    max_shrink_percent: float = setting(
        default=10.0,
        help="More resources than this that are gone at once are kept until an operator approves: it may be an outage",
    )
    settle_seconds: float = setting(
        default=120.0, help="How long the upstream may go on answering with what was before a write"
    )
    keep_changes_days: int = setting(default=90, help="How long changes can be read at …/changes")
    indexed: tuple[str, ...] = setting(
        default=(), help="More attributes that filters find by an index; a change of them makes the mirror anew"
    )
