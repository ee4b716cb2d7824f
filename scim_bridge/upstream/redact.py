"""Keeping secrets out of texts, logs and serialised objects."""

import base64
import hmac
import logging
import unicodedata
from collections.abc import Iterable
from typing import NoReturn
from urllib.parse import quote, quote_plus

MASK = "***"
MAX_TEXT = 300


class Secret:
    """A text that shows itself only through `reveal`.

    Not a ``str``: a JSON encoder, a log format or a join that meets it by accident fails or prints ``***``. It cannot
    be pickled; a copy is the same object, for `dataclasses.asdict` copies.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself: for the place that sends it, never for one that shows it."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """``text`` with every known secret, as it is, percent-encoded or in Base64, replaced by ``***``."""
    # the longest first, or a secret that is part of another would leave the rest of it readable
    for form in sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _forms(secret: Secret) -> Iterable[str]:
    value = secret.reveal()
    if value:
        yield from (value, quote(value, safe=""), quote_plus(value), base64.b64encode(value.encode()).decode())


def safe_text(text: str, secrets: Iterable[Secret] = ()) -> str:
    """``text`` fit for an error or a log: no known secret, no control character, at most 300 characters."""
    # secrets first: cut or cleaned text could hide one from the search and still show most of it
    text = redact(text, secrets)
    text = "".join(" " if unicodedata.category(char).startswith("C") else char for char in text[: MAX_TEXT + 1])
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _nothing(record: logging.LogRecord) -> bool:
    return False


def silence_http_library() -> None:
    """Drop httpx's own log: one line per request with the whole URL, query values included.

    A filter, because a level would not outlive the next logging configuration.
    """
    logging.getLogger("httpx").addFilter(_nothing)
