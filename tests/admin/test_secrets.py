"""After a day's use no secret is anywhere but where it was shown once: database, log, processes, answers, pages."""

import base64
import json
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, quote_plus

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scim_bridge.connections import provider_by_name
from tests.admin.pages import Form
from tests.admin.test_link_way import typed
from tests.real.installed import needed
from tests.servers import free_port, running

pytestmark = pytest.mark.slow
SEEDED: Final = {
    "encryption_key": base64.b64encode(b"0123456789abcdefghijklmnopqrstuv").decode(),
    "admin": "seeded-admin-t0ken",
    "metrics": "seeded-metrics-t0ken",
    "client": "seeded-client-t0ken",
    "proxy": "seeded-proxy-t0ken",
    "wrong secret": "seeded-wr0ng-secret",
    "wrong token": "seeded-wr0ng-token",
    "pass of proxy": "seeded-pr0xy-pass",
}

READ: Final = (
    *("connections", "connections/acme", "connections/acme/tokens", "connections/acme/status", "connections/nope"),
    *("link-sessions", "providers/pingone", "audit", "audit/export?format=csv"),
)
PAGES: Final = ("", "/connections/acme", "/connections/own", "/connections/through", "/connections/nope", "/providers")


class Listening:
    """An upstream, and the access tokens that it gave."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.tokens: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def heard(message: Message) -> None:
            if message["type"] == "http.response.body":
                found = re.findall(rb'"access_token":\s*"([^"]+)"', message.get("body", b""))
                self.tokens.update(each.decode() for each in found)
            await send(message)

        await self._app(scope, receive, heard)


class Day:
    """A day's use of a bridge: what it answered, and the secrets that came up in it."""

    def __init__(self, client: httpx.Client, log: Path) -> None:
        self.client = client
        self.log = log
        self.answers: list[str] = []
        self.secrets: dict[str, str] = dict(SEEDED)

    def ask(self, method: str, path: str, *, shows: bool = False, **more: Any) -> httpx.Response:
        """An answer, which is kept to be looked through, but where it ``shows`` what is shown once."""
        answer = self.client.request(method, path, **more)
        if not shows:
            self.answers.append(f"{dict(answer.headers)}\n{answer.text}")
        return answer

    def shown(self, name: str, secret: str) -> str:
        """Take note of a secret that was shown once."""
        assert len(secret) > 20
        self.secrets[name] = secret
        return secret


@contextmanager
def bridge(folder: Path, url: str, settings: dict[str, Any]) -> Iterator[Day]:
    """The program itself, with its secrets in files and in the environment; its log is in a file."""
    (folder / "key").write_text(SEEDED["encryption_key"])
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in settings.items() if isinstance(value, str))
    (folder / "bridge.toml").write_text(
        f"""
[server]
database = "{url}"
encryption_key = "file:{folder}/key"
admin_tokens = ["env:ADMIN"]
metrics_token = "env:METRICS"
allow_private_upstreams = true
[connections.own]
provider = "pingone"
token = "env:CLIENT"
proxy_tokens = ["env:PROXY"]
[connections.own.settings]
{lines}
"""
    )
    port = free_port()
    environment = {name.upper(): SEEDED[name] for name in ("admin", "metrics", "client", "proxy")}
    command = [sys.executable, "-m", "scim_bridge", "serve", "--config", str(folder / "bridge.toml")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--log-level", "debug"],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[2],
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                _wait(client, process, folder / "log")
                yield Day(client, folder / "log")
                told = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode()
                (folder / "processes").write_text(told)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait(client: httpx.Client, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def used(day: Day, settings: dict[str, Any]) -> None:
    """All that people and clients do in a day, right and wrong."""
    admin = {"Authorization": f"Bearer {SEEDED['admin']}"}
    wrong = {**settings, "client_secret": SEEDED["wrong secret"]}
    document = {"name": "acme", "provider": "pingone", "settings": settings}
    assert day.ask("POST", "/api/v1/connections", json=document, headers=admin).status_code == 201
    assert day.ask("POST", "/api/v1/connections", json=document, headers=admin).status_code == 409
    bad = {"name": "bad", "provider": "pingone", "settings": wrong}
    assert day.ask("POST", "/api/v1/connections?test=true", json=bad, headers=admin).status_code == 422
    assert day.ask("POST", "/api/v1/connections/check", json=_unnamed(bad), headers=admin).status_code == 200
    odd = {**document, "name": "odd", "settings": {**settings, "client_secret": [SEEDED["wrong secret"]]}}
    assert day.ask("POST", "/api/v1/connections", json=odd, headers=admin).status_code == 400
    broken = f'{{"name": "x", "settings": {{"client_secret": "{SEEDED["wrong secret"]}"'
    headers = {**admin, "Content-Type": "application/json"}
    assert day.ask("POST", "/api/v1/connections", content=broken, headers=headers).status_code == 400
    proxied = {"settings": {"base_url": "http://127.0.0.1:9/v2", "token": SEEDED["wrong token"]}}
    proxied["settings"]["proxy"] = f"http://user:{SEEDED['pass of proxy']}@127.0.0.1:9"
    through = {"name": "through", "provider": "scim", **proxied}
    assert day.ask("POST", "/api/v1/connections", json=through, headers=admin).status_code == 201
    made = day.ask("POST", "/api/v1/connections/acme/tokens", json={"scopes": ["write"]}, headers=admin, shows=True)
    token = day.shown("stored token", made.json()["token"])
    for name, bearer in (("acme", token), ("own", SEEDED["client"]), ("acme", SEEDED["wrong token"])):
        for path in ("Users?count=2", "Groups", "Users/nobody", "ServiceProviderConfig", "openapi.json"):
            day.ask("GET", f"/scim/{name}/v2/{path}", headers={"Authorization": f"Bearer {bearer}"})
    day.ask("POST", "/scim/acme/v2/Users", json={"userName": "x"}, headers={"Authorization": f"Bearer {token}"})
    basic = base64.b64encode(f"acme:{token}".encode()).decode()
    assert day.ask("GET", "/scim/acme/v2/Users?count=1", headers={"Authorization": f"Basic {basic}"}).status_code == 200
    as_proxy = {"Authorization": f"Bearer {SEEDED['proxy']}"}
    assert day.ask("GET", f"/proxy/own/environments/{settings['environment_id']}", headers=as_proxy).status_code < 500
    day.ask("GET", "/proxy/own/../x", headers={"Authorization": f"Bearer {SEEDED['wrong token']}"})
    changed = {"settings": {"client_secret": SEEDED["wrong secret"]}}
    merge = {**admin, "Content-Type": "application/merge-patch+json"}
    assert day.ask("PATCH", "/api/v1/connections/acme", content=json.dumps(changed), headers=merge).status_code == 200
    assert day.ask("GET", "/scim/acme/v2/Users", headers={"Authorization": f"Bearer {token}"}).status_code == 502
    linked(day, settings, admin)
    console(day)
    for path in READ:
        day.ask("GET", f"/api/v1/{path}", headers=admin)
        day.ask("GET", f"/api/v1/{path}", headers={"Authorization": f"Bearer {SEEDED['wrong token']}"})
    day.ask("GET", "/metrics", headers={"Authorization": f"Bearer {SEEDED['metrics']}"})
    day.ask("GET", "/metrics", headers={"Authorization": f"Bearer {SEEDED['wrong token']}"})
    day.ask("GET", "/openapi.json")


def _unnamed(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "name"}


def linked(day: Day, settings: dict[str, Any], admin: dict[str, str]) -> None:
    wanted = {"provider": "pingone", "label": "Linked"}
    made = day.ask("POST", "/api/v1/link-sessions", json=wanted, headers=admin, shows=True).json()
    path = httpx.URL(made["url"]).path
    day.shown("link", path.rpartition("/")[2])
    form = Form(day.ask("GET", path, shows=True).text)
    entries = typed("pingone", settings)
    refused = day.ask(
        "POST", path, data=form.filled({**entries, "settings.client_secret": SEEDED["wrong secret"]}), shows=True
    )
    assert SEEDED["wrong secret"] not in refused.text
    done = day.ask("POST", path, data=Form(refused.text).filled(entries), shows=True)
    day.shown("linked token", Form(done.text).value("token"))
    assert settings["client_secret"] not in done.text
    day.ask("GET", path, shows=True)


def console(day: Day) -> None:
    for token in (SEEDED["wrong token"], SEEDED["admin"]):
        day.client.cookies.clear()
        first = Form(day.client.get("/console/sign-in").text)
        signed = day.ask("POST", "/console/sign-in", data={**first.fields, "token": token}, shows=True)
        assert token not in signed.text
    for name, value in day.client.cookies.items():
        day.shown(f"cookie {name}", value)
    for path in (
        "",
        "/connections/acme",
        "/connections/own",
        "/connections/through",
        "/connections/nope",
        "/providers",
    ):
        page = day.ask("GET", f"/console{path}")
        assert page.status_code in (200, 404), path


def test_no_secret_is_found_where_it_was_not_shown(tmp_path: Path, url: str) -> None:
    simulation = provider_by_name("pingone").simulation
    assert simulation is not None
    simulated = simulation(5)
    upstream = Listening(simulated.app)
    with ExitStack() as stack:
        settings = dict(simulated.settings(stack.enter_context(running(upstream))))
        day = stack.enter_context(bridge(tmp_path, url, settings))
        used(day, settings)
    secrets = {**day.secrets, "client_secret": settings["client_secret"]}
    assert upstream.tokens
    secrets |= {f"access token {number}": each for number, each in enumerate(upstream.tokens)}
    places = {
        "log": (tmp_path / "log").read_text(),
        "processes": (tmp_path / "processes").read_text(),
        "answers": "\n".join(day.answers),
        **{each.name: each.read_bytes().decode("latin-1") for each in tmp_path.glob("bridge.db*")},
        "dump": dumped(url, tmp_path),
    }
    assert all(len(each) > 30 for each in places.values())
    assert "acme" in places["log"]
    assert all(
        settings["client_id"] in places[each] for each in ("dump", "answers")
    )  # which is no secret, and is found
    found = [
        (place, name)
        for place, text in places.items()
        for name, secret in secrets.items()
        if any(form in text for form in forms(secret))
    ]
    assert found == []


def dumped(url: str, folder: Path) -> str:
    """All that a database holds, as its own program writes it down."""
    if url.startswith("sqlite"):
        return "\n".join(sqlite3.connect(folder / "bridge.db").iterdump())
    command = [needed("pg_dump", "postgresql-client"), "--inserts", url]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def forms(secret: str) -> set[str]:
    """A secret as it stands and as it may be encoded."""
    plain = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], plain, secret.encode().hex()}
