"""People of NERM as SCIM Users: the ways to read them, what of a filter each evaluates, and what is shown."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from scim_bridge.comparison import instant, is_date_time
from scim_bridge.providers.sailpoint_nerm import advanced
from scim_bridge.providers.sailpoint_nerm.common import identity, is_id, item, pages
from scim_bridge.providers.sailpoint_nerm.errors import none_found
from scim_bridge.providers.sailpoint_nerm.facts import Facts, NeAttribute
from scim_bridge.providers.sailpoint_nerm.fields import STATUSES, attribute_map, effective, owners
from scim_bridge.providers.sailpoint_nerm.user_writes import UserWrites, is_as_left
from scim_bridge.query.capabilities import NOTHING, AccessPath, Collection, Either, Params, Rendered, Row, Rule, ops
from scim_bridge.query.pagers import BodyCursor
from scim_bridge.query.remembered import Remembered

if TYPE_CHECKING:
    from scim_bridge.attributes import AttributeMap
    from scim_bridge.providers.sailpoint_nerm import Settings

LARGEST_PAGE: Final = 500
Named = Callable[[str], Params]
"""A value as the parameter of one access path."""


def active_statuses(settings: "Settings") -> frozenset[str]:
    return frozenset({"Active", "On Leave"} if settings.on_leave_is_active else {"Active"})


def collection(settings: "Settings", facts: Facts) -> Collection:
    """The Users of one connection."""
    table = attribute_map(settings, facts)
    active, remembered = active_statuses(settings), Remembered()
    types = {each.id: each.name for each in facts.people}

    def shown(row: Row) -> dict[str, Any]:
        """A profile with what SCIM shows of its status and type."""
        return {**row, "active": row.get("status") in active, "type_name": types.get(str(row.get("profile_type_id")))}

    def gone(row: Row) -> bool:
        """Whether a DELETE took the person away; who has changed since is back."""
        mark = remembered.mark(row.get("id"))
        if mark is None or is_as_left(row, mark):
            return mark is not None
        remembered.forget(row["id"])
        return False

    def visible(row: Row) -> bool:
        return row.get("profile_type_id") in types and row.get("archived") is not True and not gone(row)

    names_itself = dict(table.paths())["userName"] == "uid"
    return Collection(
        resource=effective(table),
        reads=_reads(settings, facts, table),
        item=item("profiles", "profile"),
        decode=lambda row: table.decode(shown(row)),
        writes=UserWrites(settings, facts, table, remembered).writes(),
        visible=visible,
        remembered=remembered,
        is_id=is_id,
        written=table.aligned,
        supplied=frozenset({"active", *(["userName"] if names_itself else [])}),
        homeless=table.homeless,
        no_place=table.no_place,
    )


# -- access paths ------------------------------------------------------------------------------------------------------


def _reads(settings: "Settings", facts: Facts, table: "AttributeMap") -> tuple[AccessPath, ...]:
    """By ascending id for reading everything, by number for pages, by advanced search for what narrows."""
    typed = tuple({"profile_type_id": each.id} for each in facts.people)
    ordered: Params = {"order": settings.list_order} if settings.list_order else {}
    sorts = {("meta.created", "ascending"): ordered} if settings.list_order == "created_at" else {}
    by_id = AccessPath(
        "/profiles",
        rows="profiles",
        # The end is an error, or an empty list; the id of the last row leads on, whatever `_metadata` says.
        pager=BodyCursor("after_id", "profiles.-1.id", "limit", settings.page_size),
        rules=tuple(_type_rules(table, facts, lambda each: {"profile_type_id": each})),
        fixed={"after_id": ""},
        partitions=typed,
        in_scope=False,  # archived profiles come too, and only here
        absent=none_found,
        identity=identity,
    )
    by_number = AccessPath(
        "/profiles",
        rows="profiles",
        pager=pages(settings.page_size),
        rules=tuple(_list_rules(settings, table, facts)),
        fixed={"metadata": "true", **ordered},
        partitions=typed,
        sorts=sorts,
        text_match=settings.native_text_match,
        absent=none_found,
        identity=identity,
    )
    if not settings.advanced_search:
        return by_id, by_number
    rules = tuple(_search_rules(settings, table, facts))
    searched = tuple(advanced.of_type(each.id) for each in facts.people)
    return by_id, by_number, advanced.path(rules, searched, settings.native_text_match, ordered)


def _type_rules(table: "AttributeMap", facts: Facts, named: Named) -> Iterator[Rule]:
    """`eq` on the name or the id of the profile type: which lists are read."""
    ids = {each.id: (each.id,) for each in facts.people}
    names: dict[str, tuple[str, ...]] = {}
    for each in facts.people:
        names[each.name.lower()] = (*names.get(each.name.lower(), ()), each.id)
    for path, field in table.paths():
        if field == "profile_type_id":
            yield Rule(path, ops("eq"), _looked_up(ids, named, str), folds=False)
        elif field == "type_name":
            yield Rule(path, ops("eq"), _looked_up(names, named, str.lower), folds=False)


def _looked_up(known: Mapping[str, tuple[str, ...]], named: Named, key: Callable[[str], str]) -> Any:
    def render(operator: str, value: Any) -> Rendered:
        if not isinstance(value, str) or not value.isascii():
            return None
        found = known.get(key(value), ())
        return Either(tuple(map(named, found)), apart=True) if found else NOTHING

    return render


def _list_rules(settings: "Settings", table: "AttributeMap", facts: Facts) -> Iterator[Rule]:
    """The filters of the plain list: one parameter each."""
    yield from _type_rules(table, facts, lambda each: {"profile_type_id": each})
    yield from _status_rules(settings, table, lambda each: {"status": each}, None)
    for path, field in table.paths():
        if field == "name":
            # It may compare in any way, or find parts: what comes is checked.
            yield Rule(path, ops("eq"), _plain_text("name"), exact=False)
        elif field == "updated_at":
            yield Rule(path, ops("gt ge"), _since, exact=False, folds=False)


def _plain_text(parameter: str) -> Callable[[str, Any], Rendered]:
    def render(operator: str, value: Any) -> Rendered:
        usable = isinstance(value, str) and value.isascii() and value.isprintable() and value == value.strip()
        return {parameter: value} if usable else None

    return render


def _since(operator: str, value: Any) -> Rendered:
    """Days only, in a zone that is not told: the day before in UTC is early enough anywhere."""
    moment = instant(value) if is_date_time(value) else None
    if not isinstance(moment, datetime):
        return None
    try:
        utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        return {"updated_after": (utc.date() - timedelta(days=1)).isoformat()}
    except OverflowError:
        return None


def _status_rules(settings: "Settings", table: "AttributeMap", named: Named, denied: Named | None) -> Iterator[Rule]:
    """`active` and the status itself; ``denied``: everything but one status, where the path can say so."""
    active = active_statuses(settings)

    def any_of(statuses: frozenset[str]) -> Rendered:
        if denied is not None and len(statuses) == len(STATUSES) - 1:
            return denied(next(each for each in STATUSES if each not in statuses))
        return Either(tuple(named(each) for each in STATUSES if each in statuses), apart=True)

    def by_active(operator: str, value: Any) -> Rendered:
        wanted = active if value is True else frozenset(STATUSES) - active
        return any_of(wanted) if isinstance(value, bool) else None

    def by_status(operator: str, value: Any) -> Rendered:
        if not isinstance(value, str) or not value.isascii():
            return None
        status = next((each for each in STATUSES if each.lower() == value.lower()), None)
        return NOTHING if status is None else named(status)

    for path, field in table.paths():
        if field == "active":
            yield Rule(path, ops("eq"), by_active, folds=False, share=0.5)
        elif field == "status":
            yield Rule(path, ops("eq"), by_status, folds=False, share=0.5)


def _search_rules(settings: "Settings", table: "AttributeMap", facts: Facts) -> Iterator[Rule]:
    """What advanced search evaluates."""
    yield from _type_rules(table, facts, advanced.of_type)
    yield from _status_rules(settings, table, advanced.of_status, advanced.not_of_status)
    held: dict[str, list[NeAttribute]] = {}
    for path, attribute in owners(table, facts):
        held.setdefault(path, []).append(attribute)

    def typed(path: str) -> str:
        found = table.resource.resolve(path)
        return found.target.type if found is not None else ""

    yield from advanced.attribute_rules(held, typed)
