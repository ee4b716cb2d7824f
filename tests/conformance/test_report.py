"""The forms a report comes in."""

import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from scim_bridge.conformance import report
from scim_bridge.conformance.report import terminal
from scim_bridge.conformance.results import Exchange, Report, Result

HOSTILE = '<script>alert("x")</script>\x00 ]]> \ud83d'.encode("utf-8", "replace").decode()
RESULTS = (
    Result(
        "requirements", "Text ignores case", "passed", "", "F-01", "M", "Filtering", "RFC 7644 section 3.4.2.2", 0.25
    ),
    Result(
        "requirements",
        "Unknown ids are 404",
        "failed",
        f"answered 200 {HOSTILE}",
        "X-02",
        "M",
        "Errors",
        "RFC 7644 section 3.12",
        0.5,
        (Exchange("GET /Users/nobody", f"200\n\n{HOSTILE}"),),
    ),
    Result("requirements", "Sorting", "skipped", "sort is not offered", "O-01", "S", "Sorting"),
    Result("scim-sanity", "POST /Users", "passed"),
)
REPORT = Report("https://scim.example/v2", "2026-01-02T03:04:05+00:00", RESULTS, ("One note.",), 1.5)


def test_json_holds_all_there_is(tmp_path: Path) -> None:
    report.write(REPORT, tmp_path / "run.json")
    found = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert found["summary"] == {"passed": 2, "failed": 1, "skipped": 1}
    assert found["notes"] == ["One note."]
    assert found["results"][1]["reason"] == RESULTS[1].reason
    assert found["results"][1]["exchanges"] == [{"request": "GET /Users/nobody", "answer": f"200\n\n{HOSTILE}"}]


def test_junit_counts_and_tells_failures_whatever_a_server_answered(tmp_path: Path) -> None:
    report.write(REPORT, tmp_path / "run.xml")
    root = ElementTree.parse(tmp_path / "run.xml").getroot()
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("4", "1", "1")
    suites = {each.get("name"): each for each in root}
    assert list(suites) == ["requirements", "scim-sanity"]
    failure = suites["requirements"].find("testcase[@name='X-02 Unknown ids are 404']/failure")
    assert failure is not None and failure.text is not None
    assert failure.text.startswith("GET /Users/nobody\n\n200") and "<script>" in failure.text
    skipped = suites["requirements"].find("testcase/skipped")
    assert skipped is not None and skipped.get("message") == "sort is not offered"


def test_the_page_shows_everything_as_text_and_needs_nothing_from_outside(tmp_path: Path) -> None:
    report.write(REPORT, tmp_path / "run.HTML")
    page = (tmp_path / "run.HTML").read_text("utf-8")
    for told in ("F-01", "Text ignores case", "RFC 7644 section 3.4.2.2", "sort is not offered", "One note."):
        assert told in page
    assert "<script" not in page and "&lt;script&gt;" in page
    assert not re.search(r"""(src|href)\s*=\s*["'](?!#)""", page) and "url(" not in page and "@import" not in page
    assert "prefers-color-scheme: dark" in page and "width=device-width" in page
    anchors = set(re.findall(r'href="#([^"]+)"', page))
    assert anchors and anchors <= set(re.findall(r'id="([^"]+)"', page))


def test_another_ending_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        report.write(REPORT, tmp_path / "run.pdf")


def test_the_terminal_tells_failures_as_they_come_then_the_numbers() -> None:
    out = io.StringIO()
    console = Console(file=out, width=200)
    with terminal.live(console) as seen:
        for each in RESULTS:
            seen(each)
        assert out.getvalue().count("FAILED") == 1 and "X-02 Unknown ids are 404: answered 200" in out.getvalue()
        assert "Text ignores case" not in out.getvalue()
    terminal.summary(console, REPORT)
    told = out.getvalue()
    assert "SKIPPED requirements: O-01 Sorting: sort is not offered" in told
    assert re.search(r"requirements: Filtering +1 +0 +0", told) and re.search(r"M: must +1 +1 +0", told)
    assert told.splitlines()[-1] == "2 passed, 1 failed, 1 skipped"
