"""Signing in to the console with an admin token, and out."""

import re
import secrets
from collections.abc import Mapping
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from scim_bridge.admin.console.frame import COOKIE, HOME, Console, Visit, own_path
from scim_bridge.admin.html import redirect
from scim_bridge.admin.requests import FORM_TOKEN, form_token, posted_form
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.admin.service.sessions import HOURS

BEFORE: Final = "scim_bridge_sign_in"
"""The cookie that says that the form for signing in was made for this browser."""
_BEFORE: Final = re.compile(r"[A-Za-z0-9_-]{22}")


class Signing:
    """The pages to sign in and out."""

    def __init__(self, console: Console) -> None:
        self.routes: list[Route] = [
            console.open_route("/console/sign-in", self._form),
            console.open_route("/console/sign-in", self._sign_in, "POST"),
            console.route("/console/sign-out", self._sign_out, "POST"),
        ]

    async def _form(self, visit: Visit) -> Response:
        target = own_path(visit.asked("next"), visit.root)
        if visit.cookie and await visit.administration.sessions.session(visit.cookie, visit.address):
            return redirect(target)
        return self._shown(visit, target)

    def _shown(
        self, visit: Visit, target: str, problem: str = "", status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        before = _before(visit) or secrets.token_urlsafe(16)
        token = (FORM_TOKEN, form_token(before))
        shown = visit.page(
            "sign_in.html", status=status, headers=headers, form_token=token, target=target, problem=problem
        )
        _set(shown, visit, BEFORE, before, None)
        return shown

    async def _sign_in(self, visit: Visit) -> Response:
        visit.fields = await posted_form(
            visit.request, _before(visit) or secrets.token_hex(16), visit.console.public_url
        )
        target = own_path(visit.typed("next"), visit.root)
        try:
            cookie = await visit.administration.sessions.sign_in(visit.typed("token"), visit.address)
        except AdminError as refusal:
            if refusal.wait_seconds:
                told = f"Too many tries. Wait {refusal.wait_seconds} seconds, then try again."
                return self._shown(visit, target, told, refusal.status, {"Retry-After": str(refusal.wait_seconds)})
            if refusal.status != 401:
                raise
            return self._shown(visit, target, "This is not an admin token of this bridge.", 401)
        answer = redirect(target)
        _set(answer, visit, COOKIE, cookie.reveal(), HOURS * 3600)
        _end(answer, visit, BEFORE)
        return answer

    async def _sign_out(self, visit: Visit) -> Response:
        await visit.administration.sessions.sign_out(visit.cookie)
        answer = redirect(f"{visit.root}/console/sign-in")
        _end(answer, visit, COOKIE)
        return answer


def _before(visit: Visit) -> str | None:
    found = visit.request.cookies.get(BEFORE, "")
    return found if _BEFORE.fullmatch(found) else None


def _set(answer: Response, visit: Visit, name: str, value: str, seconds: int | None) -> None:
    path = f"{visit.root}{HOME}"
    secure = visit.origin.startswith("https:") or visit.request.url.scheme == "https"
    answer.set_cookie(name, value, max_age=seconds, path=path, secure=secure, httponly=True, samesite="strict")


def _end(answer: Response, visit: Visit, name: str) -> None:
    answer.delete_cookie(name, path=f"{visit.root}{HOME}", httponly=True, samesite="strict")
