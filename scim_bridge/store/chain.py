"""The chain of the audit log: each entry's hash covers its content and the hash of the entry before it.

With an ``encryption_key`` the hashes are HMACs under a key derived from it, so that who can change the database cannot
make a chain that fits. Without one they are plain SHA-256: whoever edits an entry can compute all that follow anew,
which only a head noted elsewhere shows.
"""

import hmac
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from hashlib import sha256
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PLAIN: Final = ""
"""The name of no key at all."""
FIRST: Final = ""
"""What the first entry names as the hash before it."""
_FORM: Final = "scim_bridge audit 1"


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened. Texts hold no NUL character, which PostgreSQL refuses.

    ``at``: milliseconds since 1970. ``outcome``: done, refused, failed or unknown. ``status``: of HTTP, 0 where there
    is none. ``details``: a JSON object as text.
    """

    at: int
    node: str
    connection: str
    actor: str
    action: str
    resource_type: str
    resource_id: str
    outcome: str
    status: int
    request_id: str
    details: str


@dataclass(frozen=True, slots=True)
class Link:
    """An entry in its place. ``key`` names the key of ``hash``; ``previous`` is the hash of the entry before."""

    number: int
    entry: Entry
    key: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the chain, kept beside it: the ``head`` is the last entry, the ``anchor`` the last that was pruned."""

    name: str
    number: int
    at: int
    hash: str
    key: str
    seal: str


class Keys:
    """The key that new entries are chained with, and former ones that old entries are verified with."""

    def __init__(self, current: bytes | None = None, former: Iterable[bytes] = ()) -> None:
        """Keys as ``encryption_key`` has them; what is used is derived from them (RFC 5869)."""
        derived = None if current is None else _derived(current)
        self.current = PLAIN if derived is None else _name(derived)
        self._keys = {_name(each): each for each in (*map(_derived, former), *([] if derived is None else [derived]))}

    def knows(self, name: str) -> bool:
        return name == PLAIN or name in self._keys

    def link(self, number: int, entry: Entry, previous: str) -> Link:
        """An entry put in its place with the current key."""
        return Link(number, entry, self.current, previous, self._hash(self.current, number, entry, previous))

    def fits(self, link: Link) -> bool:
        """Whether an entry is as it was put there; its key has to be known."""
        return _same(link.hash, self._hash(link.key, link.number, link.entry, link.previous))

    def mark(self, name: str, number: int, at: int, hash_: str) -> Mark:
        return Mark(name, number, at, hash_, self.current, self._sealed(self.current, [name, number, at, hash_]))

    def marked(self, mark: Mark) -> bool:
        """Whether a mark is one that was made here; its key has to be known."""
        return _same(mark.seal, self._sealed(mark.key, [mark.name, mark.number, mark.at, mark.hash]))

    def _hash(self, key: str, number: int, entry: Entry, previous: str) -> str:
        return self._sealed(key, [number, *astuple(entry), previous])

    def _sealed(self, key: str, parts: list[Any]) -> str:
        text = orjson.dumps([_FORM, key, *parts], default=repr)  # SQLite holds what somebody put there, of any type
        if key == PLAIN:
            return sha256(text).hexdigest()
        return hmac.new(self._keys[key], text, sha256).hexdigest()


def _same(stored: Any, computed: str) -> bool:
    return hmac.compare_digest(str(stored).encode(), computed.encode())


def _derived(key: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=b"scim_bridge audit chain").derive(key)


def _name(derived: bytes) -> str:
    """A name for a key that tells nothing of it."""
    return hmac.new(derived, b"name", sha256).hexdigest()[:16]
