"""Logging: one JSON line for each record, on standard error."""

import asyncio
import logging
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Literal, TextIO

import orjson

from scim_bridge.upstream.redact import silence_http_library

Level = Literal["debug", "info", "warning", "error"]
_STANDARD: Final = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "message",
    "taskName",
    "color_message",
}

_ACCESS: Final = "scim_bridge.access"
_START: Final = b'{"time":"%%b.%%03d+00:00","level":"info","logger":"%b","message":"request",%%b' % _ACCESS.encode()
"""How the line of a request begins: what is the same in all of them is not encoded again for each."""


class JsonFormatter(logging.Formatter):
    """A record as JSON: time, level, logger, message, and what was passed as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class RequestLog:
    """Tells of requests, a line each, as `JsonFormatter` does at a quarter of its cost.

    Lines of one turn of the event loop are written at once. Where logging was set up by somebody else, it goes there.
    """

    def __init__(self, handler: logging.StreamHandler[TextIO] | None = None) -> None:
        self._logger = logging.getLogger(_ACCESS)
        self._handler = handler
        self._lines: list[bytes] = []
        self._second = 0
        self._stem = b""

    def __call__(self, told: Mapping[str, Any]) -> None:
        """Tell of a request; ``told`` is not empty."""
        if not self._logger.isEnabledFor(logging.INFO):
            return
        if self._handler is None or self._logger.handlers or logging.root.handlers != [self._handler]:
            self._logger.info("request", extra=dict(told))
            return
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._write)
        self._lines.append(_START % (*self._time(), orjson.dumps({**told}, default=str)[1:]))

    def _time(self) -> tuple[bytes, int]:
        """The time now, as `JsonFormatter` writes it: up to the second, as in most lines before, and milliseconds."""
        seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
        if seconds != self._second:
            self._second = seconds
            self._stem = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()
        return self._stem, nanoseconds // 1_000_000

    def _write(self) -> None:
        assert self._handler is not None
        lines, self._lines = self._lines, []
        self._handler.stream.write(b"\n".join([*lines, b""]).decode())
        self._handler.flush()


def configure(level: Level = "info") -> RequestLog:
    """Send all logging through one JSON handler; returns what tells of requests, which are told from ``info`` on.

    ``debug`` is for our own loggers: those of libraries would show URLs and statements, with names of people in them.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    handler: logging.StreamHandler[TextIO] = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=max(number, logging.INFO), handlers=[handler], force=True)
    logging.getLogger("scim_bridge").setLevel(number if level == "debug" else logging.NOTSET)
    silence_http_library()
    for name in ("uvicorn.access", "aiohttp.access"):
        logging.getLogger(name).disabled = True  # one line a request is ours
    return RequestLog(handler)


def log_crashes() -> None:
    """Tell what ends the program in one line of the log, as everything else, instead of over many of the console."""

    def tell(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, traceback)
            return
        logging.getLogger("scim_bridge").critical("crashed", exc_info=(kind, error, traceback))

    sys.excepthook = tell
