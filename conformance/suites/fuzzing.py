"""schemathesis over the OpenAPI description that `openapi` derives from the server's own discovery.

It looks for server errors, for answers that do not fit the server's own schemas, and for what no SCIM answer may be.
Requests are made up; that they reach nothing but what the run itself made is seen to here, not left to chance.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from scim_bridge.conformance.openapi import derived
from scim_bridge.conformance.results import Exchange, Result, Status
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.suites.available import needed
from scim_bridge.conformance.target import Target

NAME: Final = "schemathesis"
CHECKS: Final = (
    "not_a_server_error",
    "response_schema_conformance",
    "status_code_conformance",
    "content_type_conformance",
)
EXAMPLES: Final = 25
"""Made-up requests an operation and phase."""
NOBODY: Final = "conformance-nobody"
_SHOWN: Final = 2000


def run(target: Target) -> Iterator[Result]:
    """One result an operation and phase of testing, then one on the cleaning up. Raises Unavailable."""
    with needed(NAME):
        import schemathesis
        from schemathesis.engine import from_schema
        from schemathesis.engine.events import NonFatalError, ScenarioFinished
    with target.client() as client:
        session = Session(client, write=target.write)
        session.open()
        config = schemathesis.Config.from_dict(_config(target, dict(client.headers)))
        schema = schemathesis.openapi.from_dict(_described(session, target), config=config)
        found: dict[Result, None] = {}  # sequences of requests come in many scenarios of one name
        try:
            with _Fence(session).closed():
                for event in from_schema(schema).execute():
                    if isinstance(event, ScenarioFinished):
                        new = [each for each in _results(event) if each not in found]
                    elif isinstance(event, NonFatalError):
                        new = [Result(NAME, f"{event.label}: the test runs", "failed", str(event.value))]
                    else:
                        continue
                    found |= dict.fromkeys(new)
                    yield from new
        finally:
            left = session.cleanup()
        if target.write:
            reason = f"could not be deleted: {', '.join(left)}" if left else ""
            yield Result(NAME, "Everything the requests made is deleted", "failed" if left else "passed", reason)


def _config(target: Target, headers: Mapping[str, str]) -> dict[str, Any]:
    checks = {"enabled": False, **{name: {"enabled": True} for name in CHECKS}}
    return {
        "base-url": target.url,
        "seed": target.seed,
        "headers": {name: headers[name] for name in ("authorization",) if name in headers},
        "checks": checks,
        # Which operations a server lacks, and what it says of unknown methods, is for the own suite.
        "phases": {"coverage": {"unexpected-methods": []}},
        "generation": {"max-examples": EXAMPLES, "database": "none", "deterministic": True},
    }


def _described(session: Session, target: Target) -> dict[str, Any]:
    """The description; without writing, of what only reads."""
    documents = {path: session.get(path) for path in ("/ServiceProviderConfig", "/ResourceTypes", "/Schemas")}
    config = documents["/ServiceProviderConfig"]
    described = derived(
        target.url,
        config.object if config.status == 200 else {},
        documents["/ResourceTypes"].resources(),
        documents["/Schemas"].resources(),
    )
    if not target.write:
        for path, item in described["paths"].items():
            for method in ("post", "put", "patch", "delete"):
                if method in item and not path.endswith("/.search"):
                    del item[method]
        for item in described["paths"].values():
            for operation in item.values():
                if isinstance(operation, dict):
                    _without_links(operation)
    return described


def _without_links(operation: dict[str, Any]) -> None:
    for answer in operation.get("responses", {}).values():
        answer.pop("links", None)


class _Fence:
    """Keeps made-up requests to what the run made: a DELETE must never meet a resource that was there before."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._number = 0

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Hold of all requests that schemathesis sends meanwhile: its hooks for that are those of the process."""
        from schemathesis import hooks

        def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
            self._aim(case)

        def after_call(context: Any, case: Any, response: Any) -> None:
            self._session.ledger.note(case.method, case.operation.path, response.status_code, response.content)

        hooks.hook(before_call)
        hooks.hook(after_call)
        try:
            yield
        finally:
            hooks.unregister(before_call)
            hooks.unregister(after_call)

    def _aim(self, case: Any) -> None:
        path, body = case.operation.path, case.body
        parameters = case.path_parameters or {}
        if "id" in parameters and path.replace("{id}", str(parameters["id"])) not in self._session.ledger:
            case.path_parameters = {**parameters, "id": self._own(path, case.method) or NOBODY}
        if case.method == "POST" and isinstance(body, dict):
            case.body = self._fenced(body) if path == "/Bulk" else self._named(body)

    def _own(self, path: str, method: str) -> str | None:
        """Every other time a resource that the run made, so that more than refusals is seen; never to delete it."""
        self._number += 1
        if method == "DELETE" or self._number % 2:
            return None
        return self._session.ledger.latest(path.removesuffix("/{id}"))

    def _named(self, body: dict[str, Any]) -> dict[str, Any]:
        """What is made is named after the run."""
        names = {
            key: f"{self._session.name()} {value}"[:100].strip()
            for key, value in body.items()
            if key in ("userName", "displayName") and isinstance(value, str) and value.strip()
        }
        return {**body, **names}

    def _fenced(self, body: dict[str, Any]) -> dict[str, Any]:
        operations = body.get("Operations")
        if not isinstance(operations, list):
            return body
        return {**body, "Operations": [self._fenced_operation(each) for each in operations]}

    def _fenced_operation(self, operation: Any) -> Any:
        path = operation.get("path") if isinstance(operation, dict) else None
        found = re.fullmatch(r"/?([^/]+)/([^/]+)/?", path) if isinstance(path, str) else None
        if found is None or f"/{found[1]}/{found[2]}" in self._session.ledger:
            return operation
        return {**operation, "path": f"/{found[1]}/{NOBODY}"}


def _results(event: Any) -> Iterator[Result]:
    """What one operation showed in one phase: a failure for each way that it fails."""
    recorder, title = event.recorder, f"{event.recorder.label} ({event.phase.value})"
    failures: dict[str, Result] = {}
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                reason = _told(check.failure_info.failure)
                result = Result(NAME, title, "failed", reason, exchanges=_exchanges(recorder, case_id))
                failures.setdefault(f"{check.name} {reason}", result)
    if failures:
        yield from failures.values()
        return
    statuses: dict[str, Status] = {"success": "passed", "skip": "skipped"}
    if recorder.cases or str(event.status) not in statuses:
        yield Result(NAME, title, statuses.get(str(event.status), "failed"), event.skip_reason or "")


def _told(failure: Any) -> str:
    return " ".join(f"{failure.title}: {failure.message}".split())[:_SHOWN]


def _exchanges(recorder: Any, case_id: str) -> tuple[Exchange, ...]:
    """The request and answer of a case; of headers, none, as credentials are among them."""
    found = recorder.interactions.get(case_id)
    if found is None:
        return ()
    request = f"{found.request.method} {found.request.uri}{_body(found.request.body)}"
    response = found.response
    return (Exchange(request, "" if response is None else f"{response.status_code}{_body(response.content)}"),)


def _body(content: bytes | None) -> str:
    return "" if not content else "\n\n" + content.decode("utf-8", "replace")[:_SHOWN]
