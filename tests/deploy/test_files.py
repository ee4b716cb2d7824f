"""What `deploy` holds fits the program and itself; whether it is right is looked at by the tools it is for."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema_rs
import orjson
import pytest
from click.testing import CliRunner

from scim_bridge.cli import main
from scim_bridge.config import load
from scim_bridge.connections import provider_by_name
from scim_bridge.protocol.endpoint import DEADLINE_SECONDS, MAX_BODY_BYTES
from scim_bridge.store.opening import is_shared
from tests.deploy.files import DEPLOY, ROOT, SECRETS, compose, copied, dockerfile, secrets, unit
from tests.real.installed import installed, needed, run

HERE = Path(__file__).parent
VALUES = {
    "database_url": "postgresql://bridge:p@database/bridge",
    "encryption_key": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
}


def configured(folder: Path) -> Path:
    """The example configuration, with its secrets in a folder."""
    for name in secrets():
        (folder / name).write_text(f"{VALUES.get(name, name)}\n", "utf-8")
    path = folder / "bridge.toml"
    path.write_text((DEPLOY / "bridge.toml").read_text("utf-8").replace(SECRETS, f"{folder}/"), "utf-8")
    return path


def pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", path.read_text("utf-8"), re.MULTILINE))


# -- configuration and secrets ----------------------------------------------------------------------------------------


def test_the_example_configuration_is_valid_and_holds_no_secret(tmp_path: Path) -> None:
    config = load(configured(tmp_path), provider_by_name)
    assert is_shared(config.server.database)
    assert config.server.metrics_token is not None
    assert config.connections["acme"].table.mode == "mirror"
    assert config.server.admin_tokens
    assert len(secrets()) == 6


def test_compose_gives_the_bridge_just_the_secrets_it_reads() -> None:
    found = compose()
    assert set(found["services"]["bridge"]["secrets"]) == secrets()
    given = {name for each in found["services"].values() for name in each["secrets"]}
    assert found["secrets"] == {name: {"file": f"./secrets/{name}"} for name in given}


def test_systemd_gives_the_bridge_just_the_secrets_it_reads() -> None:
    given = dict(each.split(":") for each in unit()["LoadCredential"])
    assert given == {name: f"/etc/scim_bridge/secrets/{name}" for name in secrets()}


# -- compose ----------------------------------------------------------------------------------------------------------


def test_the_compose_file_is_one_by_the_schema_of_its_specification() -> None:
    # github.com/compose-spec/compose-spec, schema/compose-spec.json of 2026-06-23 (Apache-2.0), without white space
    schema = orjson.loads((HERE / "compose-spec.json").read_bytes())
    check = jsonschema_rs.validator_for(schema)
    assert [each.message for each in check.iter_errors(compose())] == []
    assert not check.is_valid({**compose(), "services": {"bridge": {"port": ["8000"]}}})


def test_the_bridge_in_compose_waits_for_its_database_and_has_no_rights() -> None:
    services = compose()["services"]
    bridge, database = services["bridge"], services["database"]
    assert bridge["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert database["healthcheck"]["test"][:2] == ["CMD", "pg_isready"]
    assert (bridge["read_only"], bridge["cap_drop"]) == (True, ["ALL"])
    assert all(each.startswith("127.0.0.1:") for each in bridge["ports"])
    assert "ports" not in database
    assert int(bridge["stop_grace_period"].rstrip("s")) > DEADLINE_SECONDS
    assert set(compose()["volumes"]) == {each.partition(":")[0] for each in database["volumes"]}
    assert (DEPLOY / bridge["build"]["context"]).resolve() == ROOT
    assert (ROOT / bridge["build"]["dockerfile"]).is_file()


# -- image ------------------------------------------------------------------------------------------------------------


def test_the_image_copies_what_there_is_and_what_it_may_see() -> None:
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert "*" in ignore
    allowed = [each[1:] for each in ignore if each.startswith("!")]
    sources = [source for each, _ in copied() for source in each]
    assert sorted(sources) == sorted(allowed)
    for each in sources:
        assert (ROOT / each).exists(), each


def test_the_image_runs_the_command_line_as_nobody_special() -> None:
    stage = dockerfile()[-1]
    last = dict(stage)
    assert last["USER"] == "10001:10001"
    command = [*json.loads(last["ENTRYPOINT"]), *json.loads(last["CMD"])]
    assert command[:2] == ["scim-bridge", "serve"]
    options = {name for each in main.commands["serve"].params for name in each.opts}
    assert {each for each in command if each.startswith("--")} <= options
    assert last["EXPOSE"] in command
    [health] = re.findall(r"http://127\.0\.0\.1:(\d+)/healthz", last["HEALTHCHECK"])
    assert health == last["EXPOSE"]


def test_the_image_has_the_versions_that_are_tested() -> None:
    image, tested = pins(DEPLOY / "requirements.lock"), pins(ROOT / "requirements-dev.lock")
    assert image.items() <= tested.items()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for each in project["dependencies"]:
        assert re.split(r"[^\w.-]", each)[0] in image
    [version] = re.findall(r"with Python (\S+)", (DEPLOY / "requirements.lock").read_text("utf-8"))
    assert all(stage[0][1].startswith(f"python:{version}-slim-") for stage in dockerfile())


@pytest.mark.slow
def test_hadolint_has_nothing_to_say() -> None:
    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", "env", cwd=folder)
        run("env/bin/pip", "install", "--quiet", "--require-hashes", "-r", "hadolint.lock", cwd=folder)

    program = installed("hadolint", [HERE / "hadolint.lock"], install) / "env" / "bin" / "hadolint"
    run(str(program), "--failure-threshold", "style", str(DEPLOY / "Dockerfile"))


# -- systemd ----------------------------------------------------------------------------------------------------------


def test_the_unit_runs_the_command_line_and_has_time_to_end() -> None:
    found = unit()
    [command] = found["ExecStart"]
    program, *arguments = command.split()
    assert program.endswith("/bin/scim-bridge")
    assert CliRunner().invoke(main, [arguments[0], "--help"]).exit_code == 0
    options = {name for each in main.commands["serve"].params for name in each.opts}
    assert {each for each in arguments if each.startswith("--")} <= options
    assert int(found["TimeoutStopSec"][0]) > DEADLINE_SECONDS


@pytest.mark.slow
@pytest.mark.parametrize("check", [("verify",), ("security", "--offline=yes", "--threshold=15", "--no-pager")])
def test_systemd_takes_the_unit_and_finds_it_closed(tmp_path: Path, check: tuple[str, ...]) -> None:
    text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", (DEPLOY / "scim-bridge.service").read_text("utf-8"))
    path = tmp_path / "scim-bridge.service"
    path.write_text(text, "utf-8")
    command = [needed("systemd-analyze", "systemd"), *check, str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert check[0] != "verify" or not ran.stderr, ran.stderr


# -- proxies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "patterns"),
    [
        ("nginx.conf", [r"proxy_read_timeout (\d+)s", r"proxy_send_timeout (\d+)s"]),
        ("haproxy.cfg", [r"timeout server (\d+)s", r"timeout client (\d+)s"]),
        ("Caddyfile", [r"response_header_timeout (\d+)s"]),
    ],
)
def test_proxies_wait_longer_than_the_bridge_takes(name: str, patterns: list[str]) -> None:
    text = (DEPLOY / "proxies" / name).read_text("utf-8")
    for each in patterns:
        found = re.findall(each, text)
        assert found and all(int(seconds) > DEADLINE_SECONDS + 1 for seconds in found)


@pytest.mark.parametrize(("name", "pattern"), [("nginx.conf", r"size (\d+)m;"), ("Caddyfile", r"max_size (\d+)MiB")])
def test_proxies_take_larger_bodies_than_the_bridge(name: str, pattern: str) -> None:
    [size] = re.findall(pattern, (DEPLOY / "proxies" / name).read_text("utf-8"))
    assert int(size) * 1024 * 1024 > MAX_BODY_BYTES
