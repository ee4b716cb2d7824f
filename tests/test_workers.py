"""What several worker processes counted, told by one of them."""

import multiprocessing
import os
from pathlib import Path

import pytest

from scim_bridge.exposition import Samples
from scim_bridge.workers import Board

COUNTERS: Samples = {("calls_total", (("connection", "acme"), ("status", "2xx"))): 3, ("seconds_sum", ()): 0.5}
GAUGES: Samples = {("open", ()): 1}


def test_what_others_published_is_what_they_published(tmp_path: Path) -> None:
    first, second = Board(tmp_path), Board(tmp_path)
    assert first.others() == ([], [])
    first.publish({}, {})
    second.publish({}, {})
    second.publish(COUNTERS, GAUGES)  # anew, not beside it
    assert first.others() == ([COUNTERS], [GAUGES])
    assert second.others() == ([{}], [{}])


def _published(folder: Path) -> None:
    Board(folder).publish(COUNTERS, GAUGES)


def test_a_worker_that_has_ended_is_still_counted_but_stands_for_nothing(tmp_path: Path) -> None:
    worker = multiprocessing.get_context("spawn").Process(target=_published, args=(tmp_path,))
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    assert Board(tmp_path).others() == ([COUNTERS], [])


def test_a_worker_of_another_user_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Board(tmp_path).publish(COUNTERS, GAUGES)

    def forbidden(process: int, signal: int) -> None:
        assert (process, signal) == (os.getpid(), 0)
        raise PermissionError

    monkeypatch.setattr(os, "kill", forbidden)
    assert Board(tmp_path).others() == ([COUNTERS], [GAUGES])


def test_a_draft_is_nobodys_to_read(tmp_path: Path) -> None:
    board = Board(tmp_path)
    (tmp_path / "1-abc.json.new").write_text('{"counters": [')
    assert board.others() == ([], [])
