"""Public suites are extra packages: `pip install scim-bridge[conformance]` brings them."""

from collections.abc import Iterator
from contextlib import contextmanager


class Unavailable(Exception):
    """A suite cannot run here or against this target; the message says why."""


@contextmanager
def needed(package: str) -> Iterator[None]:
    """Turns a failing import into Unavailable."""
    try:
        yield
    except ImportError:
        raise Unavailable(f"{package} is not installed: pip install 'scim-bridge[conformance]'") from None


def must_write(write: bool) -> None:
    """Raises Unavailable for a suite that cannot do without writing."""
    if not write:
        raise Unavailable("it creates and deletes resources, which takes --write")
