"""Encryption of what nodes share: it holds access tokens and personal data, and a database has many readers."""

import hmac
import os
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES: Final = 12


class Sealer:
    """Encrypts with AES-256-GCM, and makes names that tell nothing; by keys made from the bridge's own."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(_derived(key, b"scim_bridge shared values"))
        self._names = _derived(key, b"scim_bridge shared names")

    def name(self, text: str) -> str:
        """A name for a text, the same on all nodes with the same key."""
        return hmac.new(self._names, text.encode(), sha256).hexdigest()

    def seal(self, value: bytes, place: str) -> bytes:
        """A value for one place, such as the name of its row: nowhere else it can be opened."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value, place.encode())

    def opened(self, sealed: bytes, place: str) -> bytes | None:
        """The value; None where it was sealed with another key or for another place, or was changed."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError):
            return None


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=purpose).derive(key)
