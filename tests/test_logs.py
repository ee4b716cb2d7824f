"""The line of each request: what it holds, and where it goes."""

import asyncio
import io
import logging
import sys
import time
from collections.abc import Callable
from typing import TextIO

import orjson
import pytest

from scim_bridge.logs import JsonFormatter, Level, RequestLog, configure, log_crashes

NAME = "scim_bridge.access"
TOLD = {"request_id": "r1", "status": 200, "seconds": 0.0012, "token": None}


class Stream(io.StringIO):
    """Counts the writes."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)

    def lines(self) -> list[dict[str, object]]:
        return [orjson.loads(each) for each in self.getvalue().splitlines()]


Configured = tuple[RequestLog, Stream]


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Callable[[], Configured]:
    """Sets logging up as `configure` does; to be called in the test, as pytest adds handlers before each."""

    def found() -> Configured:
        stream = Stream()
        handler: logging.StreamHandler[TextIO] = logging.StreamHandler(stream)
        handler.setFormatter(JsonFormatter())
        monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
        caplog.set_level(logging.INFO, logger=NAME)
        return RequestLog(handler), stream

    return found


@pytest.mark.parametrize("moment", [1_700_000_000_007_000_000, 1_700_000_000_500_000_000, 1_709_251_199_999_000_000])
async def test_a_line_is_what_the_formatter_makes_of_a_record(
    configured: Callable[[], Configured], monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    log, stream = configured()
    monkeypatch.setattr(time, "time_ns", lambda: moment)
    monkeypatch.setattr(time, "time", lambda: moment / 1e9)
    log(TOLD)
    await asyncio.sleep(0)
    assert stream.writes == 1
    logging.getLogger(NAME).info("request", extra=TOLD)
    ours, standard = stream.getvalue().splitlines()
    assert ours == standard


async def test_lines_of_one_turn_are_written_at_once(configured: Callable[[], Configured]) -> None:
    log, stream = configured()
    for number in range(3):
        log({"request_id": f"r{number}"})
    assert stream.writes == 0
    await asyncio.sleep(0)
    assert stream.writes == 1
    log({"request_id": "r3"})
    await asyncio.sleep(0)
    assert [each["request_id"] for each in stream.lines()] == ["r0", "r1", "r2", "r3"]


async def test_nothing_is_written_below_the_level(
    configured: Callable[[], Configured], caplog: pytest.LogCaptureFixture
) -> None:
    log, stream = configured()
    caplog.set_level(logging.WARNING, logger=NAME)
    log(TOLD)
    await asyncio.sleep(0)
    assert stream.getvalue() == ""


async def test_a_handler_of_the_operators_own_is_told(configured: Callable[[], Configured]) -> None:
    log, stream = configured()
    own = Stream()
    handler = logging.StreamHandler(own)
    handler.setFormatter(JsonFormatter())
    logging.getLogger(NAME).addHandler(handler)
    try:
        log(TOLD)
    finally:
        logging.getLogger(NAME).removeHandler(handler)
    assert [each["request_id"] for each in own.lines()] == ["r1"]
    assert [each["request_id"] for each in stream.lines()] == ["r1"]


async def test_without_a_setup_of_ours_it_is_a_record_like_others(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger=NAME)
    RequestLog()(TOLD)
    assert [vars(each)["request_id"] for each in caplog.records] == ["r1"]


# -- setting up -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("level", "ours", "theirs"),
    [
        ("debug", ["debug", "info", "error"], ["info", "error"]),
        ("info", ["info", "error"], ["info", "error"]),
        ("warning", ["error"], ["error"]),
        ("error", ["error"], ["error"]),
    ],
)
def test_libraries_tell_no_more_than_what_shows_no_urls_and_statements(
    capsys: pytest.CaptureFixture[str], level: Level, ours: list[str], theirs: list[str]
) -> None:
    configure(level)
    for name in ("scim_bridge.told", "a_library", "another.library"):
        for each in (logging.DEBUG, logging.INFO, logging.ERROR):
            logging.getLogger(name).log(each, "told")
    lines = [orjson.loads(each) for each in capsys.readouterr().err.splitlines()]
    assert all(each.keys() == {"time", "level", "logger", "message"} for each in lines)
    assert [each["level"] for each in lines] == ours + theirs + theirs


@pytest.mark.usefixtures("untouched")
def test_a_crash_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    log_crashes()
    try:
        raise ZeroDivisionError("by zero")
    except ZeroDivisionError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    [line] = capsys.readouterr().err.splitlines()
    told = orjson.loads(line)
    assert (told["level"], told["logger"], told["message"]) == ("critical", "scim_bridge", "crashed")
    assert told["traceback"].endswith("ZeroDivisionError: by zero")


@pytest.mark.usefixtures("untouched")
def test_an_interrupt_is_no_crash(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    log_crashes()
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert capsys.readouterr().err.strip() == "KeyboardInterrupt"
