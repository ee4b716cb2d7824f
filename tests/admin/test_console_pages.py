"""All pages of the console, found by following their links: each is there, well made, and tells no secret."""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from scim_bridge.admin import html
from scim_bridge.admin.console.frame import COOKIE
from scim_bridge.admin.service.desk import AdminError
from tests.admin.console import Operator, console
from tests.admin.world import ACTOR, ADMIN, KEY

FILE_TOKEN = "f1le-t0ken"
FILE_SECRET = "f1le-s3cret"
MOST = 150
TEMPLATES = sorted((Path(html.__file__).parent / "templates").rglob("*.html"))


@pytest.fixture
async def operator(tmp_path: Path) -> AsyncIterator[Operator]:
    settings = {"base_url": "http://127.0.0.1:9", "token": FILE_SECRET}
    connections = {"away": {"provider": "scim", "token": FILE_TOKEN, "settings": settings}}
    async with console(tmp_path, "pingone", connections=connections) as found:
        yield found


async def secrets(operator: Operator) -> list[str]:
    """Use all that there is, and return what no page may tell afterwards."""
    administration = operator.world.administration
    await administration.connections.create(ACTOR, "acme", operator.world.document(), label="Acme")
    _, token = await administration.tokens.create(ACTOR, "acme", label="Okta")
    await operator.world.users("acme", token.reveal())
    with pytest.raises(AdminError):
        await administration.sessions.sign_in("gu3ss-t0ken", "192.0.2.1")
    made = await operator.post("/console/links", {"label": "x", "expires_at": "1"}, 200)
    link = re.search(r"/link/([\w-]+)", made.text)
    wrong = {"name": "other", "settings.client_secret": "wr0ng-s3cret", "test": "yes"}
    await operator.post("/console/new/pingone", wrong, None)
    assert link
    known = [
        operator.world.settings["pingone"]["client_secret"],
        token.reveal(),
        link[1],
        "gu3ss-t0ken",
        "wr0ng-s3cret",
    ]
    return [*known, ADMIN, KEY, FILE_TOKEN, FILE_SECRET, operator.client.cookies[COOKIE]]


def links(page: str, base: str) -> set[str]:
    """The pages that a page leads to, of the console."""
    found = {urljoin(base, unescape(each)).partition("#")[0] for each in re.findall(r'<a [^>]*href="([^"]*)"', page)}
    return {each for each in found if urlsplit(each).path.startswith("/console")}


async def test_every_link_leads_to_a_page_that_is_well_made_and_tells_no_secret(operator: Operator) -> None:
    kept_out = await secrets(operator)
    waiting, seen = ["/console"], {"/console"}
    for path in waiting:
        answer = await operator.client.get(path)
        expected = (200, 303, 503) if "/away" in path else (200, 303)
        assert answer.status_code in expected, path
        told = f"{answer.text} {answer.headers}"
        assert not [each for each in kept_out if each in told], path
        if "/export" in path or answer.status_code == 303:
            continue
        _well_made(answer.text, path)
        found = sorted(links(answer.text, path) - seen)
        seen.update(found)
        waiting += [each for each in found if len(waiting) + len(found) < MOST or "?" not in each]
    kinds = {
        re.sub(r"/(acme|away|pingone|scim|onelogin|sailpoint-\w+|[0-9a-f-]{36}|\d+)(?=/|$)", "/*", each)
        for each in seen
    }
    for each in ("/console/audit/*", "/console/connections/*/directory/Users/*", "/console/connections/*/edit"):
        assert any(kind.partition("?")[0] == each for kind in kinds), each
    assert len(seen) > 60


def _well_made(page: str, path: str) -> None:
    assert re.search("<title>[^<]{3,} \N{EN DASH} SCIM Bridge</title>", page), path
    assert page.count("<h1") == 1 and page.count("<main") == 1 and '<html lang="en">' in page, path
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids)), (path, sorted(each for each in ids if ids.count(each) > 1))
    for each in re.findall(r'aria-(?:labelledby|describedby)="([^"]*)"', page):
        assert set(each.split()) <= set(ids), (path, each)
    for each in re.findall(r'<a href="#([^"]*)"', page):
        assert each in ids, (path, each)
    assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son[a-z]+=|javascript:", page), path
    forms = re.findall(r'<form[^>]*method="post"[^>]*>(.*?)</form>', page, re.DOTALL)
    assert all('name="form_token"' in each for each in forms), path
    for table in re.findall(r"<table.*?</table>", page, re.DOTALL):
        assert "<caption" in table and 'scope="col"' in table, path


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: str(each.name))
def test_templates_name_no_other_host_and_hold_nothing_inline(template: Path) -> None:
    text = template.read_text("utf-8")
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//|url\(|@import", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:|\|\s*safe\b(?! ~)", text)
