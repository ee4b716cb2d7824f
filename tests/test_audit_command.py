"""`scim-bridge audit`, and the audit log of a whole bridge: nothing is missing from it, and no secret is in it."""

import asyncio
import base64
import csv
import io
import logging
import sqlite3
import stat
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from click.testing import Result

from scim_bridge.app import open_bridge
from scim_bridge.audit_export import COLUMNS
from scim_bridge.auditing import Auditor
from scim_bridge.config import load
from scim_bridge.connections import provider_by_name
from scim_bridge.protocol.audit import Event
from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.store.chain import Keys
from scim_bridge.store.opening import open_database
from tests.servers import running
from tests.test_cli import config, run

KEY = base64.b64encode(b"k" * 32).decode()
EVENT = Event("scim.patch", "acme", "0", "User", "u1", "done", 200, "r1", {"changes": {"title": {"after": "é"}}})


def file(folder: Path, **server: str) -> Path:
    """A configuration whose database is in the folder."""
    path = config(folder)
    server = {"database": f"sqlite:///{folder}/bridge.db", "encryption_key": KEY, **server}
    lines = "".join(f'{name} = "{value}"\n' for name, value in server.items())
    path.write_text(f"[server]\n{lines}{path.read_text('utf-8')}", "utf-8")
    return path


def stored(folder: Path, *events: Event, key: bytes | None = b"k" * 32, at: int = 0) -> None:
    """Entries in the database of the folder, a second apart."""

    async def store() -> None:
        database = open_database(f"sqlite:///{folder}/bridge.db")
        times = iter(range(at, at + 10**9, 1000))
        auditor = Auditor(database, Keys(key), wall=lambda: next(times), node="n")
        for each in events:
            auditor.append(each)
        await auditor.aclose()
        await database.aclose()

    asyncio.run(store())


def changed(folder: Path, text: str) -> None:
    connection = sqlite3.connect(folder / "bridge.db")
    connection.execute(text)
    connection.commit()
    connection.close()


def verified(path: Path, *options: str) -> Result:
    return run("audit", "verify", "--config", str(path), *options)


# -- verify -----------------------------------------------------------------------------------------------------------


def test_a_log_that_is_whole_names_its_head(tmp_path: Path) -> None:
    stored(tmp_path, EVENT, EVENT)
    result = verified(file(tmp_path))
    assert result.exit_code == 0
    whole, head = result.output.splitlines()
    assert whole == "3 entries, whole"
    assert head.startswith("the last one is 3, --head ")
    again = verified(file(tmp_path), *head.rpartition(", ")[2].split())
    assert again.exit_code == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("UPDATE audit_entries SET actor = 'x' WHERE number = 2", "NOT WHOLE: entry 2 is not as it was written"),
        ("DELETE FROM audit_entries WHERE number = 2", "NOT WHOLE: entry 2 is missing"),
        ("DELETE FROM audit_entries WHERE number = 3", "NOT WHOLE: entry 3 is missing at the end"),
    ],
)
def test_what_was_done_to_a_log_is_named_with_exit_code_1(tmp_path: Path, text: str, told: str) -> None:
    stored(tmp_path, EVENT, EVENT)
    changed(tmp_path, text)
    result = verified(file(tmp_path))
    assert result.exit_code == 1
    assert result.output.splitlines()[0] == told
    assert "not whole" in result.output


def test_a_head_that_is_no_longer_there_is_named(tmp_path: Path) -> None:
    stored(tmp_path, EVENT)
    result = verified(file(tmp_path), "--head", "abc")
    assert (result.exit_code, result.output.splitlines()[0]) == (1, "NOT WHOLE: no entry has the noted hash abc")


def test_many_problems_are_counted(tmp_path: Path) -> None:
    stored(tmp_path, *[EVENT] * 120)
    changed(tmp_path, "UPDATE audit_entries SET actor = 'x'")
    assert "NOT WHOLE: and 21 more" in verified(file(tmp_path)).output


def test_entries_without_a_key_are_counted_and_former_keys_are_given_by_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(tmp_path, EVENT, key=None)
    stored(tmp_path, EVENT, key=b"f" * 32)
    stored(tmp_path, EVENT)
    path = file(tmp_path)
    assert "which is not at hand" in verified(path).output
    monkeypatch.setenv("FORMER", base64.b64encode(b"f" * 32).decode())
    result = verified(path, "--former-key", "FORMER")
    assert result.exit_code == 0
    assert result.output.startswith("2 of the entries are chained without a key")


@pytest.mark.parametrize("value", ["", "no base64!", "c2hvcnQ="])
def test_a_former_key_that_is_none_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    stored(tmp_path, EVENT)
    monkeypatch.setenv("FORMER", value)
    result = verified(file(tmp_path), "--former-key", "FORMER")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert value == "" or value not in result.output


@pytest.mark.parametrize("command", ["verify", "export"])
def test_without_a_database_nothing_is_made_and_it_is_exit_code_2(tmp_path: Path, command: str) -> None:
    result = run("audit", command, "--config", str(file(tmp_path)))
    assert result.exit_code == 2
    assert "there is no file" in result.output
    assert not (tmp_path / "bridge.db").exists()
    (tmp_path / "bridge.db").touch()
    result = run("audit", command, "--config", str(file(tmp_path)))
    assert (result.exit_code, result.output.count("\n")) == (2, 1)


def test_a_wrong_configuration_is_one_line(tmp_path: Path) -> None:
    path = file(tmp_path, odd="1")
    assert verified(path).output.startswith(f"scim-bridge: {path}: [server] odd: there is no such key")


# -- export -----------------------------------------------------------------------------------------------------------


def exported(path: Path, *options: str) -> str:
    result = run("audit", "export", "--config", str(path), *options)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_an_export_as_json_lines_has_everything(tmp_path: Path) -> None:
    stored(tmp_path, EVENT)
    started, entry = [orjson.loads(each) for each in exported(file(tmp_path)).splitlines()]
    assert tuple(entry) == COLUMNS
    assert (entry["number"], entry["time"], entry["action"]) == (2, "1970-01-01T00:00:00.000Z", "scim.patch")
    assert entry["details"] == EVENT.details
    assert entry["previous"] == started["hash"]


def test_an_export_as_csv_is_no_formula_anywhere(tmp_path: Path) -> None:
    odd = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx"]
    stored(tmp_path, *(Event("scim.patch", "acme", actor, "User", 'a"b,c\nd') for actor in odd))
    head, _, *rows = csv.reader(io.StringIO(exported(file(tmp_path), "--format", "csv"), newline=""))
    assert tuple(head) == COLUMNS
    assert [row[COLUMNS.index("actor")] for row in rows] == [f"'{each}" for each in odd]
    assert {row[COLUMNS.index("resource_id")] for row in rows} == {'a"b,c\nd'}


def test_an_export_takes_a_part_of_the_time_and_one_connection(tmp_path: Path) -> None:
    hour = 3600 * 1000
    stored(tmp_path, EVENT, at=12 * hour)
    stored(tmp_path, Event("scim.patch", "other"), EVENT, at=13 * hour)
    path = file(tmp_path)

    def numbers(*options: str) -> list[int]:
        return [orjson.loads(each)["number"] for each in exported(path, *options).splitlines()]

    assert numbers("--since", "1970-01-01T13:00:00") == [3, 4]
    assert numbers("--until", "1970-01-01T14:00:00+01:00") == [1, 2]
    assert numbers("--since", "1970-01-02") == []
    assert numbers("--connection", "acme") == [2, 4]
    result = run("audit", "export", "--config", str(path), "--since", "yesterday")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)


def test_an_export_into_a_file_is_whole_and_its_owners_only(tmp_path: Path) -> None:
    stored(tmp_path, EVENT)
    path, output = file(tmp_path), tmp_path / "audit.jsonl"
    result = run("audit", "export", "--config", str(path), "--output", str(output))
    assert (result.exit_code, result.stderr) == (0, "2 entries\n")
    assert output.read_text("utf-8") == exported(path)
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    result = run("audit", "export", "--config", str(path), "--output", str(tmp_path / "no" / "where"))
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert sorted(each.name for each in tmp_path.glob("audit*")) == ["audit.jsonl"]


def test_what_somebody_made_of_an_entry_can_be_exported(tmp_path: Path) -> None:
    stored(tmp_path, EVENT)
    changed(tmp_path, "UPDATE audit_entries SET details = '{', at = 9000000000000000000")
    lines = [orjson.loads(each) for each in exported(file(tmp_path)).splitlines()]
    assert [(each["details"], each["time"]) for each in lines] == [("{", "9000000000000000000")] * 2


# -- a whole bridge ---------------------------------------------------------------------------------------------------


def test_a_bridge_keeps_what_happened_and_no_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    password, token = "s33ded-Passw0rd", "s33ded-cl1ent-t0ken"
    sandbox = Sandbox(users=3)
    with running(sandbox.app) as origin:
        text = config(tmp_path, origin).read_text("utf-8").replace('token = "t"', f'token = "{token}"', 1)
        path = tmp_path / "bridge.toml"
        path.write_text(
            f'[server]\ndatabase = "sqlite:///{tmp_path}/bridge.db"\nencryption_key = "{KEY}"\n'
            f'audit_redact = ["name.familyName"]\naudit_days = 30\n{text}',
            "utf-8",
        )
        with running(open_bridge(load(path, provider_by_name))) as bridge:
            made = _used(f"{bridge}/scim/acme/v2", token, password)
    secrets = [password, token, "wr0ng-t0ken", sandbox.settings["client_secret"], KEY, "J3nsen"]
    entries = [orjson.loads(each) for each in exported(path).splitlines()]
    told = {(each["action"], each["outcome"], each["resource_id"], each["connection"]) for each in entries}
    assert {
        ("upstream.sign-in", "done", "", "acme"),
        ("scim.create", "done", made, "acme"),
        ("scim.patch", "done", made, "acme"),
        ("scim.delete", "done", made, "acme"),
        ("client.refused", "refused", "", "acme"),
    } <= told
    assert verified(path).exit_code == 0
    kept = b"".join(each.read_bytes() for each in tmp_path.glob("bridge.db*"))
    everything = [kept.decode("latin-1"), exported(path), exported(path, "--format", "csv"), verified(path).output]
    everything += [each.getMessage() + repr(vars(each)) for each in caplog.records]
    assert [each for each in secrets for text in everything if each in text] == []
    assert made in everything[0]


def _used(base: str, token: str, password: str) -> str:
    """Create, change and delete a person; the id."""
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}) as client:
        name = {"givenName": "B", "familyName": "J3nsen"}
        email = {"value": "b@c.example", "primary": True}
        body: dict[str, Any] = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "bjensen"}
        answer = client.post(f"{base}/Users", json={**body, "name": name, "emails": [email], "password": password})
        assert answer.status_code == 201, answer.text
        made: str = answer.json()["id"]
        patch = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "title", "value": "Engineer"}],
        }
        assert client.patch(f"{base}/Users/{made}", json=patch).status_code == 200
        assert client.delete(f"{base}/Users/{made}").status_code == 204
        for _ in range(3):
            assert client.get(f"{base}/Users", headers={"Authorization": "Bearer wr0ng-t0ken"}).status_code == 401
    return made
