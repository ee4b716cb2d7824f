"""What the types of a configuration's tables do not say: which values cannot be meant."""

import base64
import binascii
from collections.abc import Collection, Sequence
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from scim_bridge.config_tables import Table
from scim_bridge.mirror.settings import MirrorSettings
from scim_bridge.settings import settings_of
from scim_bridge.store.opening import is_database_url, is_shared
from scim_bridge.upstream.redact import Secret

if TYPE_CHECKING:
    from scim_bridge.config import ConnectionTable, Limits, ServerConfig

_MOST: Final = 1_000_000_000
"""Of rows, and of seconds: 30 years."""
_MOST_DAYS: Final = 36_500


def check_server(server: "ServerConfig", where: Table) -> None:
    """Raises ConfigError for a ``[server]`` table that cannot be meant."""
    if server.encryption_key is not None:
        _check_key("encryption_key", server.encryption_key, where)
    for each in server.former_encryption_keys:
        _check_key("former_encryption_keys", each, where)
    _check_secrets("admin_tokens", server.admin_tokens, where)
    for network in server.trusted_proxies:
        _check_network(network, where)
    for origin in server.link_origins:
        _check_origin(origin, where)
    if server.public_url is not None and not server.public_url.startswith(("https://", "http://")):
        raise where.error("public_url", "has to start with https:// or http://")
    if server.audit_days < 0:
        raise where.error("audit_days", "is too small")
    if not is_database_url(server.database):
        raise where.error("database", "takes sqlite:///PATH or postgresql://...")
    if is_shared(server.database) and server.encryption_key is None:
        raise where.error("encryption_key", "is missing: nodes that share a database have to read each other's cursors")


def _check_key(name: str, key: Secret, where: Table) -> None:
    try:
        size = len(base64.b64decode(key.reveal(), validate=True))
    except binascii.Error:
        raise where.error(name, "is not base64") from None
    if size != 32:
        raise where.error(name, f"has {size} bytes, 32 are needed")


def _check_network(network: str, where: Table) -> None:
    try:
        ip_network(network)
    except ValueError:
        raise where.error("trusted_proxies", "takes addresses and networks, such as 10.0.0.0/8") from None


def _check_origin(origin: str, where: Table) -> None:
    url = urlsplit(origin)
    plain = f"{url.scheme}://{url.netloc}" == origin and not {"@", "*", ";", ",", " "} & set(origin)
    local = url.hostname in ("localhost", "127.0.0.1", "::1")
    if not plain or not url.hostname or url.scheme not in ("https", *(["http"] if local else [])):
        raise where.error("link_origins", "takes origins, such as https://app.example.com")


def check_tokens(table: "ConnectionTable", where: Table) -> None:
    """Raises ConfigError for a connection that no client could ask, or tokens that are none."""
    if table.token is None and not table.tokens:
        raise where.error("token", "is missing: without one, no client could ask")
    _check_secrets("token", (*((table.token,) if table.token else ()), *table.tokens), where)
    _check_secrets("proxy_tokens", table.proxy_tokens, where)
    if set(table.proxy_tokens) & {table.token, *table.tokens}:
        raise where.error("proxy_tokens", "has a token that is one for SCIM, too")


def _check_secrets(key: str, secrets: Sequence[Secret], where: Table) -> None:
    for each in secrets:
        if not each or any(character.isspace() for character in each.reveal()):
            raise where.error(key, "is empty or holds white space")


def check_limits(limits: "Limits", where: Table) -> None:
    """Raises ConfigError for limits that cannot be kept."""
    _check_numbers(limits, where, {"cache_seconds"})
    if limits.default_count > limits.max_count:
        raise where.error("default_count", "is larger than max_count")


def check_mirror(mirror: MirrorSettings, where: Table) -> None:
    """Raises ConfigError for times and sizes of a mirror that cannot be."""
    _check_numbers(mirror, where, {"max_shrink_percent", "settle_seconds"})
    if mirror.max_shrink_percent > 100:
        raise where.error("max_shrink_percent", "is more than 100")


def _check_numbers(table: "Limits | MirrorSettings", where: Table, may_be_0: Collection[str]) -> None:
    """What is computed with them has to fit into a database's numbers. TOML has nan, too, which no number is below."""
    for each in settings_of(type(table)):
        value = getattr(table, each.name)
        if not isinstance(value, int | float):
            continue
        if not value >= (0 if each.name in may_be_0 else 1):
            raise where.error(each.name, "is too small")
        if value > (_MOST_DAYS if each.name.endswith("_days") else _MOST):
            raise where.error(each.name, "is too large")
