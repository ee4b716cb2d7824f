"""The audit log in the console."""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any

import orjson
import pytest

from scim_bridge.admin.console.history import PAGE
from scim_bridge.protocol.audit import Event
from scim_bridge.store.audit import Criteria
from scim_bridge.store.database import Sql
from tests.admin.console import Operator, console, plain
from tests.admin.world import ACTOR

AUDIT = "/console/audit"


@pytest.fixture
async def operator(tmp_path: Path) -> AsyncIterator[Operator]:
    async with console(tmp_path) as found:
        yield found


async def tell(operator: Operator, *events: Event) -> None:
    audit = operator.world.administration.desk.audit
    assert audit is not None
    for each in events:
        audit.append(each)
    await audit.settled()


def numbers(page: str) -> list[int]:
    return [int(each) for each in re.findall(rf'<a href="{AUDIT}/(\d+)"', page)]


async def test_entries_come_newest_first_a_page_at_a_time(operator: Operator) -> None:
    await tell(operator, *(Event("scim.patch", "acme", f"t{n}") for n in range(PAGE + 20)))
    page = await operator.get(AUDIT, connection="acme")
    older = re.search(r'rel="next" href="([^"]*)"', page)
    assert older and len(numbers(page)) == PAGE and "Newest" not in page
    rest = await operator.get(unescape(older[1]))
    seen = numbers(page) + numbers(rest)
    assert len(seen) == PAGE + 20 and seen == sorted(seen, reverse=True)
    assert 'rel="next"' not in rest and f'rel="prev" href="{AUDIT}?connection=acme"' in rest


async def test_entries_are_found_by_each_criterion(operator: Operator) -> None:
    wanted = Event("scim.patch", "acme", "t1", "User", "u1")
    others = (
        Event("scim.patch", "globex", "t1", "User", "u1"),
        Event("scim.patch", "acme", "t2", "User", "u1"),
        Event("token.created", "acme", "t1", "User", "u1"),
        Event("scim.patch", "acme", "t1", "User", "u2"),
    )
    await tell(operator, wanted, *others)
    asked = "connection=acme&actor=t1&action=scim&resource=u1&since=2020-01-01"
    (number,) = numbers(await operator.get(f"{AUDIT}?{asked}"))
    assert len(numbers(await operator.get(AUDIT, actor="t1"))) == 4
    assert numbers(await operator.get(AUDIT, until="2020-01-01 10:00")) == []
    page = await operator.get(f"{AUDIT}/{number}")
    assert "scim.patch" in page and f"{AUDIT}?resource=u1" in page


async def test_what_is_no_time_is_told_at_its_field(operator: Operator) -> None:
    page = await operator.get(AUDIT, 400, since="yesterday", until="2020-01-01")
    assert 'aria-describedby="since-error"' in page and "takes a date" in page
    assert 'value="2020-01-01"' in page and not numbers(page)


async def test_an_entry_shows_what_was_before_and_after(operator: Operator) -> None:
    details = {
        "changes": {
            "title": {"before": "Boss", "after": "<b>Chief</b>"},
            "emails": {"after": [{"value": "a@b.example"}]},
        },
        "members": {"members": {"added": {"count": 1, "first": ["u9"]}}},
        "upstream": [{"method": "PATCH", "path": "/users/u1", "status": 200}],
        "scimType": "uniqueness",
    }
    await tell(operator, Event("scim.patch", "acme", "t1", "User", "u1", "done", 200, "r-1", details))
    page = await operator.get(f"{AUDIT}/{numbers(await operator.get(AUDIT, action='scim'))[0]}")
    told = plain(page)
    assert "title Boss <b>Chief</b>" in told and "<b>" not in page
    assert "emails not known" in told and "a@b.example" in told and '"u9"' in unescape(page)
    assert "PATCH /users/u1 200" in told and "scimType uniqueness" in told and "Request r-1" in told
    (kept,) = await operator.world.administration.history.page(Criteria(action="scim"), 5)
    assert kept.hash in page and kept.previous in page


@pytest.mark.parametrize(
    ("details", "told"),
    [
        ({"changes": {"title": "too large to be kept"}}, "title too large to be kept"),
        ({"changes": "odd", "upstream": "odd", "times": 7}, "times 7"),
        ({"document": {"access": "read-only"}, "secrets": ["a", "b"]}, "document access = read-only secrets a, b"),
    ],
)
async def test_details_of_any_kind_are_shown(operator: Operator, details: dict[str, Any], told: str) -> None:
    await tell(operator, Event("scim.patch", details=details))
    assert told in plain(await operator.get(f"{AUDIT}/{numbers(await operator.get(AUDIT))[0]}"))


async def test_entries_that_are_not_there_are_404(operator: Operator) -> None:
    for number in ("0", "999999", "9" * 30, "9" * 5000, "1e3", "-1"):
        assert "There is no entry" in await operator.get(f"{AUDIT}/{number}", 404)


async def test_what_an_operator_does_is_in_it(tmp_path: Path) -> None:
    async with console(tmp_path, "pingone") as operator:
        await operator.world.administration.connections.create(ACTOR, "acme", operator.world.document())
        page = await operator.get(f"{AUDIT}/{numbers(await operator.get(AUDIT, action='connection'))[0]}")
        assert "connection.created" in page and "client_secret" in page
        assert operator.world.settings["pingone"]["client_secret"] not in page


async def test_without_an_audit_log_it_says_so(tmp_path: Path) -> None:
    async with console(tmp_path, audit=False) as operator:
        assert "keeps no audit log" in await operator.get(AUDIT, 404)


async def test_what_was_searched_for_is_exported(operator: Operator) -> None:
    await tell(operator, Event("scim.patch", "acme", "=t1"), Event("scim.patch", "globex", "t2"))
    page = await operator.get(AUDIT, connection="acme")
    assert "scim-bridge audit verify" in page
    found = re.findall(rf'href="({AUDIT}/export[^"]*)"', page)
    table, lines = [await operator.client.get(unescape(each)) for each in found]
    assert table.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    assert table.headers["Cache-Control"] == "no-store" and "'=t1" in table.text and "globex" not in table.text
    actors = [orjson.loads(each)["actor"] for each in lines.text.splitlines()]
    assert actors == ["=t1", "admin-0"]  # the second is the first export
    assert ("admin-0", "audit.exported") in [
        (each.entry.actor, each.entry.action)
        for each in await operator.world.administration.history.page(Criteria(action="audit"), 5)
    ]
    assert "takes a date" in await operator.get(f"{AUDIT}/export", 400, since="x")


async def test_an_entry_whose_time_somebody_made_none_is_shown(operator: Operator) -> None:
    await tell(operator, Event("scim.patch", "acme"))

    def spoil(sql: Sql) -> None:
        sql.run("UPDATE audit_entries SET at = 'never' WHERE action = 'scim.patch'")

    await operator.world.administration.desk.database.write(spoil)
    (number,) = numbers(await operator.get(AUDIT, action="scim"))
    assert "Time never" in plain(await operator.get(f"{AUDIT}/{number}"))


async def test_an_entry_whose_details_somebody_made_no_json_is_shown(operator: Operator) -> None:
    await tell(operator, Event("scim.patch", "acme"))

    def spoil(sql: Sql) -> None:
        sql.run("UPDATE audit_entries SET details = 'sp<i>oiled' WHERE action = 'scim.patch'")

    await operator.world.administration.desk.database.write(spoil)
    (number,) = numbers(await operator.get(AUDIT, action="scim"))
    assert "sp&lt;i&gt;oiled" in await operator.get(f"{AUDIT}/{number}")
