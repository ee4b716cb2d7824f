"""Paging by cursor (RFC 9865)."""

import re
from collections.abc import Mapping
from typing import Any, Final

from scim_bridge.conformance.questions import FEW
from scim_bridge.conformance.requirements import expect, requirement, skip
from scim_bridge.conformance.searches import searched
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.wire import Answer

_ERRORS: Final = frozenset({"invalidCursor", "expiredCursor"})
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]+")


def _pagination(session: Session) -> Mapping[str, Any]:
    stated = session.site.config.get("pagination")
    return stated if isinstance(stated, Mapping) else {}


def _offered(session: Session) -> None:
    """Raises Skipped where the server does not offer cursors, or has nobody to page through."""
    if _pagination(session).get("cursor") is not True:
        skip("ServiceProviderConfig does not offer paging by cursor")
    expect(session.people, "the server has no users")


def _first(session: Session, count: int = 2) -> Answer:
    """The first page of users by cursor. Raises Skipped where the server does not offer cursors."""
    _offered(session)
    return session.get(session.users.endpoint, cursor="", count=count)


def _next(answer: Answer) -> str:
    """The cursor to the page after this. Raises Skipped where there is none."""
    found = answer.ok(200).object.get("nextCursor")
    if found is None:
        skip("the users fit on one page of two: there is no second page to ask for")
    expect(isinstance(found, str) and found, f"{answer.told}: nextCursor is {found!r}")
    return str(found)


def _ids(answer: Answer) -> list[str]:
    return [str(each.get("id")) for each in answer.resources()]


@requirement("U-01", "S", "RFC 9865 section 4", "What a server does of paging by cursor and by index is in its config")
def paging_is_announced(session: Session) -> None:
    stated = _pagination(session)
    if not stated:
        expect(session.people, "the server has no users")
        answer = session.get(session.users.endpoint, cursor="", count=1)
        offered = answer.status == 200 and "nextCursor" in answer.object
        expect(not offered, f"{answer.told} answers a nextCursor, and ServiceProviderConfig has no pagination")
        skip("ServiceProviderConfig has no pagination, and the server shows no cursors")
    for name in ("cursor", "index"):
        expect(isinstance(stated.get(name), bool), f"pagination.{name} is {stated.get(name)!r}, not true or false")
    method = stated.get("defaultPaginationMethod", "index")
    expect(method in ("cursor", "index"), f"pagination.defaultPaginationMethod is {method!r}")
    for name in ("defaultPageSize", "maxPageSize", "cursorTimeout"):
        value = stated.get(name, 1)
        whole = isinstance(value, int) and not isinstance(value, bool) and value > 0
        expect(whole, f"pagination.{name} is {value!r}, not a positive whole number")


@requirement("U-02", "M", "RFC 9865 section 2", "Each page but the last has a nextCursor; together they hold everybody")
def cursors_lead_through_all_pages(session: Session) -> None:
    _offered(session)
    count = max(2, min(session.get(session.users.endpoint, count=0).total, FEW) // 5)
    answer = _first(session, count)
    expect("previousCursor" not in answer.object, f"{answer.told}: the first page has a previousCursor")
    seen = _ids(answer)
    while (cursor := answer.object.get("nextCursor")) is not None and len(seen) <= FEW:
        fits = isinstance(cursor, str) and _UNRESERVED.fullmatch(cursor)
        expect(fits, f"{answer.told}: nextCursor {cursor!r} needs escaping in a URL")
        answer = session.get(session.users.endpoint, cursor=cursor, count=count)
        ids = _ids(answer)
        expect(len(ids) <= count, f"{answer.told} answers {len(ids)} resources, more than count")
        expect(not {*ids} & {*seen}, f"{answer.told} shows users that were on a page before")
        seen += ids
    if len(seen) <= FEW:
        everybody = (
            {str(each["id"]) for each in session.crawl(session.users)} if _has_index(session) else {*_own(session)}
        )
        expect(everybody <= {*seen}, f"the pages by cursor leave out {len(everybody - {*seen})} users")


def _has_index(session: Session) -> bool:
    return _pagination(session).get("index") is True


def _own(session: Session) -> list[str]:
    return [str(each["id"]) for each in session.people]


@requirement("U-03", "S", "RFC 9865 section 2.1", "A garbled or forged cursor answers 400 invalidCursor")
def garbled_cursors_are_refused(session: Session) -> None:
    cursor = _next(_first(session))
    for garbled in (session.name(), cursor[: len(cursor) // 2], cursor + "A"):
        answer = session.get(session.users.endpoint, cursor=garbled, count=2)
        answer.refused(400, types=_ERRORS)


@requirement("U-04", "S", "RFC 9865 section 2.1", "A cursor serves only the query it was given for")
def a_cursor_serves_one_query(session: Session) -> None:
    """The client must send all other parameters as before; what a server makes of another count is left to it."""
    cursor = _next(_first(session))
    changed: list[dict[str, Any]] = [{"filter": "userName pr"}] if session.site.supports("filter") else []
    changed += [{"sortBy": "userName", "sortOrder": "descending"}] if session.site.supports("sort") else []
    for each in changed:
        session.get(session.users.endpoint, cursor=cursor, count=2, **each).refused(400, types=_ERRORS)
    other = session.get(session.users.endpoint, cursor=cursor, count=3)
    if other.status == 400:
        other.refused(400, types=_ERRORS | {"invalidCount"})
    else:
        expect(len(other.resources()) <= 3, f"{other.told} answers more than count")


@requirement("U-05", "M", "RFC 9865 section 3", "Cursors work in a search by POST")
def cursors_work_in_searches(session: Session) -> None:
    by_get = _first(session)
    cursor = _next(by_get)
    first = searched(session, session.users.endpoint, cursor="", count=2)
    expect(_ids(first) == _ids(by_get), f"{first.told} with an empty cursor shows other users than {by_get.told}")
    expect(first.object.get("nextCursor"), f"{first.told} with an empty cursor answers no nextCursor; a GET does")
    second = searched(session, session.users.endpoint, cursor=_next(first), count=2)
    after = session.get(session.users.endpoint, cursor=cursor, count=2)
    expect(_ids(second) == _ids(after), f"{second.told}: the second page by cursor is not that of {after.told}")


@requirement("U-06", "S", "RFC 9865 section 2.4", "Where both are offered, a client that asks for none gets an index")
def index_stays_the_default(session: Session) -> None:
    _first(session)
    if not _has_index(session):
        skip("the server does not offer paging by index")
    method = _pagination(session).get("defaultPaginationMethod", "index")
    expect(method == "index", f"pagination.defaultPaginationMethod is {method!r}, which old clients cannot page by")
    answer = session.get(session.users.endpoint, count=2)
    expect("nextCursor" not in answer.object, f"{answer.told} answers a nextCursor that nobody asked for")
    second = session.get(session.users.endpoint, startIndex=2, count=1)
    expect(_ids(second) == _ids(answer)[1:2], f"{second.told} shows another user than {answer.told} has second")


@requirement("U-07", "M", "RFC 9865 section 5.2", "A cursor is of use only to the client that it was given to")
def a_cursor_is_no_credential(session: Session) -> None:
    """That another client of the server cannot use it takes a second client to see."""
    cursor = _next(_first(session))
    headers = {"Authorization": None}
    if session.wire.send("GET", session.users.endpoint, params={"count": 1}, headers=headers).status == 200:
        skip("the server asks for no credentials, so that clients cannot be told apart")
    params = {"cursor": cursor, "count": 2}
    session.wire.send("GET", session.users.endpoint, params=params, headers=headers).ok(401)


@requirement("U-08", "S", "RFC 9865 section 5.3", "A cursor is opaque: one that was tampered with is refused")
def tampered_cursors_are_refused(session: Session) -> None:
    cursor = _next(_first(session))
    for at in sorted({0, len(cursor) // 4, len(cursor) // 2, len(cursor) * 3 // 4}):
        other = "B" if cursor[at] != "B" else "C"
        answer = session.get(session.users.endpoint, cursor=cursor[:at] + other + cursor[at + 1 :], count=2)
        answer.refused(400, types=_ERRORS)
