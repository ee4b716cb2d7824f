"""The configuration file: what it takes, and one precise line for what it does not."""

import base64
from pathlib import Path
from typing import Any

import pytest

from scim_bridge.config import load
from scim_bridge.config_tables import ConfigError
from scim_bridge.connections import provider_by_name, provider_names
from scim_bridge.upstream.redact import Secret

SETTINGS = """
[connections.acme.settings]
environment_id = "cd613e30-d8f1-4adf-91b7-584a2265b1f5"
client_id = "1e2feb89-414c-443c-9027-c4d1c386bbc4"
client_secret = "s3cret"
"""
GOOD = f'[connections.acme]\nprovider = "pingone"\ntoken = "t"\n{SETTINGS}'


def written(folder: Path, text: str) -> Path:
    path = folder / "bridge.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    config = load(written(tmp_path, GOOD), provider_by_name)
    acme = config.connections["acme"]
    assert (acme.table.access, acme.table.mode, acme.table.client_profile) == ("read-write", "live", "auto")
    assert (acme.limits.scan_rows, acme.limits.scan_seconds, acme.limits.max_count) == (50_000, 40.0, 1000)
    assert acme.settings.region == "na"
    assert acme.tokens == (Secret("t"),)
    assert config.server.public_url is None


def test_every_key_is_read(tmp_path: Path) -> None:
    key = base64.b64encode(b"k" * 32).decode()
    text = f"""
[server]
database = "sqlite:///other.db"
encryption_key = "{key}"
public_url = "https://scim.example.com"
[connections.acme]
provider = "pingone"
tokens = ["a", "b"]
access = "read-only"
client_profile = "entra"
patch_response = "minimal"
[connections.acme.limits]
scan_rows = 10
scan_seconds = 2
cache_seconds = 0
default_count = 5
max_count = 7
[connections.acme.settings]
environment_id = "e"
client_id = "c"
client_secret = "s"
region = "eu"
locked_is_inactive = true
population_ids = ["cd613e30-d8f1-4adf-91b7-584a2265b1f5"]
[connections.acme.settings.attributes]
enterprise.department = "department"
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division" = "division"
"""
    acme = load(written(tmp_path, text), provider_by_name).connections["acme"]
    assert acme.tokens == (Secret("a"), Secret("b"))
    assert acme.limits.scan_seconds == 2.0
    assert acme.settings.population_ids == ("cd613e30-d8f1-4adf-91b7-584a2265b1f5",)
    assert acme.settings.attributes == {
        "enterprise.department": "department",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division": "division",
    }


def test_secrets_come_from_the_environment_and_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_TOKEN", "from-env")
    (tmp_path / "secret").write_text("from-file\n")
    text = GOOD.replace('"t"', '"env:ACME_TOKEN"').replace('"s3cret"', f'"file:{tmp_path / "secret"}"')
    acme = load(written(tmp_path, text), provider_by_name).connections["acme"]
    assert acme.tokens[0].reveal() == "from-env"
    assert acme.settings.client_secret.reveal() == "from-file"
    assert "from-" not in repr(acme)


def _server(line: str) -> tuple[str, str]:
    """The change that puts a line into the table of the server."""
    return "[connections.acme]\nprovider", f"[server]\n{line}\n[connections.acme]\nprovider"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[connections.acme]", "[servers]\n[connections.acme]"), "[servers]: there is no such table"),
        (("[connections.acme]", "[server]\nport = 1\n[connections.acme]"), "[server] port: there is no such key"),
        (("[connections.acme]", 'server = "x"\n[connections.acme]'), "[server]: has to be a table"),
        (('token = "t"', 'tokne = "t"'), "[connections.acme] tokne: there is no such key"),
        (('token = "t"', ""), "[connections.acme] token: is missing"),
        (('token = "t"', 'token = ""'), "[connections.acme] token: is empty"),
        (('token = "t"', 'token = "a b"'), "[connections.acme] token: is empty or holds white space"),
        (('token = "t"', "token = 7"), "[connections.acme] token: takes text"),
        (('token = "t"', 'token = "env:NOT_SET_ANYWHERE"'), "token: the environment variable NOT_SET_ANYWHERE is not"),
        (('token = "t"', 'token = "file:/nowhere/x"'), "[connections.acme] token: the file /nowhere/x cannot be read"),
        (('token = "t"', 'tokens = "t"'), "[connections.acme] tokens: takes a list"),
        (('token = "t"', 'token = "t"\nmirror = { refresh_seconds = 0 }'), "refresh_seconds: is too small"),
        (('token = "t"', 'token = "t"\nmirror = { max_shrink_percent = 101 }'), "max_shrink_percent: is more than 100"),
        (('token = "t"', 'token = "t"\nmirror = { often = 1 }'), "acme.mirror] often: there is no such key"),
        (('token = "t"', 'token = "t"\naccess = "all"'), "[connections.acme] access: takes read-write, read-only"),
        (('"pingone"', '"pingtwo"'), "[connections.acme] provider: there is no provider 'pingtwo'; there are"),
        (('provider = "pingone"', ""), "[connections.acme] provider: is missing"),
        (("connections.acme", 'connections."A B"'), "[connections.A B]: a name has lower-case letters"),
        (('client_id = "1e2feb89-414c-443c-9027-c4d1c386bbc4"', ""), "acme.settings] client_id: is missing"),
        (('client_secret = "s3cret"', "client_secret = 7"), "[connections.acme.settings] client_secret: takes text"),
        (('client_secret = "s3cret"', 'client_secret = ""'), "[connections.acme.settings] client_secret: is empty"),
        (('"s3cret"', '"s3cret"\nregion = "mars"'), "[connections.acme.settings] region: takes na, eu, ca, ap, au, sg"),
        (('"s3cret"', '"s3cret"\nlocked_is_inactive = 1'), "locked_is_inactive: takes true or false"),
        (('"s3cret"', '"s3cret"\npopulation_id = " "'), "[connections.acme.settings] population_id: is empty"),
        (('"s3cret"', '"s3cret"\nattributes = "x"'), "[connections.acme.settings] attributes: takes a table"),
        (('"s3cret"', '"s3cret"\n[connections.acme.settings.attributes]\ntitle = 1'), "attributes.title: takes text"),
        (('token = "t"', 'token = "t"\nlimits = { scan_rows = 0 }'), "acme.limits] scan_rows: is too small"),
        (('token = "t"', 'token = "t"\nlimits = { scan_rows = "x" }'), "scan_rows: takes a whole number"),
        (('token = "t"', 'token = "t"\nlimits = { scan_rows = true }'), "scan_rows: takes a whole number"),
        (('token = "t"', 'token = "t"\nlimits = { max_count = 1 }'), "default_count: is larger than max_count"),
        (('token = "t"', 'token = "t"\nlimits = { scan_rows = 1_000_000_001 }'), "scan_rows: is too large"),
        (('token = "t"', 'token = "t"\nlimits = { scan_seconds = nan }'), "scan_seconds: is too small"),
        (('token = "t"', 'token = "t"\nmirror = { settle_seconds = inf }'), "settle_seconds: is too large"),
        (('token = "t"', 'token = "t"\nmirror = { keep_changes_days = 36_501 }'), "keep_changes_days: is too large"),
        (('token = "t"', 'token = "t"\nlimits = 7'), "[connections.acme.limits]: has to be a table"),
        (('token = "t"', 'token = "t'), "not valid TOML"),
        (_server('admin_tokens = ["a b"]'), "[server] admin_tokens: is empty or holds white space"),
        (_server('link_origins = ["https://a.example/x"]'), "[server] link_origins: takes origins"),
        (_server('link_origins = ["http://a.example"]'), "[server] link_origins: takes origins"),
        (_server('link_origins = ["https://*.a.example"]'), "[server] link_origins: takes origins"),
        (_server('trusted_proxies = ["all"]'), "[server] trusted_proxies: takes addresses"),
        (_server('former_encryption_keys = ["x"]'), "former_encryption_keys: is not base64"),
        (('token = "t"', 'token = "t"\nproxy_tokens = ["t"]'), "proxy_tokens: has a token that is one for SCIM"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_file_table_and_key(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    assert change[0] in GOOD
    path = written(tmp_path, GOOD.replace(*change))
    with pytest.raises(ConfigError) as caught:
        load(path, provider_by_name)
    told = str(caught.value)
    assert told.startswith(f"{path}: ")
    assert message in told
    assert "s3cret" not in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ('encryption_key = "%%"', "encryption_key: is not base64"),
        ('encryption_key = "c2hvcnQ="', "encryption_key: has 5 bytes, 32 are needed"),
        ('public_url = "scim.example.com"', "public_url: has to start with https://"),
        ('database = "mysql://u@h/d"', "database: takes sqlite:///PATH or postgresql://"),
        ('database = "postgresql://u@h/d"', "encryption_key: is missing: nodes that share a database"),
        ('database = "sqlite:///"', "database: takes sqlite:///PATH or postgresql://"),
        ('database = "env:NOWHERE"', "database: the environment variable NOWHERE is not set"),
    ],
)
def test_the_server_table_is_checked(tmp_path: Path, key: str, problem: str) -> None:
    with pytest.raises(ConfigError, match="server") as caught:
        load(written(tmp_path, f"[server]\n{key}\n{GOOD}"), provider_by_name)
    assert problem in str(caught.value)


def test_a_database_url_may_stand_elsewhere_as_it_may_hold_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, key = "postgresql://bridge:s3cret@db/bridge", f'encryption_key = "{"A" * 43}="'
    (tmp_path / "url").write_text(f"{url}\n", "utf-8")
    monkeypatch.setenv("BRIDGE_DATABASE", url)
    for source in ("env:BRIDGE_DATABASE", f"file:{tmp_path}/url"):
        text = f'[server]\ndatabase = "{source}"\n{key}\n{GOOD}'
        assert load(written(tmp_path, text), provider_by_name).server.database == url


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.toml", provider_by_name)
    path = tmp_path / "latin.toml"
    path.write_bytes(b"# \xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(path, provider_by_name)


def test_a_provider_may_refuse_what_its_types_allow(tmp_path: Path) -> None:
    text = '[connections.acme]\nprovider = "scim"\ntoken = "t"\n[connections.acme.settings]\nbase_url = "https://x.test/v2"'
    with pytest.raises(ConfigError, match=r"\[connections\.acme\.settings\] token: "):
        load(written(tmp_path, text), provider_by_name)


def test_providers_are_found_by_entry_point() -> None:
    assert {"pingone", "scim"} <= set(provider_names())
    assert provider_by_name("pingone").name == "pingone"


def test_an_entry_point_that_is_no_provider_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd:
        name, value = "odd", "odd:thing"

        def load(self) -> Any:
            return object()

    monkeypatch.setattr("scim_bridge.connections._entry_points", lambda: [Odd()])
    with pytest.raises(LookupError, match="is no provider"):
        provider_by_name("odd")
