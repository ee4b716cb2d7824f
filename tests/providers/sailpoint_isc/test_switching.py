"""Switching identities on and off, where a connection allows it: by their accounts, or by lifecycle states."""

from typing import Any

import pytest

from scim_bridge.providers.sailpoint_isc.sandbox import Sandbox
from scim_bridge.query.directory import Unsupported
from scim_bridge.query.write import PartialWrite
from scim_bridge.upstream.errors import Rejected, TimedOut
from tests.providers.sailpoint_isc.support import connected, sandbox_of
from tests.providers.sailpoint_isc.writing import change, data, sent, someone


@pytest.fixture
def sandbox() -> Sandbox:
    return sandbox_of(60)


async def test_nothing_is_written_unless_the_connection_says_so(sandbox: Sandbox) -> None:
    """Trap 12."""
    user = someone(sandbox)
    async with connected(sandbox) as acme:
        with pytest.raises(Unsupported):
            await acme.users.create({"userName": "new"}, {})
        with pytest.raises(Unsupported):
            await acme.users.delete(user)
        with pytest.raises(Unsupported):
            await change(acme, user, {"active": False}, "users")
        assert sent(acme) == []


# -- enabling and disabling --------------------------------------------------------------------------------------------


async def test_an_identity_is_disabled_and_enabled_and_that_is_waited_for(sandbox: Sandbox) -> None:
    """Traps 13 and 15."""
    user = someone(sandbox)
    before = dict(data(sandbox, user))
    async with connected(sandbox, writes=("accounts",)) as acme:
        for active, verb, status in ((False, "disable", "DISABLED"), (True, "enable", "ACTIVE")):
            row = await change(acme, user, {"active": active}, "users")
            assert row is not None and acme.users.collection.decode(row)["active"] is active
            assert data(sandbox, user)["identityStatus"] == status
            calls = acme.calls()
            assert calls[0] == f"POST /identities-accounts/{user}/{verb}"
            assert set(calls[1:]) == {f'GET /identities?id eq "{user}"'}
    assert {name for name in before if before[name] != data(sandbox, user)[name]} == set()


async def test_what_is_not_done_in_time_is_told_and_stays(sandbox: Sandbox) -> None:
    sandbox.knobs.effect_seconds = 60
    user = someone(sandbox)
    async with connected(sandbox, writes=("accounts",), settle_seconds=10) as acme:
        with pytest.raises(PartialWrite, match=f"POST /identities-accounts/v1/{user}/disable") as caught:
            await change(acme, user, {"active": False}, "users")
        assert isinstance(caught.value.cause, TimedOut)
        assert len(sent(acme)) == 1  # nothing takes it back: the next attempt finds it done
        acme.clock.advance(60)
        await change(acme, user, {"active": False}, "users")
        assert sent(acme) == []


async def test_only_active_can_be_switched(sandbox: Sandbox) -> None:
    user = someone(sandbox)
    async with connected(sandbox, writes=("accounts",)) as acme:
        with pytest.raises(Unsupported):
            await acme.users.create({"userName": "new"}, {})
        with pytest.raises(Unsupported):
            await acme.users.delete(user)
        await change(acme, user, {"title": "x", "userName": "y", "active": True}, "users")
        assert sent(acme) == []


# -- lifecycle states --------------------------------------------------------------------------------------------------


async def test_a_lifecycle_state_is_set_by_the_id_it_has_in_the_identitys_profile(sandbox: Sandbox) -> None:
    """Trap 14."""
    async with connected(sandbox, writes=("lifecycle",)) as acme:
        for user in (someone(sandbox), someone(sandbox, outside=True)):
            await change(acme, user, {"active": False}, "users")
            assert data(sandbox, user)["lifecycleState"] == {"stateName": "inactive", "manuallyUpdated": True}
            assert data(sandbox, user)["identityStatus"] == "ACTIVE"
            assert [told for told, _ in sent(acme)] == [f"POST /identities/{user}/set-lifecycle-state"]
            await change(acme, user, {"active": True}, "users")
            assert data(sandbox, user)["lifecycleState"]["stateName"] == "active"
            acme.calls()


async def test_active_means_the_lifecycle_where_that_is_written(sandbox: Sandbox) -> None:
    """Trap 15."""
    user, disabled = someone(sandbox), someone(sandbox, "DISABLED")
    data(sandbox, user)["lifecycleState"]["stateName"] = "terminated"
    data(sandbox, disabled)["lifecycleState"]["stateName"] = "prehire"
    async with connected(sandbox, writes=("lifecycle",), status_filter=True) as acme:
        inactive = await acme.ids("active eq false")
        assert user in inactive and disabled not in inactive
        assert acme.calls()[0] == "GET /identities"  # no filter knows lifecycle states
    async with connected(sandbox) as acme:
        inactive = await acme.ids("active eq false")
        assert user not in inactive and disabled in inactive


async def test_states_of_the_connections_own_choice(sandbox: Sandbox) -> None:
    user = someone(sandbox)
    more: dict[str, Any] = {"inactive_state": "terminated", "active_state": "prehire"}
    async with connected(sandbox, writes=("lifecycle",), **more) as acme:
        await change(acme, user, {"active": False}, "users")
        assert data(sandbox, user)["lifecycleState"]["stateName"] == "terminated"
        await change(acme, user, {"active": True}, "users")
        assert data(sandbox, user)["lifecycleState"]["stateName"] == "prehire"


async def test_a_state_that_the_profile_lacks_or_has_off_is_refused(sandbox: Sandbox) -> None:
    user = someone(sandbox)
    for states in sandbox.store.states.values():
        for each in states:
            each["enabled"] = each["technicalName"] != "inactive"
    async with connected(sandbox, writes=("lifecycle",)) as acme:
        with pytest.raises(Rejected, match="'inactive'"):
            await change(acme, user, {"active": False}, "users")
        assert sent(acme) == []
