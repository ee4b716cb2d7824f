"""Sorting (RFC 7644 section 3.4.2.3)."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Final

from scim_bridge.conformance.questions import FEW, compared_as, holding, instant, order
from scim_bridge.conformance.requirements import Skipped, expect, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import Attribute, read

_SOURCE: Final = "RFC 7644 section 3.4.2.3"


def _sorted(session: Session, known: Sequence[Mapping[str, Any]], **params: Any) -> list[dict[str, Any]]:
    """All users in an order, or only the known ones where those are more than FEW.

    Raises Skipped where the server does not offer sorting.
    """
    session.site.needs("sort")
    path = session.users.endpoint
    if session.get(path, count=0).total > FEW:
        session.site.needs("filter")
        params["filter"] = " or ".join(f'id eq "{each["id"]}"' for each in known)
    return session.crawl(session.users, **params)


def _key(resource: Mapping[str, Any], attribute: Attribute) -> Any:
    """What a resource is ordered by, None if it has no value; of several values the primary one, else the first."""
    found = read(resource, attribute.path)
    if isinstance(found, list):
        name, _, _ = attribute.path.partition(".")
        primary = [each for each in resource.get(name, ()) if isinstance(each, Mapping) and each.get("primary") is True]
        found = primary[0].get(attribute.name) if primary else (found or [None])[0]
    if attribute.type == "dateTime":
        return instant(found)
    if isinstance(found, str):
        return found if attribute.case_exact else found.casefold()
    return found


def _order(one: Any, other: Any) -> int | None:
    if isinstance(one, str) and isinstance(other, str):
        return order(one, other)
    return int(one > other) - int(one < other)


def _in_order(rows: Sequence[Mapping[str, Any]], attribute: Attribute, told: str, *, descending: bool) -> None:
    """Raises Failed where rows are out of order, or those without a value not last (first, descending).

    No RFC says which of these two an empty text is.
    """
    keys = [key for each in rows if (key := _key(each, attribute)) != ""]
    values = [each for each in keys if each is not None]
    without = [None] * (len(keys) - len(values))
    expect(
        keys == (without + values if descending else values + without),
        f"{told}: the {len(without)} users without {attribute.path} are not {'first' if descending else 'last'}",
    )
    for earlier, later in combinations(reversed(values) if descending else values, 2):
        expect(_order(earlier, later) != 1, f"{told}: {earlier} and {later} are out of order")


def _judge(session: Session, path: str, known: Sequence[Mapping[str, Any]], written: str = "") -> None:
    """Sort by an attribute in each direction; unasked, the order is ascending."""
    attribute = compared_as(session.users, path)
    wanted = {str(each["id"]) for each in known}
    for direction in ("", "ascending", "descending"):
        params = {"sortBy": written or path} | ({"sortOrder": direction} if direction else {})
        rows = _sorted(session, known, **params)
        told = f"{session.users.endpoint} sorted by {written or path} {direction}".rstrip()
        lost = wanted - {str(each.get("id")) for each in rows}
        expect(not lost, f"{told} leaves out {len(lost)} users, such as {sorted(lost)[:1]}")
        _in_order(rows, attribute, told, descending=direction == "descending")


@requirement("O-01", "M", _SOURCE, "Users sort by any single attribute, ascending unless asked; no value comes last")
def any_attribute_sorts(session: Session) -> None:
    session.site.needs("sort")
    for path in ("userName", "title", "displayName"):
        if holding(session.people, path):
            _judge(session, path, session.people)


@requirement(
    "O-02", "M", _SOURCE, "Sub-attributes and URN-qualified names sort; a complex attribute's bare name is refused"
)
def paths_sort(session: Session) -> None:
    session.site.needs("sort")
    if holding(session.people, "name.familyName"):
        _judge(session, "name.familyName", session.people)
    _judge(session, "userName", session.people, f"{session.users.schema}:userName")
    complex = next(
        (each for each in session.users.attributes if each.type == "complex" and not each.multi_valued), None
    )
    if complex is not None:
        session.get(session.users.endpoint, sortBy=complex.path).refused(400)


@requirement("O-03", "M", _SOURCE, "A multi-valued attribute sorts by its primary value, else by its first")
def the_primary_value_sorts(session: Session) -> None:
    session.site.needs("sort")
    known = [*session.people, *_with_primary(session)]
    path = next((each for each in ("emails.value", "phoneNumbers.value") if holding(known, each)), None)
    if path is None:
        skip("no user at hand has a multi-valued attribute to sort by")
    _judge(session, path, known)


def _with_primary(session: Session) -> list[dict[str, Any]]:
    """Two users whose order by their primary address is not that by their first, where the server lets them be made."""
    primary = session.users.attribute("emails.primary")
    if primary is None or not primary.writable:
        return []
    name = session.name()
    first = [
        {"value": f"z-{name}@example.com", "type": "work"},
        {"value": f"a-{name}@example.com", "type": "home", "primary": True},
    ]
    second = [{"value": f"m-{name}@example.com", "type": "work", "primary": True}]
    try:
        return [session.made(session.users, emails=each) for each in (first, second)]
    except Skipped:
        return []


@requirement("O-04", "M", _SOURCE, "Text sorts by its case rule, dates by instant; an unknown sortOrder answers 400")
def types_sort_as_they_are(session: Session) -> None:
    session.site.needs("sort")
    path, known = _mixed_case(session)
    _judge(session, path, known)
    if holding(session.people, "meta.lastModified"):
        _judge(session, "meta.lastModified", session.people)
    session.get(session.users.endpoint, sortBy="userName", sortOrder="sideways").refused(400)


def _mixed_case(session: Session) -> tuple[str, list[dict[str, Any]]]:
    """An attribute and users whose order depends on whether case counts, where they can be made."""
    try:
        path, name = session.text(session.users, kept=True).path, session.name()
        made = [session.made(session.users, **{path: f"{each} {name}"}) for each in ("b", "C", "a", "B1")]
    except Skipped:
        return "userName", session.people
    return path, made


@requirement(
    "O-05", "I", "Okta; RFC 7644 section 3.4.2.4", "Equal values have a fixed order, so that pages are the same"
)
def pages_are_the_same_each_time(session: Session) -> None:
    expect(session.people, "the server has no users")
    for params in ({"sortBy": "userName"}, {"sortBy": "meta.resourceType"}, {}):
        if params and not session.site.supports("sort"):
            continue
        runs = [_paged(session, **params) for _ in range(2)]
        told = f"{session.users.endpoint} in pages of 2{f' by {params}' if params else ''}"
        expect(runs[0] == runs[1], f"{told} has another order the second time")
        expect(len({*runs[0]}) == len(runs[0]), f"{told} shows a user on two pages")


def _paged(session: Session, **params: Any) -> list[str]:
    """The ids of the first users, page by page."""
    pages = (session.get(session.users.endpoint, startIndex=each, count=2, **params) for each in (1, 3, 5))
    return [str(row.get("id")) for page in pages for row in page.resources()]
