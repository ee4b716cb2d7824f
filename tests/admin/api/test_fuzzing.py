"""schemathesis over the description of the administration API: requests made up, sent to a bridge with a sandbox."""

import copy
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from scim_bridge.admin.api import OPERATIONS
from scim_bridge.app import open_bridge
from scim_bridge.config import from_document
from scim_bridge.connections import provider_by_name
from tests.admin.api.calls import DESCRIPTION
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


@dataclass
class Found:
    """What came of a run: what is wrong, and the statuses of each operation's answers."""

    failures: list[str] = field(default_factory=list)
    statuses: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))


@contextmanager
def bridge(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A bridge on a port, with one connection of its file; its origin, and settings that work."""
    simulation = provider_by_name("pingone").simulation
    assert simulation is not None
    simulated = simulation(5)
    with ExitStack() as stack:
        settings = dict(simulated.settings(stack.enter_context(running(simulated.app))))
        server = {"database": f"sqlite:///{folder}/bridge.db", "encryption_key": KEY, "admin_tokens": [ADMIN]}
        own = {"provider": "pingone", "token": "t", "mode": "mirror", "settings": settings}
        document = {"server": {**server, "allow_private_upstreams": True}, "connections": {"own": own}}
        yield stack.enter_context(running(open_bridge(from_document(document, "test", provider_by_name)))), settings


def fuzzed(folder: Path, description: Mapping[str, Any] = DESCRIPTION, only: str | None = None) -> Found:
    """What schemathesis finds; ``only``: at the operation of this name."""
    import schemathesis
    from schemathesis.engine import from_schema
    from schemathesis.engine.events import NonFatalError, ScenarioFinished

    found = Found()
    with bridge(folder) as (origin, settings), _aimed(settings, found):
        config = schemathesis.Config.from_dict(_config(origin))
        schema = schemathesis.openapi.from_dict(dict(description), config=config)
        for event in from_schema(schema.include(operation_id=only) if only else schema).execute():
            if isinstance(event, NonFatalError):
                found.failures.append(f"{event.label}: {event.value}")
            elif isinstance(event, ScenarioFinished):
                found.failures += _told(event)
    return found


def _config(origin: str) -> dict[str, Any]:
    return {
        "base-url": f"{origin}/api/v1",
        "seed": 1,
        "headers": {"Authorization": f"Bearer {ADMIN}"},
        "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
        "generation": {"max-examples": EXAMPLES, "database": "none", "deterministic": True},
    }


@contextmanager
def _aimed(settings: Mapping[str, Any], found: Found) -> Iterator[None]:
    """Have every other request be about something that is there: nobody guesses names and credentials."""
    from schemathesis import hooks

    turns = count()

    def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
        parameters, path = case.path_parameters or {}, case.operation.path
        if parameters.get("name") and next(turns) % 2:
            case.path_parameters = {**parameters, "name": "pingone" if path.startswith("/providers") else "own"}
        made = isinstance(case.body, dict) and "provider" in case.body and path.startswith("/connections")
        if made and next(turns) % 2:
            case.body = {**case.body, "provider": "pingone", "settings": dict(settings)}

    def after_call(context: Any, case: Any, response: Any) -> None:
        found.statuses[case.operation.label].add(response.status_code)

    hooks.hook(before_call)
    hooks.hook(after_call)
    try:
        yield
    finally:
        hooks.unregister(before_call)
        hooks.unregister(after_call)


def _told(event: Any) -> Iterator[str]:
    recorder = event.recorder
    for case_id, checks in recorder.checks.items():
        sent = recorder.interactions[case_id]
        for check in checks:
            seen = (
                check.name == "use_after_free" and "/link-sessions/" in sent.request.uri
            )  # those that ended still are
            if check.failure_info is not None and not seen:
                failure = check.failure_info.failure
                yield (
                    f"{recorder.label} ({event.phase.value}) {check.name}: {failure.title}: {failure.message}\n"
                    f"  {sent.request.method} {sent.request.uri} {sent.request.body!r}\n"
                    f"  {sent.response and (sent.response.status_code, sent.response.content[:300])}"
                )


def test_the_api_is_as_it_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scim_bridge.admin.service.FAILURES_A_MINUTE", 10**6)  # it tries wrong tokens, too
    found = fuzzed(tmp_path)
    assert found.failures == [], "\n".join(found.failures)
    statuses = found.statuses
    assert set(statuses) == {f"{each.method} {each.path}" for each in OPERATIONS}
    # what is only made, changed or ended once is for the other tests
    reached = {name for name, seen in statuses.items() if any(200 <= each < 300 for each in seen)}
    assert reached >= {name for name in statuses if name.startswith("GET ")} | {
        "POST /connections",
        "POST /connections/check",
        "POST /connections/{name}/check",
        "POST /connections/{name}/tokens",
        "POST /link-sessions",
        "POST /connections/{name}/mirror/refresh",
    }


def test_an_answer_that_is_not_as_described_is_found(tmp_path: Path) -> None:
    changed = copy.deepcopy(DESCRIPTION)
    changed["components"]["schemas"]["ProviderNamePage"]["required"].append("total")
    found = fuzzed(tmp_path, changed, "listProviders")
    assert any("response_schema_conformance" in each for each in found.failures)
