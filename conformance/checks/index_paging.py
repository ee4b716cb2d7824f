"""Paging by index (RFC 7644 section 3.4.2.4)."""

from typing import Any, Final

from scim_bridge.conformance.questions import FEW
from scim_bridge.conformance.requirements import expect, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.wire import Answer

_SOURCE: Final = "RFC 7644 section 3.4.2.4"


def _page(session: Session, **params: Any) -> Answer:
    """A page of users; the session has some to look at."""
    expect(session.people, "the server has no users")
    return session.get(session.users.endpoint, **params)


def _ids(answer: Answer) -> list[str]:
    return [str(each.get("id")) for each in answer.resources()]


def _same(one: Answer, other: Answer) -> None:
    expect(_ids(one) == _ids(other), f"{one.told} shows other users than {other.told}")
    expect(one.total == other.total, f"{one.told} has totalResults {one.total}, {other.told} {other.total}")


@requirement("P-01", "M", _SOURCE, "A startIndex below 1 means 1")
def low_start_is_the_first(session: Session) -> None:
    first = _page(session, startIndex=1, count=2)
    for start in (0, -3):
        answer = _page(session, startIndex=start, count=2)
        _same(answer, first)
        stated = answer.object.get("startIndex", 1)
        expect(stated == 1, f"{answer.told} says it starts at {stated!r}, not at 1")


@requirement("P-02", "M", _SOURCE, "count=0 answers the total without resources")
def count_zero_is_the_total(session: Session) -> None:
    _only_the_total(session, 0)


@requirement("P-03", "M", _SOURCE, "A negative count means 0")
def negative_count_is_zero(session: Session) -> None:
    _only_the_total(session, -1)


def _only_the_total(session: Session, count: int) -> None:
    answer, whole = _page(session, count=count), _page(session)
    expect(not answer.resources(), f"{answer.told} answers {len(answer.resources())} resources, not none")
    expect(answer.total == whole.total, f"{answer.told}: totalResults is {answer.total}; without count, {whole.total}")
    expect(
        whole.total >= len(session.people), f"{whole.told}: totalResults is {whole.total}, less than there are users"
    )


@requirement("P-04", "M", _SOURCE, "A startIndex past the end is an empty page")
def past_the_end_is_empty(session: Session) -> None:
    total = _page(session, count=0).total
    for start in (total + 1, total + 1000):
        answer = _page(session, startIndex=start, count=5)
        expect(not answer.resources(), f"{answer.told} shows users, though there are {total}")
        expect(answer.total == total, f"{answer.told}: totalResults is {answer.total}, not {total}")


@requirement("P-05", "M", _SOURCE, "Pages hold no more than count, say how many they hold, neither overlap nor lose")
def pages_add_up(session: Session) -> None:
    total = _page(session, count=0).total
    count = max(2, min(total, FEW) // 5 + 1)
    seen: list[str] = []
    while len(seen) < min(total, FEW):
        answer = _page(session, startIndex=len(seen) + 1, count=count)
        ids, stated = _ids(answer), answer.object.get("itemsPerPage")
        expect(ids, f"{answer.told} is empty, though totalResults is {total}")
        expect(len(ids) <= count, f"{answer.told} answers {len(ids)} resources, more than count")
        expect(stated in (None, len(ids)), f"{answer.told}: itemsPerPage is {stated!r}, and there are {len(ids)}")
        expect(answer.total == total, f"{answer.told}: totalResults is {answer.total}, on the first page {total}")
        seen += ids
    expect(len({*seen}) == len(seen), f"pages of {count} users show some of them twice, and so leave out others")
    if total <= FEW:
        own = {str(each["id"]) for each in session.people}
        expect(own <= {*seen}, f"pages of {count} users leave out {len(own - {*seen})} that are there")


@requirement("P-06", "M", _SOURCE, "A count above the maximum is capped, not refused")
def high_count_is_capped(session: Session) -> None:
    stated = session.site.config.get("filter")
    maximum = stated.get("maxResults") if isinstance(stated, dict) else None
    for count in [*([maximum + 1] if isinstance(maximum, int) and maximum else []), 1_000_000]:
        answer = _page(session, startIndex=1, count=count)
        rows = answer.resources()
        expect(rows, f"{answer.told} is empty, though totalResults is {answer.total}")
        expect(len(rows) <= (maximum or count), f"{answer.told} answers {len(rows)}, more than filter.maxResults")


@requirement(
    "P-07", "S", "RFC 7644 section 3.12", "A startIndex or count that is no whole number answers 400 invalidValue"
)
def other_than_whole_numbers_are_refused(session: Session) -> None:
    for name in ("startIndex", "count"):
        for value in ("one", "1.5"):
            _page(session, **{name: value}).refused(400, types={"invalidValue"})


@requirement(
    "P-08", "M", "RFC 7644 section 3.4.2", "totalResults, startIndex and itemsPerPage are whole numbers in a page"
)
def numbers_are_numbers(session: Session) -> None:
    for start in (1, 2):
        answer = _page(session, startIndex=start, count=1)
        body = answer.object
        for name in ("totalResults", "startIndex", "itemsPerPage"):
            found = body.get(name)
            fits = isinstance(found, int) and not isinstance(found, bool)
            expect(fits, f"{answer.told}: {name} is {found!r}, not a whole number")
        expect(body["startIndex"] == start, f"{answer.told}: startIndex is {body['startIndex']}, not {start}")


@requirement("P-09", "M", "RFC 7644 section 3.4.2.1", "A result too large to page is refused with 400 tooMany")
def too_large_a_result_is_refused(session: Session) -> None:
    for params in ({}, {"filter": "userName pr"}, {"filter": "not (id pr)"}):
        if params and not session.site.supports("filter"):
            continue
        answer = _page(session, **params)
        if answer.status == 400:
            answer.refused(400, types={"tooMany"})
            return
        answer.resources()
    skip("the server answers all it has in pages; too large a result cannot be made here")
