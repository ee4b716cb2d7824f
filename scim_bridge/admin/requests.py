"""What pages take of a request: who sends it, and a form that one of our own pages sent."""

import hmac
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, Request

from scim_bridge.admin.entries import MAX_FORM_BYTES, posted
from scim_bridge.admin.html import root_path

FORM_TOKEN: Final = "form_token"
"""The field that says that a form is ours."""
_FORM: Final = "application/x-www-form-urlencoded"
_HOST: Final = re.compile(r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_LONGEST_HOST: Final = 260
_OUR_SITE: Final = (None, "same-origin", "none")


class PageRefused(Exception):
    """A request that no page answers; title and text are for people."""

    def __init__(self, status: int, title: str, text: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text
        self.headers = dict(headers or {})


def address_of(request: Request) -> str:
    """Where a request comes from; a proxy in front, where there is one."""
    return request.client.host if request.client else ""


def public_origin(request: Request, public_url: str | None) -> str:
    """Where clients find us, with what a proxy puts before our paths. Raises PageRefused for a Host header that names
    no host: what it says is shown to people, and sent to them."""
    if public_url is not None:
        return public_url.rstrip("/")
    hosts = request.headers.getlist("Host")
    if len(hosts) != 1 or len(hosts[0]) > _LONGEST_HOST or not _HOST.fullmatch(hosts[0]):
        told = "The Host header names no host, and the bridge has no [server] public_url"
        raise PageRefused(400, "This address is not ours", f"{told}.")
    return f"{request.url.scheme}://{hosts[0]}{root_path(request)}"


def form_token(secret: str) -> str:
    """What forms bring along that are made for who has a secret: a link's token, a session's cookie.

    It tells nothing of the secret, and another site knows neither.
    """
    return hmac.new(secret.encode(), b"form", sha256).hexdigest()


async def posted_form(request: Request, secret: str, public_url: str | None = None) -> dict[str, list[str]]:
    """The fields of a form that one of our pages sent, made for who has this secret. Raises PageRefused."""
    _from_here(request, public_url)
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != _FORM:
        raise PageRefused(415, "This is not a form", "The page takes what its own form sends.")
    try:
        fields = posted(await _body(request))
    except ValueError:
        raise PageRefused(400, "This form cannot be read", "Go back, and send it once more.") from None
    if not hmac.compare_digest(fields.pop(FORM_TOKEN, [""])[0].encode(), form_token(secret).encode()):
        raise PageRefused(403, "This form is not from here", "Open the page again and fill in the form there.")
    return fields


def _from_here(request: Request, public_url: str | None) -> None:
    """Refuse what a browser says another site made it send (W3C Fetch Metadata; Origin, RFC 6454).

    Without a referrer, browsers send `Origin: null` with a form: that says nothing, and the form's token decides.
    """
    headers = request.headers
    ours = {headers.get("Host", "").lower(), _host_of(public_url or "")} - {""}
    origin = headers.get("Origin", "null")
    if headers.get("Sec-Fetch-Site") not in _OUR_SITE or (origin != "null" and _host_of(origin) not in ours):
        raise PageRefused(403, "This form is not from here", "It was sent by a page of another site.")


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM_BYTES:
                raise PageRefused(413, "This form is too long", "Go back, and shorten what you entered.")
    except ClientDisconnect:
        raise PageRefused(400, "This form cannot be read", "It was not sent whole.") from None
    return bytes(body)
