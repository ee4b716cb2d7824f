"""OneLogin events as SCIM Activities: who did what to whom, when, and from where."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from scim_bridge.attributes import TIMESTAMP, Attribute, AttributeMap
from scim_bridge.codecs import INTEGER
from scim_bridge.comparison import folded
from scim_bridge.providers.onelogin.common import ID, TIME_OPERATORS, bounds, filling, id_rule, identity, is_id, item
from scim_bridge.query.capabilities import NOTHING, AccessPath, Collection, Rendered, Row, Rule, ops
from scim_bridge.query.pagers import BodyCursor
from scim_bridge.schemas import ACTIVITY, Extension, Schema, SchemaAttribute
from scim_bridge.upstream.errors import BadAnswer

if TYPE_CHECKING:
    from scim_bridge.providers.onelogin import Settings

EVENTS: Final = "/api/1/events"
URN: Final = "urn:scim-bridge:schemas:1.0:onelogin:Activity"
FAILED: Final = frozenset({6, 50, 116, 400, 401, 532, 534})
"""Types that say that something did not happen (vendor: Event types); others than these two sets tell nothing."""
DONE: Final = frozenset(
    (1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 14, 15, 16, 17, 19, 21, 22, 24, 32, 33, 72, 73, 115, 147, 148, 149, 150)
) | {189, 190, 191, 192, 193, 202, 510, 511, 512, 513, 514, 516, 529, 530, 531, 533}
ATTRIBUTES: Final = (
    Attribute("id", "id", ID),
    Attribute("meta.created", "created_at", TIMESTAMP),
    Attribute("published", "created_at", TIMESTAMP),
    Attribute("type", "type_name"),
    Attribute("description", "sentence"),
    Attribute("outcome", "outcome"),
    Attribute("actor.value", "actor_user_id", ID),
    Attribute("actor.display", "actor_name"),
    Attribute("actor.type", "actor_kind"),
    Attribute("target.value", "user_id", ID),
    Attribute("target.display", "user_name"),
    Attribute("target.type", "target_kind"),
    Attribute("ipAddress", "ipaddr"),
    Attribute(f"{URN}:eventTypeId", "event_type_id", INTEGER),
    Attribute(f"{URN}:appId", "app_id", ID),
    Attribute(f"{URN}:appName", "app_name"),
    Attribute(f"{URN}:roleId", "role_id", ID),
    Attribute(f"{URN}:roleName", "role_name"),
    Attribute(f"{URN}:groupId", "group_id", ID),
    Attribute(f"{URN}:groupName", "group_name"),
    Attribute(f"{URN}:directoryId", "directory_id", ID),
    Attribute(f"{URN}:clientId", "client_id"),
    Attribute(f"{URN}:errorDescription", "error_description"),
    Attribute(f"{URN}:notes", "notes"),
    Attribute(f"{URN}:riskScore", "risk_score", INTEGER),
)
_PLACE: Final = re.compile(r"%(\w+)%")


def _fact(name: str, description: str, type: str = "string", *, exact: bool = False) -> SchemaAttribute:
    return SchemaAttribute(name, type, mutability="readOnly", case_exact=exact, description=description)


EXTENSION: Final = Schema(
    URN,
    "OneLoginActivity",
    "What OneLogin knows of an event beyond the core schema",
    (
        _fact("eventTypeId", "The number of the event's type", "integer"),
        _fact("appId", "The application that was involved", exact=True),
        _fact("appName", "Its name"),
        _fact("roleId", "The role that was involved", exact=True),
        _fact("roleName", "Its name"),
        _fact("groupId", "The group that was involved", exact=True),
        _fact("groupName", "Its name"),
        _fact("directoryId", "The directory that was involved", exact=True),
        _fact("clientId", "The API credential that was used", exact=True),
        _fact("errorDescription", "What went wrong"),
        _fact("notes", "More about the event"),
        _fact("riskScore", "How risky signing in was judged", "integer"),
    ),
)


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event: its number, its name, and a sentence with places such as %user%."""

    id: int
    name: str
    sentence: str = ""

    @classmethod
    def of(cls, row: Any) -> "EventType | None":
        """What the API lists; None for what is no type."""
        if not isinstance(row, Mapping) or not isinstance(row.get("id"), int):
            return None
        return cls(row["id"], str(row.get("name") or row["id"]), str(row.get("description") or ""))


def _event(row: Row) -> Row | None:
    """The event in an answer; raises BadAnswer where that has no list of one: that is not "not found"."""
    found = row.get("data")
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise BadAnswer("", "an event did not come as a list of one")
    return found[0] if found else None


def collection(settings: "Settings", types: tuple[EventType, ...]) -> Collection:
    """The Activities of one connection; ``types``: those that are known by name, others go by number."""
    # Two paths share a field: nothing here is ever written, so none of them has to lead.
    table = AttributeMap(ACTIVITY.extended(Extension(EXTENSION, required=False)), ATTRIBUTES)
    by_id = {each.id: each for each in types}
    listed = AccessPath(
        EVENTS,
        rows="data",
        pager=BodyCursor("after_cursor", "pagination.after_cursor", "limit", settings.event_page_size),
        rules=(
            Rule("published", TIME_OPERATORS, bounds("since", "until"), exact=False, folds=False),
            Rule("type", ops("eq"), _by_type(by_id), folds=False),
            id_rule("target.value", filling("user_id")),
            Rule(f"{URN}:eventTypeId", ops("eq"), _by_number, folds=False),
            id_rule(f"{URN}:directoryId", filling("directory_id")),
        ),
        identity=identity,
    )
    return Collection(
        resource=table.resource,
        reads=(listed,),
        item=replace(item(f"{EVENTS}/{{id}}"), unwrap=_event),
        decode=lambda row: table.decode(completed(row, by_id)),
        is_id=is_id,
        endless=True,
    )


def completed(row: Row, types: Mapping[int, EventType]) -> Row:
    """An event as the table reads it."""
    number = row.get("event_type_id")
    kind = types.get(number) if isinstance(number, int) else None
    by_user = row.get("actor_user_id") is not None
    return {
        **row,
        "type_name": kind.name if kind else None if number is None else str(number),
        "sentence": _sentence(row, kind) or row.get("custom_message") or row.get("notes"),
        "outcome": _outcome(row),
        "actor_name": row.get("actor_user_name") or row.get("actor_system"),
        "actor_kind": "User" if by_user else "System" if row.get("actor_system") else None,
        "target_kind": "User" if row.get("user_id") is not None else None,
    }


def _sentence(row: Row, kind: EventType | None) -> str | None:
    """The type's sentence with names in its places, as far as the event has them."""
    if kind is None:
        return None
    return _PLACE.sub(lambda place: str(row.get(f"{place[1]}_name") or place[0]), kind.sentence)


def _outcome(row: Row) -> str | None:
    number = row.get("event_type_id")
    if row.get("error_description") or number in FAILED:
        return "failure"
    return "success" if number in DONE else None


def _by_type(types: Mapping[int, EventType]) -> Any:
    """Events by the name of their type, in any case; those of unnamed types by their number."""
    named: dict[str, list[str]] = {}
    for each in types.values():
        named.setdefault(folded(each.name), []).append(str(each.id))

    def render(operator: str, value: Any) -> Rendered:
        found = named.get(folded(value), [])
        if isinstance(value, str) and is_id(value) and int(value) not in types:
            found = [*found, value]
        return {"event_type_id": ",".join(found)} if found else NOTHING

    return render


def _by_number(operator: str, value: Any) -> Rendered:
    return {"event_type_id": str(int(value))} if value > 0 else NOTHING
