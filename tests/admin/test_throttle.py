"""How often somebody may try."""

from scim_bridge.admin import throttle
from scim_bridge.admin.throttle import Throttle
from tests.clocks import FakeClock


def test_as_many_as_allowed_pass_and_the_next_is_told_how_long_to_wait() -> None:
    clock = FakeClock()
    limit = Throttle(2, 60, clock)
    assert [limit.wait_seconds("a") for _ in range(3)] == [0, 0, 60]
    clock.advance(59.5)
    assert limit.wait_seconds("a") == 1
    clock.advance(0.5)
    assert limit.wait_seconds("a") == 0


def test_who_is_refused_does_not_wait_longer_for_trying_again() -> None:
    clock = FakeClock()
    limit = Throttle(1, 60, clock)
    limit.wait_seconds("a")
    for _ in range(30):
        clock.advance(1)
        assert limit.wait_seconds("a") > 0
    clock.advance(30)
    assert limit.wait_seconds("a") == 0


def test_one_does_not_count_for_another_and_few_are_remembered() -> None:
    limit = Throttle(1, 60, FakeClock())
    for number in range(throttle.MOST_KEYS + 5):
        assert limit.wait_seconds(str(number)) == 0
    assert len(limit._times) == throttle.MOST_KEYS
    assert limit.wait_seconds(str(throttle.MOST_KEYS)) == 60
