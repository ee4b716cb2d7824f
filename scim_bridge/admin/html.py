"""Pages: templates that escape everything, and answers whose headers let a browser run and load our own files alone."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from scim_bridge.admin.assets import asset_path

_TEMPLATES: Final = Path(__file__).parent / "templates"
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), clipboard-write=(self), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Of every answer."""


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    frame_ancestors: Sequence[str] = (),
    form_targets: Sequence[str] = (),
    **context: Any,
) -> HTMLResponse:
    """A template of ours as an answer that is never kept by a cache, and never by a frame of another site.

    ``frame_ancestors``: origins that may embed the page. ``form_targets``: origins that a form's answer may redirect
    to, as browsers apply ``form-action`` to that, too. Templates find ``asset(name)``, the path of a static file, and
    ``root``, what the paths of our own pages begin with.
    """
    root = root_path(request)
    text = _environment().get_template(template).render(context, asset=_assets(root), root=root)
    kept_out = {} if frame_ancestors else {"X-Frame-Options": "DENY"}
    policy = {"Content-Security-Policy": content_security_policy(frame_ancestors, form_targets)}
    return HTMLResponse(text, status, {**HEADERS, **kept_out, **policy, **(headers or {})})


def redirect(url: str, headers: Mapping[str, str] | None = None) -> RedirectResponse:
    """What a form is answered with that leads to another page, to be read with GET."""
    return RedirectResponse(url, 303, {**HEADERS, **(headers or {})})


def root_path(request: Request) -> str:
    """What a proxy in front of the whole application has taken off the path, without a slash at its end."""
    scope = request.scope  # `root_path` alone has what the application's own mounts took off, too
    return str(scope.get("app_root_path", scope.get("root_path", ""))).rstrip("/")


def content_security_policy(frame_ancestors: Sequence[str] = (), form_targets: Sequence[str] = ()) -> str:
    """The policy of a page: nothing inline, nothing from another host (W3C Content Security Policy Level 3)."""
    directives = (
        "default-src 'none'",
        "base-uri 'none'",
        "connect-src 'self'",
        "img-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        " ".join(("form-action 'self'", *form_targets)),
        " ".join(("frame-ancestors", *frame_ancestors)) if frame_ancestors else "frame-ancestors 'none'",
    )
    return "; ".join(directives)


def _assets(root: str) -> Callable[[str], str]:
    return lambda name: f"{root}{asset_path(name)}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["time_text"] = time_text
    environment.filters["time_code"] = time_code
    return environment


def time_text(milliseconds: int) -> str:
    """A time for people, in UTC: `2026-03-09 17:05 UTC`."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def time_code(milliseconds: int) -> str:
    """A time for programs, as HTML's `datetime` takes it."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).isoformat().replace("+00:00", "Z")
