"""What a tenant is asked at start: its profile types, and the attributes that profiles can have."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scim_bridge.providers.sailpoint_nerm.common import is_id, listed
from scim_bridge.query.capabilities import Row
from scim_bridge.query.pages import Send, every_page
from scim_bridge.query.plan import Branch
from scim_bridge.upstream.errors import BadAnswer

if TYPE_CHECKING:
    from scim_bridge.providers.sailpoint_nerm import Settings

PEOPLE: Final = "non-employee"
"""The category of the profile types that are people where the settings name none."""
DEFAULTS: Final[Mapping[str, tuple[str, ...]]] = {
    "name.givenName": ("personal_first_name", "first_name"),
    "name.familyName": ("personal_last_name", "last_name"),
    "emails.work": ("personal_email", "email"),
    "phoneNumbers.work": ("phone_number",),
    "title": ("job_title",),
    "enterprise.employeeNumber": ("employee_number",),
}
"""Attribute uids of the vendor's own material, which hold these where a tenant has them."""


@dataclass(frozen=True, slots=True)
class ProfileType:
    """A kind of profile. ``composes_names``: NERM makes the names of its profiles out of attributes."""

    id: str
    uid: str
    name: str
    category: str = PEOPLE
    archived: bool = False
    composes_names: bool = False


@dataclass(frozen=True, slots=True)
class NeAttribute:
    """An attribute; values go by its ``uid``, searches by its ``id``."""

    uid: str
    id: str = ""
    data_type: str = "text field"
    kind: str = "TextFieldAttribute"
    date_format: str | None = None
    target: str | None = None  # the profile type whose profiles a reference may name
    multiple: bool = False
    encrypted: bool = False
    archived: bool = False
    described: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """The profile types that are people, the first of which new ones get, and all attributes by uid."""

    people: tuple[ProfileType, ...]
    attributes: Mapping[str, NeAttribute] = field(default_factory=dict)

    def mapping(self, settings: "Settings") -> dict[str, str]:
        """SCIM path to attribute uid: the vendor's usual uids where there are such, then what the settings say."""
        usable = {uid for uid, each in self.attributes.items() if not each.encrypted and not each.archived}
        usual = {path: next((uid for uid in uids if uid in usable), None) for path, uids in DEFAULTS.items()}
        return {**{path: uid for path, uid in usual.items() if uid is not None}, **settings.attributes}


def assumed(settings: "Settings") -> Facts:
    """What is taken for granted where nobody was asked: the usual attributes, all of them text."""
    people = tuple(ProfileType(each, each, each) for each in settings.people_profile_types or ("People",))
    uids = [*(uids[0] for uids in DEFAULTS.values()), *settings.attributes.values()]
    return Facts(people, {uid: NeAttribute(uid, uid) for uid in uids})


async def discover(settings: "Settings", send: Send) -> Facts:
    """The facts of a tenant. Raises BadAnswer where the settings name what it lacks."""
    types = [_profile_type(row) async for row in _rows(send, "profile_types")]
    attributes = [_attribute(row) async for row in _rows(send, "ne_attributes")]
    facts = Facts(tuple(_people(settings.people_profile_types, types)), {each.uid: each for each in attributes})
    for path, uid in settings.attributes.items():
        if uid not in facts.attributes:
            raise BadAnswer("", f"settings.attributes: {path} names {uid!r}, and no attribute has that uid")
    return facts


async def _rows(send: Send, plural: str) -> Any:
    access = listed(plural, {})
    async with aclosing(every_page(send, Branch(access, access.path, access.fixed, exact=True))) as found:
        async for page in found:
            for row in page.rows:
                yield row


def _people(named: Iterable[str], types: list[ProfileType]) -> Iterator[ProfileType]:
    """The types that are named by id, uid or name; without any, those that are not employees."""
    if not named:
        found = [each for each in types if each.category == PEOPLE and not each.archived]
        if not found:
            raise BadAnswer("", f"no profile type is of the category {PEOPLE}: name some in people_profile_types")
        yield from found
    for text in dict.fromkeys(named):
        found = [each for each in types if text == each.id] or [each for each in types if text in (each.uid, each.name)]
        if len(found) != 1:
            several = "several profile types are" if found else "no profile type is"
            raise BadAnswer("", f"settings.people_profile_types: {several} called {text!r}")
        yield found[0]


def _profile_type(row: Row) -> ProfileType:
    if not is_id(str(row.get("id"))):
        raise BadAnswer("", "a profile type came without an id")
    return ProfileType(
        id=row["id"],
        uid=str(row.get("uid")),
        name=str(row.get("name")),
        category=str(row.get("category")),
        archived=row.get("archived") is True,
        composes_names=bool(row.get("profile_type_namings")),
    )


def _attribute(row: Row) -> NeAttribute:
    return NeAttribute(
        uid=str(row.get("uid")),
        id=str(row.get("id")),
        data_type=str(row.get("data_type")),
        kind=str(row.get("type")),
        date_format=row.get("date_format"),
        target=row.get("profile_type_id"),
        multiple=row.get("allow_multiple_selections") is True,
        encrypted=row.get("crypt") is True,
        archived=row.get("archived") is True,
        described=str(row.get("description") or row.get("label") or ""),
    )
