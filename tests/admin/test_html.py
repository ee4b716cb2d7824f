"""Pages and their files: escaped, kept by nobody, and with nothing that does not come from us."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import jinja2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from scim_bridge.admin import html
from scim_bridge.admin.assets import STATIC_ROUTE, asset_path, assets

TEMPLATES = Path(html.__file__).parent / "templates"
SHOWN = '{% extends "base.html" %}{% block title %}T{% endblock %}{% block main %}{{ told }}{% endblock %}'


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> None:
    loader = jinja2.ChoiceLoader([jinja2.FileSystemLoader(TEMPLATES), jinja2.DictLoader({"shown.html": SHOWN})])
    monkeypatch.setattr(html._environment(), "loader", loader)


async def _shown(request: Request) -> Response:
    framed = request.query_params.getlist("framed")
    return html.page(request, "shown.html", frame_ancestors=framed, form_targets=framed, told="<script>x</script>")


async def _forgot(request: Request) -> Response:
    return html.page(request, "shown.html")


@pytest.fixture
async def client(shown: None) -> AsyncIterator[httpx.AsyncClient]:
    routes = [Mount("/link", routes=[Route("/a", _shown), Route("/forgot", _forgot)]), STATIC_ROUTE]
    transport = httpx.ASGITransport(app=Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, base_url="https://bridge.example.com") as found:
        yield found


async def test_what_a_page_tells_is_text_and_nothing_of_it_runs(client: httpx.AsyncClient) -> None:
    answer = await client.get("/link/a")
    assert "&lt;script&gt;x&lt;/script&gt;" in answer.text
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "style-src 'self'" in policy
    assert "base-uri 'none'" in policy and "form-action 'self'" in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["X-Frame-Options"] == "DENY"


async def test_a_page_is_kept_by_no_cache_and_tells_no_other_site_where_it_was(client: httpx.AsyncClient) -> None:
    headers = (await client.get("/link/a")).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "geolocation=()" in headers["Permissions-Policy"]
    assert "Set-Cookie" not in headers


async def test_only_origins_that_are_named_may_embed_a_page(client: httpx.AsyncClient) -> None:
    answer = await client.get("/link/a?framed=https://a.example.com&framed=https://b.example.com")
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert "frame-ancestors https://a.example.com https://b.example.com" in policy
    assert "form-action 'self' https://a.example.com https://b.example.com" in policy
    assert "X-Frame-Options" not in answer.headers  # it knows no list of origins


async def test_a_value_that_a_template_was_not_given_is_an_error(client: httpx.AsyncClient) -> None:
    with pytest.raises(jinja2.UndefinedError):
        await client.get("/link/forgot")


async def test_files_are_named_by_their_content_and_kept_for_good(client: httpx.AsyncClient) -> None:
    found = re.findall(r'(?:href|src)="(/static/[^"]+)"', (await client.get("/link/a")).text)
    assert {path.rpartition("/")[2] for path in found} == {"style.css", "page.js", "icon.svg"}
    for path in found:
        answer = await client.get(path)
        assert answer.status_code == 200 and answer.content == assets()[path.rpartition("/")[2]].content
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (await client.get(asset_path("style.css"))).headers["Content-Type"].startswith("text/css")


async def test_a_file_that_another_version_names_is_ours_for_now(client: httpx.AsyncClient) -> None:
    answer = await client.get("/static/0000000000000000/style.css")
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["nothing.css", "..%2Fhtml.py", "base.html"])
async def test_there_are_no_other_files(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/static/0000000000000000/{name}")).status_code == 404


async def test_behind_a_path_of_a_proxy_all_paths_begin_with_it(shown: None) -> None:
    app = Starlette(routes=[Mount("/link", routes=[Route("/a", _shown)])])
    transport = httpx.ASGITransport(app=app, root_path="/idm")
    async with httpx.AsyncClient(transport=transport, base_url="https://x.example.com") as client:
        assert f'href="/idm{asset_path("style.css")}"' in (await client.get("/idm/link/a")).text


def test_pages_name_no_other_host_and_hold_nothing_inline() -> None:
    files = [*TEMPLATES.glob("*.html"), *(TEMPLATES.parent / "static").glob("*.css")]
    assert files
    for each in files:
        text = each.read_text("utf-8")
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//|url\(|@import", text), each
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:", text), each


def test_times_are_in_utc() -> None:
    assert html.time_text(1_700_000_000_000) == "2023-11-14 22:13 UTC"
    assert html.time_code(1_700_000_000_999) == "2023-11-14T22:13:20Z"


def _pairs(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", css))


def _contrast(one: str, other: str) -> float:
    """WCAG 2.1, contrast ratio."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_told_from_their_ground(scheme: str) -> None:
    light, _, rest = assets()["style.css"].content.decode().partition("@media (prefers-color-scheme: dark)")
    colours = _pairs(light) if scheme == "light" else _pairs(rest.partition("/* Ground */")[0])
    for ground in ("ground", "surface", "sunken"):
        for text in ("text", "muted", "accent", "accent-strong", "bad"):
            assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        assert _contrast(colours["edge"], colours[ground]) >= 3, ground
    for kind in ("good", "warning", "bad", "info"):
        assert _contrast(colours[kind], colours[f"{kind}-ground"]) >= 4.5, kind
        assert _contrast(colours["text"], colours[f"{kind}-ground"]) >= 4.5, kind
    assert _contrast(colours["on-accent"], colours["accent"]) >= 4.5
