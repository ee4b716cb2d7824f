"""Reports for programs: JSON, and JUnit XML as CI servers read it."""

import json
import re
from dataclasses import asdict
from xml.etree import ElementTree

from scim_bridge.conformance.results import Report, Result, Status, counts

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_json(report: Report) -> str:
    """The whole report, with a summary."""
    found = counts(report.results)
    document = {
        "url": report.url,
        "started": report.started,
        "seconds": round(report.seconds, 3),
        "summary": {status: found[status] for status in ("passed", "failed", "skipped")},
        "notes": report.notes,
        "results": [{**asdict(each), "seconds": round(each.seconds, 3)} for each in report.results],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_junit(report: Report) -> str:
    """A `testsuite` a suite, a `testcase` a check, the requests of a failure in its text."""
    root = ElementTree.Element("testsuites", _numbers(report.results, report.seconds))
    for name in report.suites():
        results = [each for each in report.results if each.suite == name]
        seconds = sum(each.seconds for each in results)
        suite = ElementTree.SubElement(
            root, "testsuite", {"name": name, "timestamp": report.started, **_numbers(results, seconds)}
        )
        for each in results:
            _testcase(suite, each)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _numbers(results: "list[Result] | tuple[Result, ...]", seconds: float) -> dict[str, str]:
    found = counts(results)
    return {
        "tests": str(len(results)),
        "failures": str(found["failed"]),
        "skipped": str(found["skipped"]),
        "time": f"{seconds:.3f}",
    }


def _testcase(suite: ElementTree.Element, result: Result) -> None:
    name = " ".join(filter(None, (result.id, result.title)))
    attributes = {"classname": result.section or result.suite, "name": name, "time": f"{result.seconds:.3f}"}
    case = ElementTree.SubElement(suite, "testcase", {key: _legal(value) for key, value in attributes.items()})
    elements: dict[Status, str] = {"failed": "failure", "skipped": "skipped"}
    if result.status in elements:
        told = ElementTree.SubElement(case, elements[result.status], {"message": _legal(result.reason)})
        shown = "\n\n".join(f"{each.request}\n\n{each.answer}" for each in result.exchanges)
        told.text = _legal(shown) or None


def _legal(text: str) -> str:
    """Text with the characters that XML 1.0 does not allow replaced."""
    return _NOT_XML.sub("\ufffd", text)
