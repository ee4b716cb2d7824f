"""The bridge's own database is out: to a client that is trouble behind the bridge, as with an upstream."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from scim_bridge.store.database import DatabaseUnavailable
from scim_bridge.upstream.errors import Unavailable

_log = logging.getLogger("scim_bridge.sharing")


@contextmanager
def told_as_unavailable(*, sent: bool = False) -> Iterator[None]:
    """Raise Unavailable where the database does not answer; ``sent``: a write of the upstream may be in effect."""
    try:
        yield
    except DatabaseUnavailable as error:
        _log.error("the bridge's database does not answer", extra={"error": str(error)})
        raise Unavailable("the bridge's database", "it does not answer", sent=sent) from None
