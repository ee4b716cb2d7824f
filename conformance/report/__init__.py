"""What comes out of a run: on the terminal, as JUnit XML, as JSON, as one HTML page."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from scim_bridge.conformance.report.data import as_json, as_junit
from scim_bridge.conformance.report.page import as_html
from scim_bridge.conformance.results import Report

FORMATS: Final[Mapping[str, Callable[[Report], str]]] = {".html": as_html, ".json": as_json, ".xml": as_junit}


def write(report: Report, path: Path) -> None:
    """Write a report in the form that the file's ending names. Raises KeyError for another ending, OSError."""
    path.write_text(FORMATS[path.suffix.lower()](report), "utf-8")
