"""The browser of the tests finds what is wrong with a page: or nothing it says of others counts."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tests.browser.browser import SCREENSHOTS, Browser, browser
from tests.servers import running

pytestmark = pytest.mark.slow
GOOD = """<!doctype html><html lang="en"><title>Good</title><meta name="viewport" content="width=device-width">
<main><h1>Good</h1><form><label>Name <input name="n"></label> <button>Go</button></form></main></html>"""
BAD = """<!doctype html><html><main style="width: 2000px"><h1>Bad</h1><input name="n">
<p style="color: #aaa; background: #fff">Hard to read</p><script>undefined.x</script></main></html>"""


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse(GOOD if request.url.path == "/good" else BAD)

    with running(Starlette(routes=[Route("/{name}", page)])) as found:
        yield found


@pytest.fixture(scope="module")
def found() -> Iterator[Browser]:
    with browser() as one:
        yield one


def test_a_page_without_faults_has_none(found: Browser, origin: str) -> None:
    assert found.goto(f"{origin}/good") == 200
    found.fill("Name", "Ann")
    found.press("Go")
    assert found.url == f"{origin}/good?n=Ann"
    assert found.judged("good") == []
    assert (SCREENSHOTS / "good-dark-360.png").stat().st_size > 1000


def test_each_fault_is_found(found: Browser, origin: str) -> None:
    found.goto(f"{origin}/bad")
    told = found.judged("bad")
    for fault in ("html-has-lang", "document-title", "label", "color-contrast", "pixels wider", "TypeError"):
        assert any(fault in each for each in told), fault


def test_a_step_that_fails_is_told(origin: str) -> None:
    with browser(timeout=500) as hasty:
        hasty.goto(f"{origin}/good")
        with pytest.raises(AssertionError, match="nobody"):
            hasty.text("#nobody")


def test_a_browser_may_have_no_scripts(origin: str) -> None:
    with browser(javaScriptEnabled=False) as plain:
        plain.goto(f"{origin}/good")
        plain.fill("Name", "Ann")
        plain.press("Go")
        assert plain.url == f"{origin}/good?n=Ann"
