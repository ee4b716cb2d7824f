"""NERM profiles as SCIM Users: which attribute holds what, and how values are told in both.

A value reads and writes by its attribute's data type. Text is text. Dates come in one of six formats, the attribute's
own. References to profiles read as names and write as ids: one alone is looked up by its name when it is written;
several in one text cannot be told apart where a name holds a comma, so they are read only, as are references to portal
users and attachments.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from scim_bridge.attributes import BOOLEAN, TEXT, TIMESTAMP, Attribute, AttributeMap, Codec, MappingError, expand
from scim_bridge.comparison import instant, is_date_time
from scim_bridge.providers.sailpoint_nerm.facts import Facts, NeAttribute
from scim_bridge.schemas import USER, Extension, ResourceSchema, Schema, SchemaAttribute, overridden
from scim_bridge.upstream.errors import Rejected

if TYPE_CHECKING:
    from scim_bridge.providers.sailpoint_nerm import Settings

URN: Final = "urn:scim-bridge:schemas:1.0:sailpoint-nerm:User"
STATUS: Final = f"{URN}:status"
"""Read only: `active` is what clients write, and two ways to say it could contradict each other."""
STATUSES: Final = ("Active", "Inactive", "On Leave", "Terminated")
VALUES: Final = "attributes."
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
"""What a SCIM attribute may be called (RFC 7643 section 2.1)."""
_FORMATS: Final = {
    "mm/dd/yyyy": "%m/%d/%Y",
    "mm-dd-yyyy": "%m-%d-%Y",
    "dd/mm/yyyy": "%d/%m/%Y",
    "dd-mm-yyyy": "%d-%m-%Y",
    "yyyy/mm/dd": "%Y/%m/%d",
    "yyyy-mm-dd": "%Y-%m-%d",
}
_NOT_ADDRESSED: Final = frozenset({"id", "active", "schemas"})


def attribute_map(settings: "Settings", facts: Facts) -> AttributeMap:
    """The attribute table of a connection. Raises MappingError where `attributes` names what does not exist."""
    mapping = facts.mapping(settings)
    schema = _schema(mapping, facts)
    mapped = {expand(path, schema): path for path in mapping}
    by_path = {path: facts.attributes[mapping[short]] for path, short in mapped.items()}
    for path, each in by_path.items():
        _check(path, each)
    mail = by_path.get('emails[type eq "work"].value')
    table = [*_own(settings, facts), *_names(mail), *_dates(facts, by_path)]
    table += [_mapped(path, each, schema) for path, each in by_path.items()]
    return AttributeMap(schema, table)


def effective(table: AttributeMap) -> ResourceSchema:
    """The schema as it is published.

    What clients cannot write is shown on request, where it stands beside what they can: that reads back as written.
    """
    # nothing in NERM keeps two people from having the same userName
    changes: dict[str, dict[str, Any]] = {"active": {"required": True}, "userName": {"uniqueness": "none"}}
    formatted = table.resource.resolve("name.formatted")
    if formatted is not None and formatted.target.mutability == "readOnly":
        changes["name.formatted"] = {"returned": "request"}
    for each in next(each.schema for each in table.resource.extensions if each.schema.id == URN).attributes:
        if each.mutability == "readOnly":
            changes[f"{URN}:{each.name}"] = {"returned": "request"}
    return overridden(table.resource, changes)


def _check(path: str, attribute: NeAttribute) -> None:
    if "." in attribute.uid:
        raise MappingError(f"{path}: the uid {attribute.uid!r} holds a dot, which cannot be mapped")
    if path in _NOT_ADDRESSED or path.startswith("meta."):
        raise MappingError(f"{path} is the profile's own and cannot be mapped to an attribute")


def _own(settings: "Settings", facts: Facts) -> Iterator[Attribute]:
    """What a profile itself holds; `active` and `type_name` are made of its status and type by `users`."""
    composed = any(each.composes_names for each in facts.people)
    named = {"yes": True, "no": False, "auto": not composed}[settings.writable_name]
    names = "readWrite" if named else "readOnly"
    yield Attribute("id", "id", mutability="readOnly")
    yield Attribute("meta.created", "created_at", TIMESTAMP, mutability="readOnly")
    yield Attribute("meta.lastModified", "updated_at", TIMESTAMP, mutability="readOnly")
    yield Attribute("displayName", "name", mutability=names)
    yield Attribute("name.formatted", "name", mutability=names)
    yield Attribute("active", "active", BOOLEAN)
    yield Attribute("userType", "type_name", mutability="readOnly")
    yield Attribute(STATUS, "status", mutability="readOnly", canonical=STATUSES)
    yield Attribute(f"{URN}:profileTypeId", "profile_type_id", mutability="readOnly")
    yield Attribute(f"{URN}:uid", "uid", mutability="readOnly")
    yield Attribute(f"{URN}:idProofingStatus", "id_proofing_status", mutability="readOnly")


def _names(mail: NeAttribute | None) -> Iterator[Attribute]:
    """userName where nothing is mapped to it: the work e-mail, else what NERM calls the profile by."""
    if mail is None:
        yield Attribute("userName", "uid", mutability="readOnly")
    else:
        yield Attribute("userName", VALUES + mail.uid, mutability="readWrite" if is_writable(mail) else "readOnly")


# -- the extension -----------------------------------------------------------------------------------------------------


def _schema(mapping: dict[str, str], facts: Facts) -> ResourceSchema:
    """The User schema, with an extension of what is NERM's: what every profile has, all dates, and what is mapped."""
    enterprise = any(path.startswith("enterprise.") or ":enterprise:" in path for path in mapping)
    named = {path.removeprefix(f"{URN}:"): uid for path, uid in mapping.items() if path.startswith(f"{URN}:")}
    attributes = [
        _shown("status", "What active is made of"),
        _shown("profileTypeId", "The id of the profile type", exact=True),
        _shown("uid", "What NERM's exports and imports call the profile by", exact=True),
        _shown("idProofingStatus", "pending, pass or fail"),
    ]
    taken = {each.name.lower() for each in attributes}
    for name, uid in {**{each.uid: each.uid for each in shown_dates(facts)}, **named}.items():
        if not _NAME.fullmatch(name) or name.lower() in taken:
            raise MappingError(f"{URN}:{name} cannot be the name of an attribute")
        each = facts.attributes[uid]
        kind = "dateTime" if each.data_type == "date" else "string"
        attributes.append(SchemaAttribute(name, kind, description=each.described))
        taken.add(name.lower())
    extension = Schema(URN, "NermUser", "What NERM knows of a person beyond the core schema", tuple(attributes))
    schema = USER if enterprise else replace(USER, extensions=())
    return schema.extended(Extension(extension))


def _shown(name: str, description: str, *, exact: bool = False) -> SchemaAttribute:
    return SchemaAttribute(name, "string", mutability="readOnly", case_exact=exact, description=description)


def shown_dates(facts: Facts) -> Iterator[NeAttribute]:
    """Dates that are shown without being mapped: contracts begin and end by them."""
    reserved = {"status", "profiletypeid", "uid", "idproofingstatus"}
    seen: set[str] = set()
    for each in facts.attributes.values():
        usable = each.data_type == "date" and not each.archived and not each.encrypted
        folded = each.uid.lower()
        if usable and _NAME.fullmatch(each.uid) and folded not in reserved and folded not in seen:
            seen.add(folded)
            yield each


def _dates(facts: Facts, mapped: dict[str, NeAttribute]) -> Iterator[Attribute]:
    for each in shown_dates(facts):
        if f"{URN}:{each.uid}" not in mapped:
            yield Attribute(f"{URN}:{each.uid}", VALUES + each.uid, day_codec(each), mutability="readOnly")


# -- values ------------------------------------------------------------------------------------------------------------


def _mapped(path: str, attribute: NeAttribute, schema: ResourceSchema) -> Attribute:
    """An attribute that the connection maps: written where its data type allows that."""
    found = schema.resolve(re.sub(r"\[.*\]", "", path))
    if found is None or found.target.type not in ("string", "reference", "dateTime"):
        raise MappingError(f"{path} takes no text, and attributes of NERM are text")
    codec = TEXT
    if attribute.data_type == "date":
        codec = day_codec(attribute) if found.target.type == "dateTime" else _plain_day_codec(attribute)
    writable = found.target.mutability == "readWrite" and is_writable(attribute)
    return Attribute(path, VALUES + attribute.uid, codec, "readWrite" if writable else "readOnly")


def is_writable(attribute: NeAttribute) -> bool:
    """Whether a value can be written by what it reads as."""
    if attribute.data_type.endswith((" select", " search")):
        return is_reference(attribute)
    return attribute.data_type != "attachment" and not attribute.archived


def is_reference(attribute: NeAttribute) -> bool:
    """Whether it names one other profile."""
    return attribute.data_type in ("profile select", "profile search") and not attribute.multiple


def parsed_day(text: Any, attribute: NeAttribute) -> date | None:
    """A date in the attribute's own format; None for what is none."""
    try:
        return datetime.strptime(text, _FORMATS[attribute.date_format or "mm/dd/yyyy"]).date()
    except (TypeError, ValueError, KeyError):
        return None


def told_day(day: date, attribute: NeAttribute) -> str:
    pattern = _FORMATS[attribute.date_format or "mm/dd/yyyy"]
    return pattern.replace("%Y", f"{day.year:04}").replace("%m", f"{day.month:02}").replace("%d", f"{day.day:02}")


def day_codec(attribute: NeAttribute) -> Codec:
    """A day as the instant it begins at in UTC; another time of day has no place in NERM."""

    def read(value: Any) -> str | None:
        day = parsed_day(value, attribute)
        return None if day is None else f"{day.isoformat()}T00:00:00Z"

    def write(value: Any) -> str:
        moment = instant(value) if is_date_time(value) else None
        utc = moment.astimezone(UTC) if isinstance(moment, datetime) and moment.tzinfo is not None else None
        if utc is None or (utc.hour, utc.minute, utc.second, utc.microsecond) != (0, 0, 0, 0):
            raise Rejected("", "a date takes midnight UTC, as in 2026-01-31T00:00:00Z", target=attribute.uid)
        return told_day(utc.date(), attribute)

    return Codec(read, write)


def _plain_day_codec(attribute: NeAttribute) -> Codec:
    """A day as text: 2026-01-31."""

    def read(value: Any) -> str | None:
        day = parsed_day(value, attribute)
        return None if day is None else day.isoformat()

    def write(value: Any) -> str:
        try:
            return told_day(date.fromisoformat(value), attribute)
        except (TypeError, ValueError):
            raise Rejected("", "a date takes the form 2026-01-31", target=attribute.uid) from None

    return Codec(read, write)


def owners(table: AttributeMap, facts: Facts) -> Sequence[tuple[str, NeAttribute]]:
    """Each path that filters can name, and the attribute that holds it."""
    pairs = [(path, field.removeprefix(VALUES)) for path, field in table.paths() if field.startswith(VALUES)]
    return [(path, facts.attributes[uid]) for path, uid in pairs]
