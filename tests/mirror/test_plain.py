"""Resources that are stored without a look at each value: as if each had been looked at."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings

from scim_bridge.mirror.keys import KeyMaker
from scim_bridge.mirror.layout import layout
from scim_bridge.mirror.plain import Plain
from scim_bridge.protocol.rows import Publisher
from scim_bridge.query.capabilities import AccessPath, Collection, Resource
from scim_bridge.query.pagers import OnePage
from scim_bridge.query.sources import BASE_MARK
from tests.strategies import RICH_USER, TYPED, examples, plain_users
from tests.test_filters import NO_LIMITS

LAYOUT = layout(RICH_USER)
PLAIN, KEYS = Plain(LAYOUT), KeyMaker(LAYOUT)
PUBLISHER = Publisher(Collection(RICH_USER, (), AccessPath("/{id}", ".", OnePage()), dict), {"User": "/Users"})
STATE = b"twelve bytes"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ADA: Resource = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
    "id": "Ada/1",
    "meta": {"resourceType": "User", "lastModified": "2024-05-01T10:00:00Z"},
    "externalId": "E1",
    "userName": "ADA@example.com",
    "active": True,
    "name": {"familyName": "Lovelace", "formatted": "Ada\nLovelace"},
    "emails": [{"value": "ADA@example.com", "type": "work", "primary": True}, {"value": "a@example.com"}],
    ENTERPRISE: {"department": "Math", "manager": {"value": "7", "displayName": "Charles"}},
    TYPED.id: {"numbers": [1, 2], "ratio": 0.5, "link": "https://example.com/a"},
}


def stored(resource: Resource) -> tuple[str, bytes] | None:
    """The keys and the document of a resource; None where it is not plain."""
    found = PUBLISHER.plain(resource, STATE) if PLAIN.read(resource) else None
    keys = PLAIN.keys(found[0]) if found is not None else None
    return (keys, found[0][:-1] + found[1]) if found is not None and keys is not None else None


def test_a_resource_is_plain_where_case_is_all_that_tells_its_keys_from_it() -> None:
    found = stored(ADA)
    assert found is not None
    keys = orjson.loads(found[0])
    assert (keys["emails"], keys["name"]["formatted"], keys["meta"]) == (
        [{"value": "ada@example.com", "type": "work", "primary": True}, {"value": "a@example.com"}],
        "ada\nlovelace",
        {"resourcetype": "User"},
    )
    assert keys[TYPED.id.lower()] == {"numbers": [1, 2], "ratio": 0.5, "link": "https://example.com/a"}


@pytest.mark.parametrize(
    "change",
    [
        {"title": None},
        {"title": 5},
        {"title": ["Countess"]},
        {"active": 1},
        {"active": "true"},
        {"name": {}},
        {"name": "Ada"},
        {"emails": []},
        {"emails": [{}]},
        {"emails": ["ada@example.com"]},
        {"emails": [{"value": "ada@example.com", "pager": "7"}]},
        {"emails": {"value": "ada@example.com"}},
        {"displayName": "Émile"},
        {"displayName": "A\0"},
        {"displayName": "A\1"},
        {"profileUrl": "https://example.com/A"},
        {"password": "secret"},
        {"unknown": "x"},
        {"meta": {"lastModified": "2024-05-01T10:00:00Z"}},
        {"meta": {"resourceType": "Group", "lastModified": "2024-05-01T10:00:00Z"}},
        {"meta": {**ADA["meta"], "location": "x"}},
        {"meta": {**ADA["meta"], "version": "x"}},
        {ENTERPRISE: {"manager": {"value": "A7"}}},
        {ENTERPRISE: {"manager": {"value": "7", "$ref": "/users/7"}}},
        {ENTERPRISE: {"manager": "7"}},
        {TYPED.id: {"seen": "2024-05-01T10:00:00Z"}},
        {TYPED.id: {"key": "aGk="}},
        {TYPED.id: {"codes": ["A"]}},
        {TYPED.id: {"numbers": [1, True]}},
        {TYPED.id: {"ratio": "0.5"}},
    ],
    ids=str,
)
def test_what_is_shown_or_compared_otherwise_is_looked_at(change: dict[str, Any]) -> None:
    assert stored({**ADA, **change}) is None


def test_a_control_character_stays_itself_beside_a_reference() -> None:
    found = stored({**ADA, "title": "\x7f"})
    assert found is not None and orjson.loads(found[0])["title"] == "\x7f"
    document = orjson.loads(found[1].replace(BASE_MARK, b"~"))
    assert (document["title"], document[ENTERPRISE]["manager"]["$ref"]) == ("\x7f", "~/Users/7")


@settings(NO_LIMITS, max_examples=examples(400))
@given(plain_users())
def test_what_is_stored_is_what_a_look_at_each_value_gives(resource: Resource) -> None:
    found = stored(resource)
    if found is None:
        return
    keys, document = found
    assert within(orjson.loads(KEYS.rest(resource)), orjson.loads(keys))
    read = PLAIN.read(resource)
    assert read == (KEYS.columns(resource), KEYS.lists(resource))
    by_each, more = PUBLISHER.documents(resource, STATE)
    assert more is None
    assert orjson.loads(document.replace(BASE_MARK, b"~")) == orjson.loads(by_each.replace(BASE_MARK, b"~"))


def within(part: Any, whole: Any) -> bool:
    """Whether all of a JSON value is in another, lists and values being the same."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and within(each, whole[name]) for name, each in part.items())
    return bool(part == whole)
