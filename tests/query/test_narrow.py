"""A filter over several resource types, as it reads for each of them."""

import pytest

from scim_bridge.filters import parse
from scim_bridge.query.narrow import narrowed
from scim_bridge.schemas import GROUP, USER, ResourceSchema


@pytest.mark.parametrize(
    ("text", "schema", "expected"),
    [
        ('displayName eq "x"', USER, 'displayName eq "x"'),
        ('userName eq "x"', GROUP, False),
        ("userName pr", GROUP, False),
        ('emails[type eq "work"]', GROUP, False),
        ('not (userName eq "x")', GROUP, True),
        ('not (displayName eq "x")', GROUP, 'not (displayName eq "x")'),
        ('displayName eq "x" or userName eq "x"', GROUP, 'displayName eq "x"'),
        ('displayName eq "x" and userName eq "x"', GROUP, False),
        ('displayName eq "x" or not (userName eq "x")', GROUP, True),
        ('displayName eq "x" and not (userName eq "x")', GROUP, 'displayName eq "x"'),
        ('userName eq "x" or members.value eq "y"', USER, 'userName eq "x"'),
        ('userName eq "x" or members.value eq "y"', GROUP, 'members.value eq "y"'),
        ('meta.resourceType eq "User"', USER, True),
        ('meta.resourceType eq "User"', GROUP, False),
        ('META.RESOURCETYPE eq "user"', USER, False),
        ('meta.resourceType ne "User" and displayName pr', GROUP, "displayName pr"),
        ("meta.resourceType pr", USER, "meta.resourceType pr"),
        ('displayName pr and id eq "1"', GROUP, 'displayName pr and id eq "1"'),
    ],
)
def test_what_is_certain_for_a_type_is_left_out(text: str, schema: ResourceSchema, expected: str | bool) -> None:
    found = narrowed(parse(text), schema)
    assert (found if isinstance(found, bool) else str(found)) == expected
