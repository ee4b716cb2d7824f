"""Adding members by PATCH to servers that have one twice who was there already."""

from typing import Any

import httpx
import pytest

from scim_bridge.providers.scim.shape import Moves
from scim_bridge.providers.scim.writes import ResourceWrites
from scim_bridge.query.capabilities import Call
from scim_bridge.schemas import GROUP
from scim_bridge.upstream.reply import Reply

WRITES = ResourceWrites(GROUP, Moves(), patch=True, relations=frozenset({"members"}), unseen=()).writes()


def calls(body: Any, *added: str) -> list[Call]:
    """The calls that adding members takes, where each is answered alike."""
    steps = WRITES.members["members"].add("g", [{"value": each, "type": "User"} for each in added])
    found = [next(steps)]
    while True:
        try:
            found.append(steps.send(Reply(200, body, httpx.Headers())))
        except StopIteration:
            return found
        assert len(found) < 5


def group(*members: dict[str, str]) -> dict[str, Any]:
    return {"id": "g", "displayName": "G", "members": list(members)}


def test_who_comes_to_be_a_member_twice_is_one_once_again() -> None:
    old = {"value": "a", "display": "Ada", "$ref": "https://inner.example/Users/a"}
    first, second = calls(group(old, {"value": "b"}, {"value": "a", "type": "User"}), "b", "a")[:2]
    assert [each["op"] for each in first.json["Operations"]] == ["add"]
    assert (second.method, second.path) == ("PATCH", "/Groups/g")
    assert second.json["Operations"] == [
        {"op": "remove", "path": 'members[value eq "a"]'},
        {"op": "add", "path": "members", "value": [{"value": "a", "display": "Ada"}]},
    ]


def test_others_who_are_members_twice_are_left_alone() -> None:
    assert len(calls(group({"value": "b"}, {"value": "b"}, {"value": "a"}), "a")) == 1


@pytest.mark.parametrize("body", [None, {}, {"id": "g"}, group(), group({"value": "a"}), {"id": "g", "members": ["a"]}])
def test_an_answer_that_shows_nobody_twice_takes_no_other_request(body: Any) -> None:
    assert len(calls(body, "a")) == 1
