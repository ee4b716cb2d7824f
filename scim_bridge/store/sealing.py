"""Encryption of what the bridge stores: secrets and personal data, and a database has many readers."""

import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32


class Sealer:
    """Encrypts with AES-256-GCM, and makes names that tell nothing; by keys made from the bridge's own.

    ``purpose`` sets what it seals apart from all else under the same key.
    """

    def __init__(self, key: bytes, purpose: str = "shared") -> None:
        self._cipher = AESGCM(_derived(key, f"scim_bridge {purpose} values"))
        self._names = _derived(key, f"scim_bridge {purpose} names")

    def name(self, text: str) -> str:
        """A name for a text, the same on all nodes with the same key."""
        return hmac.new(self._names, text.encode(), sha256).hexdigest()

    def seal(self, value: bytes, place: str) -> bytes:
        """A value for one place, such as the name of its row: nowhere else it can be opened."""
        return _encrypted(self._cipher, value, place)

    def opened(self, sealed: bytes, place: str) -> bytes | None:
        """The value; None where it was sealed with another key or for another place, or was changed."""
        return _decrypted(self._cipher, sealed, place)


def _derived(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), length=_KEY_BYTES, salt=None, info=purpose.encode()).derive(key)


def _encrypted(cipher: AESGCM, value: bytes, place: str) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, value, place.encode())


def _decrypted(cipher: AESGCM, sealed: bytes, place: str) -> bytes | None:
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
    except (InvalidTag, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class Envelope:
    """A value under a data key of its own, and that key under the bridge's."""

    key: bytes
    value: bytes


class Vault:
    """Seals secrets in envelopes: to change the bridge's key, only data keys have to be sealed anew.

    ``former``: keys that open what was sealed before, and seal nothing.
    """

    def __init__(self, key: bytes, former: Sequence[bytes] = ()) -> None:
        self._current, *self._former = [Sealer(each, "data keys") for each in (key, *former)]

    def seal(self, value: bytes, place: str) -> Envelope:
        """A value for one place, under a new data key."""
        key = AESGCM.generate_key(8 * _KEY_BYTES)
        return Envelope(self._current.seal(key, place), _encrypted(AESGCM(key), value, place))

    def opened(self, envelope: Envelope, place: str) -> bytes | None:
        """The value; None where none of the keys opens it, or it is not as it was sealed."""
        key = self._data_key(envelope, place)
        return None if key is None else _decrypted(AESGCM(key), envelope.value, place)

    def renewed(self, envelope: Envelope, place: str) -> Envelope | None:
        """The envelope under the current key; None where none of the keys opens it."""
        key = self._data_key(envelope, place)
        return None if key is None else Envelope(self._current.seal(key, place), envelope.value)

    def is_current(self, envelope: Envelope, place: str) -> bool:
        """Whether the current key opens it."""
        return self._current.opened(envelope.key, place) is not None

    def _data_key(self, envelope: Envelope, place: str) -> bytes | None:
        found = (each.opened(envelope.key, place) for each in (self._current, *self._former))
        return next((each for each in found if each is not None), None)
