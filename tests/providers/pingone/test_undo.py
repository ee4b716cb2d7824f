"""Writes of users that fail half-way: undone, or told."""

import httpx
import pytest

from scim_bridge.providers.pingone.sandbox import Sandbox
from scim_bridge.query.capabilities import Resource
from scim_bridge.query.write import PartialWrite
from scim_bridge.upstream.errors import BadAnswer, Rejected
from scim_bridge.upstream.reply import Reply
from tests.providers.pingone.support import USER_URN, Connected
from tests.providers.pingone.writing import (
    PASSWORD,
    change,
    create,
    sent,
    stored,
)


async def test_a_user_that_cannot_be_disabled_is_not_left_behind(acme: Connected, sandbox: Sandbox) -> None:
    sandbox.fail("PUT /users/.*/enabled", status=400, code="INVALID_DATA")
    with pytest.raises(Rejected):
        await create(acme, {"userName": "ana", "active": False})
    assert [name for name, _ in sent(acme)] == ["POST/users", "PUT/users/enabled", "DELETE/users"]
    assert len(sandbox.store.users) == 60


@pytest.mark.parametrize("active", [True, False])
async def test_a_new_user_without_an_id_is_no_answer(acme: Connected, active: bool) -> None:
    create = acme.users.collection.writes.create
    assert create is not None
    steps = create({"userName": "ana", "active": active})
    call = next(steps)
    made = Reply(201, {"username": "ana"}, httpx.Headers())
    assert callable(call.undo)
    with pytest.raises(BadAnswer):
        call.undo(made)
    with pytest.raises(StopIteration if active else BadAnswer):
        steps.send(made)


async def test_a_user_that_is_left_behind_is_told_of(acme: Connected, sandbox: Sandbox) -> None:
    sandbox.fail("PUT /users/.*/enabled", status=400, code="INVALID_DATA")
    sandbox.fail("DELETE /users/.*", status=403, code="ACCESS_FAILED")
    with pytest.raises(PartialWrite) as failure:
        await create(acme, {"userName": "ana", "active": False})
    assert failure.value.left == ("POST /users",)
    assert isinstance(failure.value.cause, Rejected)


async def test_a_change_of_several_calls_is_undone_when_a_later_one_fails(
    acme: Connected, sandbox: Sandbox, ana: Resource
) -> None:
    for merges in (True, False):
        sandbox.knobs.patch_merges_within = merges
        before = {name: value for name, value in stored(sandbox, ana).items() if name != "updatedAt"}
        sandbox.fail("PUT /users/.*/password", status=400, code="INVALID_DATA")
        with pytest.raises(Rejected):
            await change(
                acme,
                ana["id"],
                {
                    "active": False,
                    "password": PASSWORD,
                    "title": None,
                    "name": {"familyName": "Roe", "middleName": "Q."},
                    "displayName": None,
                    "addresses": None,
                    "nickName": "Annie",
                },
            )
        calls = [name for name, _ in sent(acme)]
        assert calls == [
            "PATCH/users",
            *["PUT/users/enabled"],
            "PUT/users/password",
            "PUT/users/enabled",
            "PATCH/users",
        ]
        after = {name: value for name, value in stored(sandbox, ana).items() if name != "updatedAt"}
        assert after == before


async def test_undoing_takes_away_what_was_not_there(acme: Connected, sandbox: Sandbox) -> None:
    """A name of which only a part was known: the new part goes again, whichever way PATCH merges."""
    made = await create(acme, {"userName": "ana", "name": {"givenName": "Ana"}})
    for merges in (True, False):
        sandbox.knobs.patch_merges_within = merges
        sandbox.fail("PUT /users/.*/enabled", status=400, code="INVALID_DATA")
        with pytest.raises(Rejected):
            await change(
                acme,
                made["id"],
                {"active": False, "title": "Boss", "name": {"givenName": "Ana", "familyName": "Lopez"}},
            )
        assert stored(sandbox, made)["name"] == {"given": "Ana"}
        assert "title" not in stored(sandbox, made)


async def test_what_cannot_be_undone_is_told_of(acme: Connected, sandbox: Sandbox, ana: Resource) -> None:
    """A password is set before a move that fails: nothing brings the old one back."""
    there = list(sandbox.store.populations)[1]
    sandbox.fail("PUT /users/.*/population", status=400, code="INVALID_DATA")
    with pytest.raises(PartialWrite) as failure:
        await change(
            acme, ana["id"], {"title": "Boss", "password": PASSWORD, USER_URN: {**ana[USER_URN], "populationId": there}}
        )
    assert failure.value.left == (f"PUT /users/{ana['id']}/password",)
    assert stored(sandbox, ana)["title"] == "Engineer"
