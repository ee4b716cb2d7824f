"""What is kept between pages: how long, how much, and whose it is."""

import pytest

from scim_bridge.query import cache as limits
from scim_bridge.query.cache import Chain, QueryCache
from tests.clocks import FakeClock


def memory(seconds: float = 300) -> tuple[FakeClock, QueryCache]:
    clock = FakeClock()
    return clock, QueryCache(clock, seconds)


def marked(cache: QueryCache, *offsets: int, key: str = "list", step: int = 10) -> Chain:
    chain = cache.new_chain(key, step)
    for offset in offsets:
        chain.mark(offset, {"at": str(offset)})
    return chain


# -- one chain --------------------------------------------------------------------------------------------------------


def test_the_nearest_entry_is_the_last_at_or_before_a_row() -> None:
    chain = marked(memory()[1], 20, 10)
    assert [chain.nearest(row) for row in (9, 10, 19, 20, 99)] == [None, 10, 10, 20, 20]
    chain.mark(20, {"at": "anew"})
    assert chain.positions[20] == {"at": "anew"}


def test_a_row_is_served_from_the_page_that_was_kept() -> None:
    chain = marked(memory()[1])
    chain.tail = (10, [{"n": 1}, {"n": 2}])
    assert [chain.kept(row) is not None for row in (9, 10, 11, 12)] == [False, True, True, False]


def test_a_long_chain_forgets_every_second_entry_but_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CHAIN_POSITIONS", 4)
    chain = marked(memory()[1], 0, 10, 20, 30, 40)
    assert sorted(chain.positions) == [0, 20, 40]
    chain.mark(50, {})
    chain.mark(60, {})
    assert sorted(chain.positions) == [0, 40, 60] and chain.nearest(59) == 40


def test_a_chain_that_starts_over_knows_nothing_and_counts_no_rows() -> None:
    chain = marked(memory()[1], 0, 10)
    chain.total, chain.bound, chain.tail = 20, 20, (10, [{}])
    chain.restart()
    assert not chain.positions and chain.nearest(10) is None
    assert chain.total is None and not chain.ends_before(99) and chain.kept(10) is None
    assert chain.walks


# -- whose chain ------------------------------------------------------------------------------------------------------


def test_the_newest_chain_within_a_page_of_a_row_is_taken() -> None:
    _, cache = memory()
    old, new = marked(cache, 0, 10, 20, 30), marked(cache, 0, 9)
    assert cache.chain("list", 10, 10) is new, "its own page may have been short"
    assert cache.chain("list", 30, 10) is old
    assert cache.chain("list", 10, 10) is new, "whichever was used last"


def test_far_from_all_chains_the_one_that_comes_nearest_is_taken() -> None:
    _, cache = memory()
    near, _ = marked(cache, 0, 40), marked(cache, 0, 10)
    assert cache.chain("list", 90, 10) is near


def test_a_chain_that_ended_before_a_row_is_taken() -> None:
    _, cache = memory()
    chain = marked(cache, 0)
    chain.bound = 5
    marked(cache, 0)
    assert cache.chain("list", 50, 10) is chain


def test_a_larger_page_begins_a_chain_of_its_own_and_a_smaller_one_does_not() -> None:
    _, cache = memory()
    chain = marked(cache, 0, 10)
    assert cache.chain("list", 10, 11) is not chain
    assert cache.chain("list", 10, 3) is chain


def test_another_list_begins_a_chain_of_its_own() -> None:
    _, cache = memory()
    chain = marked(cache, 0, 10)
    assert cache.chain("other", 10, 10) is not chain


def test_a_position_that_a_client_brings_finds_its_chain_or_begins_one() -> None:
    _, cache = memory()
    chain = marked(cache, 0, 10)
    assert cache.chain_with("list", 10, 10, {"at": "10"}) is chain
    strange = cache.chain_with("list", 10, 10, {"at": "elsewhere"})
    assert strange is not chain and strange.positions == {10: {"at": "elsewhere"}}


# -- how long ---------------------------------------------------------------------------------------------------------


def test_a_chain_lives_as_long_as_it_is_used() -> None:
    clock, cache = memory()
    chain = marked(cache, 0)
    for _ in range(3):
        clock.advance(300)
        assert cache.chain("list", 5, 10) is chain
    clock.advance(301)
    assert cache.chain("list", 5, 10) is not chain


def test_what_is_known_of_the_length_ages_even_in_use() -> None:
    clock, cache = memory()
    chain = marked(cache, 0)
    chain.total, chain.bound, chain.tail = 7, 7, (0, [{}])
    clock.advance(200)
    assert cache.chain("list", 5, 10).total == 7
    clock.advance(200)
    found = cache.chain("list", 5, 10)
    assert found is chain
    assert (found.total, found.bound, found.tail, found.nearest(5)) == (None, None, (0, []), 0)


def test_a_scan_lives_for_its_time_only() -> None:
    clock, cache = memory()
    cache.keep_scan("q", [b"1"], cache.generation)
    clock.advance(300)
    assert cache.scan("q") == [b"1"]
    clock.advance(1)
    assert cache.scan("q") is None
    assert cache.scan("other") is None


def test_a_write_ends_everything() -> None:
    _, cache = memory()
    chain = marked(cache, 0)
    generation = cache.generation
    cache.keep_scan("q", [b"1"], generation)
    cache.clear()
    assert cache.scan("q") is None
    assert cache.chain("list", 5, 10) is not chain
    cache.keep_scan("q", [b"stale"], generation)
    assert cache.scan("q") is None, "what was read before the write is not kept after it"


# -- how much ---------------------------------------------------------------------------------------------------------


def test_of_many_chains_those_used_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CHAINS", 3)
    _, cache = memory()
    chains = [marked(cache, 0, key=str(number)) for number in range(3)]
    cache.chain("0", 5, 10)
    cache.new_chain("3", 10)
    assert cache.chain("0", 5, 10) is chains[0]
    assert cache.chain("2", 5, 10) is chains[2]
    assert cache.chain("1", 5, 10) is not chains[1]


def test_positions_over_all_chains_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_POSITIONS", 5)
    _, cache = memory()
    first, second = marked(cache, 0, 10, 20, key="1"), marked(cache, 0, 10, 20, key="2")
    assert cache.chain("2", 5, 10) is second
    assert cache.chain("1", 5, 10) is not first
    long = marked(cache, *range(0, 100, 10), key="long")
    assert cache.chain("long", 5, 10) is long, "the one in use is kept, however long"


def test_rows_kept_over_all_chains_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_TAIL_ROWS", 3)
    _, cache = memory()
    first, second = marked(cache, 0, key="1"), marked(cache, 0, key="2")
    first.tail = second.tail = (0, [{}, {}])
    assert cache.chain("2", 5, 10).tail == (0, [{}, {}])
    assert cache.chain("1", 5, 10) is first and first.tail == (0, []), "its positions stay"


def test_scans_are_bounded_in_number_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_SCANS", 2)
    monkeypatch.setattr(limits, "MAX_SCAN_ROWS", 5)
    _, cache = memory()
    for key in ("1", "2"):
        cache.keep_scan(key, [b""], 0)
    cache.scan("1")
    cache.keep_scan("3", [b""], 0)
    assert [cache.scan(key) is not None for key in "123"] == [True, False, True]
    cache.keep_scan("4", [b""] * 5, 0)
    assert [cache.scan(key) is not None for key in "134"] == [False, False, True]
    cache.keep_scan("5", [b""] * 6, 0)
    assert cache.scan("5") is None
