"""How each kind of list says where it goes on, where it ends, and how long it is."""

from typing import Any

import httpx
import pytest

from scim_bridge.query.capabilities import FOLLOW, SEEN, Pager, Params, Start
from scim_bridge.query.pagers import BodyCursor, Link, Offset, OnePage, PageNumber, Total, dig
from scim_bridge.upstream.errors import BadAnswer
from scim_bridge.upstream.reply import Reply

BODY = Total(body="meta.total")
HEADER = Total(header="X-Total-Count")


def reply(body: Any = None, **headers: str) -> Reply:
    return Reply(200, body, httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()}))


def total(count: int) -> Reply:
    return reply({"meta": {"total": count}})


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", {"a": {"b": [1, {"c": 2}]}}),
        ("a.b", [1, {"c": 2}]),
        ("a.b.0", 1),
        ("a.b.-1.c", 2),
        ("a.b.2", None),
        ("a.b.-3", None),
        ("a.b.x", None),
        ("a.x.y", None),
        ("a.b.0.c", None),
    ],
)
def test_a_dotted_path_leads_into_objects_and_lists(path: str, found: Any) -> None:
    assert dig({"a": {"b": [1, {"c": 2}]}}, path) == found


@pytest.mark.parametrize(
    ("where", "answer", "stated"),
    [
        (BODY, total(7), 7),
        (BODY, reply({"meta": {"total": "7"}}), 7),
        (BODY, reply({"meta": {"total": None}}), None),
        (BODY, reply({"meta": {"total": True}}), None),
        (BODY, reply({"meta": {"total": -1}}), None),
        (BODY, reply({"meta": {"total": "many"}}), None),
        (BODY, reply([]), None),
        (HEADER, reply(x_total_count="0"), 0),
        (HEADER, reply(), None),
        (Total(), total(7), None),
    ],
)
def test_a_total_is_a_whole_number_or_none_is_stated(where: Total, answer: Reply, stated: int | None) -> None:
    assert where(answer) == stated


@pytest.mark.parametrize(
    ("pager", "offset", "start"),
    [
        (OnePage(), 5, Start({}, 0)),
        (Link("next", "limit", 9), 5, Start({"limit": "3"}, 0)),
        (BodyCursor("after", "next", "limit", 9), 5, Start({"limit": "3"}, 0)),
        (Offset("offset", "limit", 9), 5, Start({"offset": "5", "limit": "3"}, 5)),
        (Offset("startIndex", "count", 9, base=1), 5, Start({"startIndex": "6", "count": "3"}, 5)),
        (PageNumber("page", "limit", 9), 5, Start({"page": "2", "limit": "3", SEEN: "3"}, 3, counted=True)),
        (PageNumber("page", "limit", 9, first=0), 2, Start({"page": "0", "limit": "3", SEEN: "0"}, 0)),
    ],
)
def test_a_list_is_entered_as_near_as_its_kind_allows(pager: Pager, offset: int, start: Start) -> None:
    assert pager.start(offset, 3) == start
    assert pager.random_access is (start.offset > 0 or isinstance(pager, PageNumber))


@pytest.mark.parametrize(
    ("pager", "sent", "answer", "rows", "following"),
    [
        (OnePage(), {}, reply([1]), 1, None),
        (Link("next", "limit", 9), {}, reply({"next": "/b"}), 0, {FOLLOW: "/b"}),
        (Link("next", "limit", 9), {}, reply({"next": ""}), 3, None),
        (Link("next", "limit", 9), {}, reply({}), 3, None),
        (
            BodyCursor("after", "next", "limit", 9),
            {"limit": "3"},
            reply({"next": 7}),
            3,
            {"limit": "3", "after": "7"},
        ),
        (BodyCursor("after", "next", "limit", 9), {"after": "7"}, reply({"next": None}), 3, None),
        (BodyCursor("after", "rows.-1.id", "limit", 9), {}, reply({"rows": [{"id": "x"}]}), 1, {"after": "x"}),
        (BodyCursor("after", "rows.-1.id", "limit", 9), {"after": "x"}, reply({"rows": []}), 0, None),
        # the rows that came count, not those asked for
        (
            Offset("offset", "limit", 9),
            {"offset": "10", "limit": "3"},
            reply([]),
            2,
            {"offset": "12", "limit": "3"},
        ),
        (Offset("offset", "limit", 9), {"offset": "10", "limit": "3"}, reply([]), 0, None),
        (Offset("offset", "limit", 9, total_at=BODY), {"offset": "10", "limit": "3"}, total(13), 3, None),
        (Offset("o", "l", 9, base=1, total_at=BODY), {"o": "11", "l": "3"}, total(13), 3, None),
        # more rows than the total says: it is wrong
        (Offset("o", "l", 9, total_at=BODY), {"o": "10", "l": "3"}, total(12), 3, {"o": "13", "l": "3"}),
        (PageNumber("p", "l", 9), {"p": "2", "l": "3", SEEN: "3"}, reply([]), 2, {"p": "3", "l": "3", SEEN: "5"}),
        (PageNumber("p", "l", 9), {"p": "2", "l": "3", SEEN: "3"}, reply([]), 0, None),
        (PageNumber("p", "l", 9, total_at=BODY), {"p": "2", "l": "3", SEEN: "3"}, total(5), 2, None),
    ],
)
def test_a_page_is_followed_by_another_or_the_end(
    pager: Pager, sent: Params, answer: Reply, rows: int, following: Params | None
) -> None:
    assert pager.next(sent, answer, rows) == following


def test_a_link_that_is_no_text_is_an_error() -> None:
    with pytest.raises(BadAnswer):
        Link("next", "limit", 9).next({}, reply({"next": {"href": "/b"}}), 3)


def test_a_last_row_without_what_leads_on_is_an_error_and_no_end() -> None:
    with pytest.raises(BadAnswer, match="no id to go on from"):
        BodyCursor("after", "rows.-1.id", "limit", 9).next({}, reply({"rows": [{}]}), 1)


@pytest.mark.parametrize(
    "pager",
    [
        Link("next", "limit", 9, BODY),
        BodyCursor("after", "next", "limit", 9, BODY),
        Offset("offset", "limit", 9, total_at=BODY),
        PageNumber("page", "limit", 9, total_at=BODY),
    ],
)
def test_each_kind_may_state_a_total(pager: Pager) -> None:
    assert pager.total(total(7)) == 7
    assert OnePage().total(total(7)) is None
