"""Entries of the audit log as JSON lines and as CSV."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import astuple, fields
from typing import Any, Final, Literal

import orjson

from scim_bridge.clock import time_text
from scim_bridge.store.audit import Criteria, every
from scim_bridge.store.chain import Entry, Link
from scim_bridge.store.database import Sql

Format = Literal["jsonl", "csv"]
COLUMNS: Final = ("number", "time", *(each.name for each in fields(Entry)[1:]), "key", "previous", "hash")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What spreadsheets take for the beginning of a formula."""


def record(link: Link) -> dict[str, Any]:
    """An entry as JSON: its time in ISO 8601, its details as an object."""
    values = dict(zip(COLUMNS, (link.number, _time(link.entry.at), *astuple(link.entry)[1:]), strict=False))
    values["details"] = _details(link.entry.details)
    return {**values, "key": link.key, "previous": link.previous, "hash": link.hash}


def _details(text: str) -> Any:
    """The details as they are; as text where somebody made them something else."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return orjson.Fragment(text)


def json_line(link: Link) -> str:
    """An entry as a line. Its details are the very text that its hash is made of."""
    return orjson.dumps(record(link)).decode() + "\n"


def csv_line(link: Link) -> str:
    """An entry as a line of CSV (RFC 4180) that no spreadsheet takes for a formula: those get an apostrophe before."""
    values = (link.number, _time(link.entry.at), *astuple(link.entry)[1:], link.key, link.previous, link.hash)
    return _csv([_safe(each) for each in values])


def _csv(cells: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _time(at: int) -> str:
    try:
        return time_text(at)
    except (ValueError, OverflowError, OSError):  # no time that the bridge has written
        return str(at)


def lines(sql: Sql, criteria: Criteria, kind: Format) -> Iterator[str]:
    """The lines of an export, oldest entry first, a few at a time."""
    yield heading(kind)
    for link in every(sql, criteria):
        yield line(link, kind)


def heading(kind: Format) -> str:
    """What an export begins with."""
    return _csv(list(COLUMNS)) if kind == "csv" else ""


def line(link: Link, kind: Format) -> str:
    """An entry in an export."""
    return csv_line(link) if kind == "csv" else json_line(link)


def write(sql: Sql, criteria: Criteria, kind: Format, out: Callable[[str], object]) -> int:
    """Write an export line by line; how many entries it has."""
    count = -1
    for each in lines(sql, criteria, kind):
        out(each)
        count += 1
    return count
