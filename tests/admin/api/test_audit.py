"""The audit log through the API."""

import csv
import json
import logging
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from scim_bridge.admin.service import history
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.auditing import Auditor
from scim_bridge.protocol.audit import Event
from scim_bridge.store.database import DatabaseUnavailable
from tests.admin.api.calls import TOKEN, Calls, api, bare
from tests.admin.api.test_connections import OWN


async def numbers(ask: Calls, query: str = "") -> list[int]:
    return [each["number"] for each in (await ask("GET", f"/audit{query}", 200)).json()["items"]]


async def test_entries_are_found_by_what_they_tell(tmp_path: Path, url: str) -> None:
    async with api(tmp_path, database=url, connections=OWN) as (ask, found):
        audit = found.administration.desk.audit
        assert isinstance(audit, Auditor)
        for number, resource in enumerate(("User", "User", "Group")):
            audit.append(Event("scim.patch", "own", "0", resource, f"id-{number}", "done", 200, "r", {"a": [1, None]}))
        await audit.settled()
        await ask("POST", "/connections/own/tokens", 201)
        scim = (await ask("GET", "/audit?action=scim", 200)).json()["items"]
        assert [each["resource_id"] for each in scim] == ["id-2", "id-1", "id-0"]
        assert scim[0]["details"] == {"a": [1, None]} and scim[0]["time"].endswith("Z")
        assert [each["previous"] for each in scim[:2]] == [each["hash"] for each in scim[1:]]
        own = await numbers(ask, "?connection=own&actor=0")
        assert own == await numbers(ask, "?action=scim.patch") == [each["number"] for each in scim]
        assert await numbers(ask, "?resource_type=User&resource_id=id-0") == own[-1:]
        assert await numbers(ask, "?actor=admin-0") == await numbers(ask, "?action=token.created")
        assert await numbers(ask, "?until=2001-01-01T00:00:00Z") == []
        assert await numbers(ask, "?since=2001-01-01T00:00:00%2B02:00") == await numbers(ask)
        assert await numbers(ask, "?since=2999-01-01T00:00:00Z") == []


async def test_entries_are_told_a_part_at_a_time(tmp_path: Path) -> None:
    async with bare(tmp_path, connections=OWN) as ask:
        for _ in range(4):
            await ask("POST", "/connections/own/tokens", 201)
        everything = await numbers(ask, "?action=token")
        first = (await ask("GET", "/audit?action=token&limit=3", 200)).json()
        rest = (await ask("GET", f"/audit?action=token&limit=3&before={first['next']}", 200)).json()
        assert [each["number"] for each in first["items"] + rest["items"]] == everything
        assert (len(first["items"]), len(rest["items"]), rest["next"]) == (3, 1, None)
        for query in ("before=0", "before=x", "before=99999999999999999", "limit=501", "since=yesterday", "actor="):
            await ask.refused("GET", f"/audit?{query}", 400, query.partition("=")[0])


async def test_an_export_has_all_there_is_at_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(history, "PART", 2)
    async with bare(tmp_path, database=url, connections=OWN) as ask:
        for _ in range(4):
            await ask("POST", "/connections/own/tokens", 201)
        wanted = sorted(await numbers(ask, "?action=token"))
        answer = await ask("GET", "/audit/export?action=token", 200)
        assert answer.headers["Content-Type"] == "application/jsonl"
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert [each["number"] for each in lines] == wanted
        answer = await ask("GET", "/audit/export?action=token&format=csv", 200)
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
        heading, *rows = csv.reader(answer.text.splitlines())
        assert heading[:2] == ["number", "time"] and [int(each[0]) for each in rows] == wanted
        assert (await ask("GET", "/audit/export?connection=none", 200)).text == ""
        whole = [json.loads(line)["action"] for line in (await ask("GET", "/audit/export", 200)).text.splitlines()]
        assert whole.count("audit.exported") == 3  # this one began after the entries that it has
        await ask.refused("GET", "/audit/export?format=xml", 400, "format")
        await ask.refused("GET", "/audit/export?limit=2", 400, "limit")


async def test_without_an_audit_log_there_is_none(tmp_path: Path) -> None:
    async with bare(tmp_path, audit=False) as ask:
        for path in ("/audit", "/audit/export"):
            await ask.refused("GET", path, 404)


async def test_who_could_not_sign_in_is_in_it(tmp_path: Path) -> None:
    async with bare(tmp_path) as ask:
        assert (await ask.client.get("/api/v1/audit", headers={"Authorization": "Bearer wr0ng"})).status_code == 401
        answer = await ask("GET", "/audit?action=admin.refused", 200)
        [entry] = answer.json()["items"]
        assert (entry["outcome"], entry["status"], entry["details"]) == ("refused", 401, {"from": ["127.0.0.1"]})
        assert "wr0ng" not in answer.text and TOKEN["Authorization"].split()[1] not in answer.text


async def test_an_export_that_cannot_go_on_breaks_off_and_the_log_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(history, "PART", 1)
    async with api(tmp_path, connections=OWN) as (ask, found):
        for _ in range(2):
            await ask("POST", "/connections/own/tokens", 201)
        kind = type(found.administration.desk.database)
        reading, parts = kind.read, count()

        async def read(self: Any, work: Any, *args: Any, **kwargs: Any) -> Any:
            if kwargs.get("newest_first") is False and next(parts) == 1:
                raise DatabaseUnavailable("gone")
            return await reading(self, work, *args, **kwargs)

        monkeypatch.setattr(kind, "read", read)
        with caplog.at_level(logging.INFO, "scim_bridge.access"), pytest.raises(AdminError):
            await ask.client.get("/api/v1/audit/export", headers=TOKEN)
        [line] = [vars(each) for each in caplog.records if each.name == "scim_bridge.access"]
        assert (line["path"], line["broken_off"]) == ("/api/v1/audit/export", True)


async def test_an_export_that_cannot_begin_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with api(tmp_path) as (ask, found):

        async def read(*_: Any, **__: Any) -> Any:
            raise DatabaseUnavailable("gone")

        monkeypatch.setattr(type(found.administration.desk.database), "read", read)
        await ask.refused("GET", "/audit/export", 503)
