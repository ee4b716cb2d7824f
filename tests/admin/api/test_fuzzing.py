"""schemathesis over the description of the administration API: a bridge with a sandbox, and requests made up."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from scim_bridge.admin.service import sessions
from scim_bridge.app import open_bridge
from scim_bridge.config import from_document
from scim_bridge.connections import provider_by_name
from tests.admin.world import ADMIN, KEY
from tests.servers import running

pytestmark = pytest.mark.slow
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
    "use_after_free",
    "ensure_resource_availability",
)
EXAMPLES = 15
"""Made-up requests an operation and phase."""


@contextmanager
def bridge(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """A bridge on a port, with one connection of its file; its origin, and settings that work."""
    simulation = provider_by_name("pingone").simulation
    assert simulation is not None
    simulated = simulation(5)
    with ExitStack() as stack:
        settings = dict(simulated.settings(stack.enter_context(running(simulated.app))))
        document = {
            "server": {
                "database": f"sqlite:///{folder}/bridge.db",
                "encryption_key": KEY,
                "admin_tokens": [ADMIN],
                "allow_private_upstreams": True,
            },
            "connections": {"own": {"provider": "pingone", "token": "t", "mode": "mirror", "settings": settings}},
        }
        app = open_bridge(from_document(document, "test", provider_by_name))
        yield stack.enter_context(running(app)), settings


def failures(origin: str, settings: dict[str, Any]) -> Iterator[str]:
    """What schemathesis finds wrong, a line each; every other body that could be one is made to work."""
    import schemathesis
    from schemathesis import hooks
    from schemathesis.engine import from_schema
    from schemathesis.engine.events import NonFatalError, ScenarioFinished

    turns = iter(range(10**9))

    def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
        parameters = case.path_parameters or {}
        if parameters.get("name") and next(turns) % 2:
            provider = case.operation.path.startswith("/providers")
            case.path_parameters = {**parameters, "name": "pingone" if provider else "own"}
        made = isinstance(case.body, dict) and case.operation.path.startswith("/connections")
        if made and "provider" in case.body and next(turns) % 2:
            case.body = {**case.body, "provider": "pingone", "settings": settings}

    config = schemathesis.Config.from_dict(
        {
            "base-url": f"{origin}/api/v1",
            "seed": 1,
            "headers": {"Authorization": f"Bearer {ADMIN}"},
            "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
            "generation": {"max-examples": EXAMPLES, "database": "none", "deterministic": True},
        }
    )
    schema = schemathesis.openapi.from_url(f"{origin}/openapi.json", config=config)
    hooks.hook(before_call)
    try:
        for event in from_schema(schema).execute():
            if isinstance(event, NonFatalError):
                yield f"{event.label}: {event.value}"
            elif isinstance(event, ScenarioFinished):
                yield from _told(event)
    finally:
        hooks.unregister(before_call)


def _told(event: Any) -> Iterator[str]:
    recorder = event.recorder
    for case_id, checks in recorder.checks.items():
        for check in checks:
            found = recorder.interactions[case_id]
            ended = check.name == "use_after_free" and "/link-sessions/" in found.request.uri  # which can still be seen
            if check.failure_info is not None and not ended:
                failure = check.failure_info.failure
                yield (
                    f"{recorder.label} ({event.phase.value}) {check.name}: {failure.title}: {failure.message}\n"
                    f"  {found.request.method} {found.request.uri} {found.request.body!r}\n"
                    f"  {found.response and (found.response.status_code, found.response.content[:300])}"
                )


def test_the_api_is_as_it_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "FAILURES_A_MINUTE", 10**6)
    monkeypatch.setattr("scim_bridge.admin.service.FAILURES_A_MINUTE", 10**6)
    with bridge(tmp_path) as (origin, settings):
        found = list(failures(origin, settings))
        print("\n".join(found))
        assert not found
