"""The HTTP side of the own suite: requests as a SCIM client sends them, answers with what they must look like."""

import json
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus

import httpx

from scim_bridge.conformance.ledger import Ledger
from scim_bridge.conformance.requirements import Failed, expect, skip
from scim_bridge.conformance.results import Exchange

SCIM_JSON: Final = "application/scim+json"
ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST_RESPONSE: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
SCIM_TYPES: Final = frozenset(
    "invalidFilter tooMany uniqueness mutability invalidSyntax invalidPath noTarget invalidValue invalidVers sensitive "
    "invalidCursor expiredCursor invalidCount".split()
)
_SHOWN: Final = 2000
_KEPT: Final = 12
NOT_GIVEN: Final[Any] = object()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to one request."""

    told: str  # "GET /Users?...", for messages
    status: int
    headers: httpx.Headers
    content: bytes
    seconds: float = 0.0

    @property
    def json(self) -> Any:
        """The decoded body. Raises Failed where it is not JSON."""
        try:
            return json.loads(self.content)
        except ValueError:
            raise Failed(f"{self.told} answered {self.status} with a body that is not JSON") from None

    @property
    def object(self) -> dict[str, Any]:
        """The decoded body, an object. Raises Failed."""
        body = self.json
        expect(isinstance(body, dict), f"{self.told} answered JSON that is no object")
        return dict(body)

    def ok(self, *statuses: int) -> "Answer":
        """This answer. Raises Failed unless its status is one of these."""
        if self.status not in statuses:
            wanted = " or ".join(map(str, statuses))
            raise Failed(f"{self.told} answered {self.status} instead of {wanted}{self._detail()}")
        return self

    def refused(self, *statuses: int, types: Collection[str] = ()) -> "Answer":
        """This answer. Raises Failed unless it is a SCIM error (RFC 7644 section 3.12) with one of these statuses.

        ``types``: the `scimType` must be one of these; a missing one counts as wrong unless they hold "".
        """
        self.ok(*statuses)
        body = self.object
        expect(ERROR in (body.get("schemas") or ()), f"{self.told}: the error names no {ERROR} in schemas")
        stated = body.get("status")
        expect(stated == str(self.status), f"{self.told}: the error's status is {stated!r}, not {str(self.status)!r}")
        found = body.get("scimType")
        expect(found is None or found in SCIM_TYPES, f"{self.told}: {found!r} is no scimType")
        if types:
            wanted = " or ".join(sorted(each or "none" for each in types))
            expect((found or "") in types, f"{self.told}: the scimType is {found!r}, not {wanted}")
        return self

    def resources(self) -> list[dict[str, Any]]:
        """The resources of a ListResponse (RFC 7644 section 3.4.2). Raises Failed where it is none."""
        body = self.ok(200).object
        expect(LIST_RESPONSE in (body.get("schemas") or ()), f"{self.told}: the answer is no ListResponse")
        rows = body.get("Resources", [])
        expect(isinstance(rows, list), f"{self.told}: Resources is no list")
        expect(all(isinstance(each, dict) for each in rows), f"{self.told}: Resources holds what is no object")
        return [dict(each) for each in rows]

    @property
    def total(self) -> int:
        """`totalResults`. Raises Failed where it is no whole number."""
        found = self.ok(200).object.get("totalResults")
        if not isinstance(found, int) or isinstance(found, bool):
            raise Failed(f"{self.told}: totalResults is {found!r}")
        return found

    @property
    def media_type(self) -> str:
        return str(self.headers.get("content-type", "")).partition(";")[0].strip().lower()

    def _detail(self) -> str:
        try:
            body = json.loads(self.content)
        except ValueError:
            return ""
        detail = body.get("detail") if isinstance(body, dict) else None
        return f": {detail}" if isinstance(detail, str) else ""


class Wire:
    """Requests to one SCIM base URL, the last of which are kept as evidence; what they make goes into the ledger."""

    def __init__(self, client: httpx.Client, ledger: Ledger) -> None:
        """``client`` has the base URL and signs in; a path is appended to its base URL."""
        self._client = client
        self._ledger = ledger
        self._exchanges: deque[Exchange] = deque(maxlen=_KEPT)
        self.writing = False
        self.put_off: list[Answer] = []  # 429 and 503 so far

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return str(self._client.base_url).rstrip("/")

    @property
    def authorization(self) -> str | None:
        """The Authorization header that requests bring, a secret; None where they sign in in no such way."""
        found: str | None = self._client.headers.get("Authorization")
        return found

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = NOT_GIVEN,
        content: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """Send a request. ``body`` is sent as SCIM JSON, ``content`` as it is; a header of None is left out.

        Raises Failed where no HTTP answer comes, Skipped for a request that could change a server that must not be.
        """
        if not self.writing and method not in ("GET", "HEAD", "OPTIONS") and not path.endswith(".search"):
            skip("changes the server: not asked to")
        request = self._request(method, path, params, body, content, headers or {})
        told = f"{method} {_readable(request.url)}"
        try:
            response = self._client.send(request)
        except httpx.HTTPError as error:
            self._exchanges.append(Exchange(_shown_request(request), type(error).__name__))
            raise Failed(f"{told} got no answer: {type(error).__name__}") from None
        self._exchanges.append(Exchange(_shown_request(request), _shown_answer(response)))
        self._ledger.note(method, path, response.status_code, response.content)
        answer = Answer(
            told, response.status_code, response.headers, response.content, response.elapsed.total_seconds()
        )
        if answer.status in (429, 503):
            self.put_off.append(answer)
        return answer

    def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        body: Any,
        content: bytes | None,
        headers: Mapping[str, str | None],
    ) -> httpx.Request:
        if body is not NOT_GIVEN:
            content = json.dumps(body, ensure_ascii=False).encode()
        given = {"Content-Type": SCIM_JSON} if content is not None else {}
        all_headers = {**given, **{name: value for name, value in headers.items() if value is not None}}
        request = self._client.build_request(method, path, params=params, content=content, headers=all_headers)
        for name, value in headers.items():
            if value is None:
                request.headers.pop(name, None)
        return request

    def evidence(self) -> tuple[Exchange, ...]:
        """The last exchanges since the last time, oldest first."""
        found = tuple(self._exchanges)
        self._exchanges.clear()
        return found

    def get(self, path: str, **params: Any) -> Answer:
        """GET with query parameters."""
        return self.send("GET", path, params=params or None)


def _shown_request(request: httpx.Request) -> str:
    headers = "".join(
        f"\n{name}: {request.headers[name]}"
        for name in ("accept", "content-type", "if-match", "if-none-match", "prefer")
        if name in request.headers and request.headers[name] != "*/*"
    )
    return f"{request.method} {_readable(request.url)}{headers}{_shown_body(request.content)}"


def _readable(url: httpx.URL) -> str:
    """The path and query as a person reads them."""
    return _printable(unquote_plus(url.raw_path.decode("ascii")))


def _printable(text: str) -> str:
    """Text that any report can hold; XML, for one, has no way to write NUL."""
    return "".join(each if each.isprintable() or each in "\n\t" else ascii(each)[1:-1] for each in text)


def _shown_answer(response: httpx.Response) -> str:
    headers = "".join(
        f"\n{name}: {response.headers[name]}"
        for name in ("content-type", "location", "etag", "www-authenticate", "allow", "retry-after")
        if name in response.headers
    )
    return f"{response.status_code}{headers}{_shown_body(response.content)}"


def _shown_body(content: bytes) -> str:
    if not content:
        return ""
    text = _printable(content[: _SHOWN + 1].decode("utf-8", "replace"))
    return "\n\n" + (text if len(text) <= _SHOWN else text[:_SHOWN] + " [cut]")
