"""What the simulated NERM takes as the body of a profile: statuses, attribute values by data type, duplicates.

Sources: "Create a profile", "Update a profile by id", vendor scripts where they write what the schema does not show.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from scim_bridge.providers.sailpoint_nerm.sandbox_search import parsed_date
from scim_bridge.providers.sailpoint_nerm.sandbox_store import REFERENCES, Profile, Record, Store
from scim_bridge.providers.sailpoint_nerm.sandbox_wire import invalid

STATUSES: Final = ("Active", "Inactive", "On Leave", "Terminated")
PROOFINGS: Final = ("pending", "pass", "fail")
FIELDS: Final = frozenset({"name", "profile_type_id", "status", "id_proofing_status", "archived", "attributes"})
IGNORED: Final = frozenset({"id", "uid", "created_at", "updated_at"})


@dataclass(frozen=True, slots=True)
class Values:
    """The fields of a body, checked; ``action``: create or update, for the refusal's text."""

    store: Store
    action: str

    def checked(self, body: Mapping[str, Any], current: Profile | None = None) -> dict[str, Any]:
        """Name, type, status and the like as they are to be stored; attribute values as a map of what changes."""
        unknown = body.keys() - FIELDS - IGNORED
        if unknown:
            raise self.refused(**{min(unknown): "is not a known field"})
        found = {name: value for name, value in body.items() if name in FIELDS and value is not None}
        if current is None:
            for name in ("profile_type_id", "status"):
                if name not in found:
                    raise self.refused(**{name: "can't be blank"})
        if found.get("status") == 1:
            found["status"] = "Active"  # vendor scripts write it so
        if "status" in found and found["status"] not in STATUSES:
            raise self.refused(status="is not included in the list")
        if "profile_type_id" in found and found["profile_type_id"] not in self.store.profile_types:
            raise self.refused(profile_type="must exist")
        if "id_proofing_status" in found and found["id_proofing_status"] not in PROOFINGS:
            raise self.refused(id_proofing_status="is not included in the list")
        if not isinstance(found.get("archived", False), bool) or not isinstance(found.get("name", ""), str):
            raise self.refused(base="is invalid")
        attributes = found.get("attributes", {})
        if not isinstance(attributes, Mapping):
            raise self.refused(attributes="is invalid")
        for uid, value in attributes.items():
            self._check(uid, value)
        return found

    def _check(self, uid: str, value: Any) -> None:
        record = self.store.by_uid.get(uid)
        if record is None or record["archived"]:
            raise self.refused(**{uid: "is not an attribute"})
        if not isinstance(value, str):
            raise self.refused(**{uid: ["is not a string"]})
        if value == "":
            return
        kind = record["data_type"]
        if kind == "date" and parsed_date(value, record["date_format"]) is None:
            raise self.refused(**{uid: f"must be a date in the format {record['date_format']}"})
        if kind in REFERENCES:
            self._check_reference(uid, record, value)
        if kind == "attachment":
            raise self.refused(**{uid: "must be uploaded"})

    def _check_reference(self, uid: str, record: Record, value: str) -> None:
        """Ids, comma-separated; a name, as answers show it, is refused."""
        ids = [each.strip() for each in value.split(",")]
        if len(ids) > 1 and not record["allow_multiple_selections"]:
            raise self.refused(**{uid: "takes one selection"})
        for each in ids:
            if REFERENCES[record["data_type"]] == "user":
                known = each in self.store.users
            else:
                profile = self.store.profiles.get(each)
                known = profile is not None and record["profile_type_id"] in (None, profile.type_id)
            if not known:
                raise self.refused(**{uid: "is invalid"})

    def check_duplicates(self, type_id: str, values: Mapping[str, str]) -> None:
        """The attributes of a type that protect it from duplicates; archived profiles do not count."""
        record = self.store.profile_types[type_id]
        pairs = [self.store.attributes[each["ne_attribute_id"]] for each in record["profile_type_dup_attributes"]]
        wanted = {each["uid"]: values.get(each["uid"], "") for each in pairs}
        if record["bypass_dup_protection"] or not any(wanted.values()):
            return
        same = [
            {"id": each.id}
            for each in self.store.profiles.values()
            if each.type_id == type_id
            and not each.archived
            and all(each.values.get(uid, "").lower() == value.lower() for uid, value in wanted.items())
        ]
        if same:
            raise self.refused(possible_duplicates=[same])

    def composed(self, type_id: str, values: Mapping[str, str]) -> str | None:
        """The name that a type's namings make; None for a type without."""
        namings = sorted(self.store.profile_types[type_id]["profile_type_namings"], key=lambda each: each["order"])
        uids = [self.store.attributes[each["ne_attribute_id"]]["uid"] for each in namings]
        return " ".join(filter(None, (values.get(uid) for uid in uids))) if uids else None

    def refused(self, **errors: Any) -> Exception:
        return invalid("profile", self.action, **errors)
