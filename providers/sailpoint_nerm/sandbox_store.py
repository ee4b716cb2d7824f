"""What the simulated tenant holds, and the indexes that keep long crawls fast."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

import orjson

MAX_KEPT: Final = 32
"""Lists of matches that are kept until something changes."""
REFERENCES: Final = {
    f"{kind} {way}": "profile" if kind == "profile" else "user"
    for kind in ("profile", "owner", "contributor")
    for way in ("select", "search")
}
"""Data types whose values are ids of profiles or users, and what of the two."""
TYPES: Final = {
    "text field": "TextFieldAttribute",
    "text area": "TextAreaAttribute",
    "drop-down": "DropDownAttribute",
    "radio buttons": "RadioButtonsAttribute",
    "check boxes": "CheckBoxesAttribute",
    "date": "DateAttribute",
    "tags": "TagsAttribute",
    "attachment": "AttachmentAttribute",
    **{name: "".join(part.title() for part in name.split()) + "Attribute" for name in REFERENCES},
}
"""The class of an attribute by its data type."""


@dataclass(slots=True)
class Profile:
    """One profile; ``values`` as they were written, by attribute uid: references hold ids."""

    id: str
    uid: str
    type_id: str
    name: str
    status: str
    proofing: str
    created: datetime
    updated: datetime
    values: dict[str, str]
    archived: bool = False
    risk_level_id: str | None = None


Record = dict[str, Any]


@dataclass(slots=True)
class Store:
    """All records by id, in the order in which they were made."""

    zone: Any
    profiles: dict[str, Profile] = field(default_factory=dict)
    profile_types: dict[str, Record] = field(default_factory=dict)
    attributes: dict[str, Record] = field(default_factory=dict)
    users: dict[str, Record] = field(default_factory=dict)
    roles: dict[str, Record] = field(default_factory=dict)
    user_roles: dict[str, Record] = field(default_factory=dict)
    risk_levels: dict[str, Record] = field(default_factory=dict)
    jobs: dict[str, Record] = field(default_factory=dict)
    events: list[Record] = field(default_factory=list)
    separator: str = ","
    _lists: dict[Any, list[Profile]] = field(default_factory=dict)
    _shown: dict[tuple[str, bool, bool], orjson.Fragment] = field(default_factory=dict)
    _uids: dict[str, Record] = field(default_factory=dict)

    def changed(self) -> None:
        """To be called when a record changed: what was derived is stale, names shown elsewhere included."""
        self._lists.clear()
        self._shown.clear()
        self._uids.clear()

    @property
    def by_uid(self) -> Mapping[str, Record]:
        """Attributes by uid."""
        if not self._uids:
            self._uids = {each["uid"]: each for each in self.attributes.values()}
        return self._uids

    def listed(self, key: Any, test: Callable[[Profile], bool], order: str | None) -> list[Profile]:
        """The profiles that match, ascending by ``order`` (id, name, created, updated), else as they were made."""
        kept = (key, order)
        if kept not in self._lists:
            while len(self._lists) >= MAX_KEPT:
                self._lists.pop(next(iter(self._lists)))
            found = [each for each in self.profiles.values() if test(each)]
            self._lists[kept] = sorted(found, key=attrgetter(order)) if order else found
        return self._lists[kept]

    # -- how profiles are shown -------------------------------------------------------------------------------------

    def fragment(self, profile: Profile, *, attributes: bool, flagged: bool) -> orjson.Fragment:
        """A profile as JSON; ``flagged``: with ``archived``."""
        key = (profile.id, attributes, flagged)
        found = self._shown.get(key)
        if found is None:
            found = self._shown[key] = orjson.Fragment(
                orjson.dumps(self.shown(profile, attributes=attributes, flagged=flagged))
            )
        return found

    def shown(self, profile: Profile, *, attributes: bool = True, flagged: bool = False) -> Record:
        """A profile as answers show it: references by name, and no key for what has no value."""
        found: Record = {
            "id": profile.id,
            "uid": profile.uid,
            "name": profile.name,
            "profile_type_id": profile.type_id,
            "status": profile.status,
            "id_proofing_status": profile.proofing,
            "created_at": self.timestamp(profile.created),
            "updated_at": self.timestamp(profile.updated),
        }
        if flagged:
            found["archived"] = profile.archived
        if attributes:
            found["attributes"] = {uid: self._read(uid, value) for uid, value in profile.values.items() if value != ""}
        return found

    def _read(self, uid: str, value: str) -> str:
        kind = REFERENCES.get(self.by_uid[uid]["data_type"]) if uid in self.by_uid else None
        if kind is None:
            return value
        ids = [each.strip() for each in value.split(",")]
        if kind == "profile":
            names = [self.profiles[each].name for each in ids if each in self.profiles]
        else:
            found = [self.users[each] for each in ids if each in self.users]
            names = [f"{each['name']} ({each['email']})" for each in found]
        return self.separator.join(names)

    def timestamp(self, moment: datetime) -> str:
        """Milliseconds and the tenant's own offset, not Z."""
        return moment.astimezone(self.zone).isoformat(timespec="milliseconds")
