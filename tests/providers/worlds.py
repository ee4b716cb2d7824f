"""The simulated vendors side by side: how each is set up, connected and read, for tests that are the same for all."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from typing import Any

from scim_bridge.providers.pingone.sandbox import Sandbox as PingOne
from scim_bridge.providers.sailpoint_iiq.sandbox import Sandbox as IdentityIQ
from scim_bridge.providers.sailpoint_nerm.sandbox import Sandbox as Nerm
from tests.providers import scim_world as scim
from tests.providers.onelogin import bridge as onelogin
from tests.providers.onelogin import oracle as onelogin_oracle
from tests.providers.onelogin.support import made as onelogin_of
from tests.providers.pingone import bridge as pingone
from tests.providers.pingone import oracle as pingone_oracle
from tests.providers.sailpoint_iiq import bridge as iiq
from tests.providers.sailpoint_iiq import oracle as iiq_oracle
from tests.providers.sailpoint_isc import bridge as isc
from tests.providers.sailpoint_isc import oracle as isc_oracle
from tests.providers.sailpoint_isc.support import sandbox_of as isc_of
from tests.providers.sailpoint_nerm import bridge as nerm
from tests.providers.sailpoint_nerm import oracle as nerm_oracle
from tests.providers.sixty import DEPARTMENT, Planted


@dataclass(frozen=True)
class World:
    """One vendor. ``told``: settings of a connection that knows all about it; ``twins``: two user names may differ in
    case only; ``slow``: the simulation takes its time."""

    sandbox: Callable[[int], Any]
    bridged: Callable[..., AbstractAsyncContextManager[Any]]
    people: Callable[[Any], list[dict[str, Any]]]
    plant: Callable[[Any, Iterable[Planted]], None]
    records: Callable[[Any], dict[str, Any]]  # all people, groups and memberships, by kind and id, as it holds them
    plain: Mapping[str, Any] = field(default_factory=dict)  # what the filters' attributes need
    told: Mapping[str, Any] = field(default_factory=dict)
    writing: Mapping[str, Any] = field(default_factory=dict)  # what allows writes
    twins: bool = False
    slow: bool = False


def _nerm(users: int) -> Nerm:
    sandbox = Nerm(users=users)
    sandbox.knobs.sensitive_search, sandbox.knobs.name_filter = False, "insensitive"
    return sandbox


def _of_nerm(sandbox: Nerm) -> list[dict[str, Any]]:
    return [{**each, DEPARTMENT: each[f"{nerm.URN}:notes"]} for each in nerm_oracle.people(sandbox)]


def _of_pingone(sandbox: PingOne) -> dict[str, dict[str, Any]]:
    items = {kind: getattr(sandbox.store, kind).items() for kind in ("users", "groups")}
    data = {kind: {key: item.data for key, item in each} for kind, each in items.items()}
    return {**data, "members": sandbox.store.direct, "parents": sandbox.store.parents}


def _records(*names: str) -> Callable[[Any], dict[str, Any]]:
    """Parts of a sandbox's store."""
    return lambda sandbox: {name: _plain(getattr(sandbox.store, name)) for name in names}


def _plain(held: Mapping[Any, Any]) -> dict[Any, Any]:
    """Records by id, those of a class too."""
    return {key: each if isinstance(each, Mapping) else asdict(each) for key, each in held.items()}


WORLDS = {
    "pingone": World(
        lambda users: PingOne(users=users),
        pingone.bridged,
        pingone_oracle.people,
        pingone_oracle.plant,
        _of_pingone,
        plain={"attributes": {"enterprise.department": "department"}},
        told={"name_contains_filter": True},
    ),
    "onelogin": World(
        lambda users: onelogin_of(users, calls_per_hour=None),
        onelogin.bridged,
        onelogin_oracle.people,
        onelogin_oracle.plant,
        _records("users", "roles", "members"),
        told={"native_text_match": "insensitive", "wildcards": True},
    ),
    "sailpoint-isc": World(
        isc_of,
        isc.bridged,
        isc_oracle.people,
        isc_oracle.plant,
        _records("identities", "workgroups", "members", "assigned"),
        writing={"writes": ["accounts"]},
        plain={"attributes": isc_oracle.MAPPED},
        told={"native_text_match": "insensitive"},
        twins=True,
    ),
    "sailpoint-nerm": World(
        _nerm,
        nerm.bridged,
        _of_nerm,
        nerm_oracle.plant,
        _records("profiles", "users", "roles", "user_roles"),
        plain={"attributes": {**nerm.MAPPED, "enterprise.department": "notes"}},
        told={"native_text_match": "insensitive"},
        twins=True,
    ),
    "sailpoint-iiq": World(
        lambda users: IdentityIQ(users=users),
        iiq.bridged,
        iiq_oracle.people,
        iiq_oracle.plant,
        lambda sandbox: {"identities": sandbox.site.identities, **sandbox.site.records},
    ),
    "scim": World(scim.Server, scim.bridged, scim.people, scim.plant, scim.records, slow=True),
}
