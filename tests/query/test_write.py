"""Writes of several upstream calls: in order, undone last first, and honest about what stays."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from scim_bridge.query.capabilities import NOTHING, Call, Steps
from scim_bridge.query.write import PartialWrite, Transaction
from scim_bridge.upstream.errors import BadAnswer, NotFound, Rejected, TimedOut, Unavailable, UpstreamError
from scim_bridge.upstream.reply import Reply
from tests.clocks import FakeClock


class Upstream:
    """Carries out calls unless told to fail at one, and remembers them."""

    def __init__(self, **failures: UpstreamError) -> None:
        """``failures``: by what is called, as ``POST_/a``."""
        self.failures = failures
        self.calls: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.under_way = self.most = 0

    async def send(self, method: str, path: str, **sent: Any) -> Reply:
        name = f"{method} {path}"
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0)
            self.calls.append(name)
            self.sent.append(sent)
            if name in self.failures:
                raise self.failures[name]
            return Reply(200, {"id": path.rpartition("/")[2]}, httpx.Headers())
        finally:
            self.under_way -= 1

    def failing(self, name: str, error: UpstreamError) -> "Upstream":
        self.failures[name] = error
        return self


def calls(*names: str, undo: bool = True) -> Steps:
    """One call after the other, each with an undo of its own."""
    reply = None
    for name in names:
        reply = yield Call("POST", f"/{name}", undo=Call("DELETE", f"/{name}") if undo else None)
    return reply


async def carried_out(upstream: Upstream, *parts: Steps) -> Any:
    """The parts of one write, undone when one fails."""
    transaction = Transaction(upstream.send)
    try:
        return [await transaction.run(each) for each in parts]
    except Exception as error:
        await transaction.undo(error)
        raise


async def test_calls_go_one_after_the_other_and_their_result_comes_back() -> None:
    upstream = Upstream()
    (reply,) = await carried_out(upstream, calls("a", "b"))
    assert upstream.calls == ["POST /a", "POST /b"]
    assert reply.body == {"id": "b"}


async def test_a_call_is_sent_as_it_was_declared() -> None:
    upstream = Upstream()

    def steps() -> Steps:
        yield Call("PUT", "/a", json={"x": 1}, headers={"If": "1"}, params={"y": "2"}, idempotent=True)
        yield Call("POST", "/b")

    await carried_out(upstream, steps())
    assert upstream.sent[0] == {"params": {"y": "2"}, "json": {"x": 1}, "headers": {"If": "1"}, "idempotent": True}
    assert upstream.sent[1] == {"params": None, "json": None, "headers": None, "idempotent": None}


async def test_what_was_done_is_undone_last_first_when_a_later_call_fails() -> None:
    upstream = Upstream().failing("POST /d", Rejected("", "no"))
    with pytest.raises(Rejected):
        await carried_out(upstream, calls("a", "b"), calls("c", "d", "e"))
    assert upstream.calls == ["POST /a", "POST /b", "POST /c", "POST /d", "DELETE /c", "DELETE /b", "DELETE /a"]


async def test_an_undo_may_depend_on_the_reply() -> None:
    upstream = Upstream().failing("POST /b", Rejected("", "no"))

    def steps() -> Steps:
        yield Call("POST", "/a", undo=lambda reply: Call("DELETE", f"/made/{reply.body['id']}", params={"hard": "1"}))
        yield Call("POST", "/b")

    with pytest.raises(Rejected):
        await carried_out(upstream, steps())
    assert upstream.calls[-1] == "DELETE /made/a"
    assert upstream.sent[-1]["params"] == {"hard": "1"}


async def test_what_cannot_be_undone_is_named(caplog: pytest.LogCaptureFixture) -> None:
    upstream = Upstream().failing("POST /d", Rejected("", "no")).failing("DELETE /b", Unavailable("", "down"))

    def without_id() -> Steps:
        yield Call("POST", "/c", undo=lambda reply: Call("DELETE", reply.body["nothing"]))
        yield Call("POST", "/d")

    with caplog.at_level(logging.WARNING), pytest.raises(PartialWrite) as raised:
        await carried_out(upstream, calls("a", undo=False), calls("b"), without_id())
    assert raised.value.left == ("POST /c", "POST /b", "POST /a")
    assert isinstance(raised.value.cause, Rejected)
    assert str(raised.value) == "no; still in effect upstream: POST /c, POST /b, POST /a"
    assert [each.__dict__["call"] for each in caplog.records] == ["POST /c", "POST /b"]


async def test_reads_leave_nothing_to_undo() -> None:
    upstream = Upstream().failing("POST /b", Rejected("", "no"))

    def steps() -> Steps:
        yield Call("GET", "/a")
        yield Call("POST", "/b")

    with pytest.raises(Rejected):
        await carried_out(upstream, steps())
    assert upstream.calls == ["GET /a", "POST /b"]


async def test_steps_may_take_a_refusal_and_go_on() -> None:
    upstream = Upstream().failing("POST /a", NotFound("", "gone"))

    def steps() -> Steps:
        try:
            yield Call("POST", "/a")
        except NotFound:
            yield Call("POST", "/b")
        return "done"

    assert await carried_out(upstream, steps()) == ["done"]
    assert upstream.calls == ["POST /a", "POST /b"]


async def test_a_mistake_in_the_steps_undoes_what_was_done_too() -> None:
    upstream = Upstream()

    def steps() -> Steps:
        yield Call("POST", "/a", undo=Call("DELETE", "/a"))
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        await carried_out(upstream, steps())
    assert upstream.calls == ["POST /a", "DELETE /a"]


# -- calls whose outcome is unknown -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "look",
    [
        lambda body: body["name"],
        lambda body: body["id"]["value"],
        lambda body: body.rows,
        lambda body: [each for each in body["id"]][5],
        lambda body: int(body["id"]),
    ],
    ids=["KeyError", "TypeError", "AttributeError", "IndexError", "ValueError"],
)
async def test_an_answer_in_the_wrong_shape_is_the_upstreams_trouble_and_the_write_is_undone(look: Any) -> None:
    def steps() -> Steps:
        made = yield Call("POST", "/made", undo=Call("DELETE", "/made"))
        yield Call("POST", f"/other/{look(made.body)}")

    upstream = Upstream()
    with pytest.raises(BadAnswer, match="/made sent something that lacks what it has to hold") as told:
        await carried_out(upstream, steps())
    assert upstream.calls == ["POST /made", "DELETE /made"] and "invalid literal" not in told.value.detail


async def test_a_single_call_without_an_answer_says_itself_that_it_may_have_happened() -> None:
    with pytest.raises(TimedOut) as raised:
        await carried_out(Upstream().failing("POST /a", TimedOut("", "late", sent=True)), calls("a"))
    assert raised.value.sent


async def test_a_call_without_an_answer_after_others_is_named_and_not_undone() -> None:
    upstream = Upstream().failing("POST /b", TimedOut("", "late", sent=True))
    with pytest.raises(PartialWrite) as raised:
        await carried_out(upstream, calls("a", "b"))
    assert raised.value.left == ("POST /b (perhaps)",)
    assert upstream.calls == ["POST /a", "POST /b", "DELETE /a"], "to undo what did not happen would be a change"


async def test_an_unknown_outcome_that_the_steps_went_on_from_is_named_if_the_write_fails() -> None:
    upstream = Upstream().failing("POST /a", NotFound("", "gone", sent=True)).failing("POST /b", Rejected("", "no"))

    def steps() -> Steps:
        try:
            yield Call("POST", "/a")
        except NotFound:
            yield Call("POST", "/c", undo=Call("DELETE", "/c"))
        yield Call("POST", "/b")

    with pytest.raises(PartialWrite) as raised:
        await carried_out(upstream, steps())
    assert raised.value.left == ("POST /a (perhaps)",)


# -- independent parts ------------------------------------------------------------------------------------------------


async def side_by_side(upstream: Upstream, parts: Sequence[Steps]) -> None:
    transaction = Transaction(upstream.send)
    try:
        await transaction.run_all(parts)
    except Exception as error:
        await transaction.undo(error)
        raise


async def test_independent_parts_go_side_by_side_a_few_at_a_time() -> None:
    upstream = Upstream()
    await side_by_side(upstream, [calls(f"a{number}") for number in range(30)])
    assert (len(upstream.calls), upstream.most) == (30, 8)
    await side_by_side(upstream, [])


async def test_when_a_part_fails_what_has_begun_ends_and_is_undone_and_nothing_more_begins() -> None:
    upstream = Upstream().failing("POST /a2", Rejected("", "no"))
    with pytest.raises(Rejected):
        await side_by_side(upstream, [calls(f"a{number}") for number in range(30)])
    posted = {each for each in upstream.calls if each.startswith("POST") and each != "POST /a2"}
    undone = {each.replace("DELETE", "POST") for each in upstream.calls if each.startswith("DELETE")}
    assert posted == undone and len(posted) < 10


async def test_of_several_failures_the_first_is_raised_and_what_is_unknown_named() -> None:
    upstream = Upstream().failing("POST /a0", TimedOut("", "late", sent=True))
    upstream.failing("POST /a1", TimedOut("", "late too", sent=True))
    with pytest.raises(PartialWrite) as raised:
        await side_by_side(upstream, [calls("a0"), calls("a1")])
    assert str(raised.value.cause) == "late"
    assert raised.value.left == ("POST /a0 (perhaps)", "POST /a1 (perhaps)")


async def test_a_call_may_wait_for_what_was_accepted_before_it() -> None:
    upstream, clock = Upstream(), FakeClock()

    def steps() -> Steps:
        yield Call("POST", "/a")
        yield Call("GET", "/b", delay_seconds=2.5)

    await Transaction(upstream.send, clock=clock).run(steps())
    assert clock.slept == [2.5]
    assert upstream.calls == ["POST /a", "GET /b"]


async def test_a_call_that_by_its_reply_changed_nothing_leaves_nothing_to_undo() -> None:
    upstream = Upstream(**{"POST /b": Rejected("", "no")})

    def steps() -> Steps:
        yield Call("POST", "/a", undo=lambda reply: NOTHING)

    with pytest.raises(Rejected):
        await carried_out(upstream, steps(), calls("b"))
    assert upstream.calls == ["POST /a", "POST /b"]
