"""When validation and samples are due: by steps, and by the clock."""

import pytest

pytest.importorskip("torch")

from nanospeech_torch.training.monitoring.times import Times


def due(times, step_seconds, count, cost=0.0):
    """The seconds at which it was due, of `count` steps that take `step_seconds` each."""
    found = []
    for step in range(1, count + 1):
        seconds = step * step_seconds
        if times.is_due(step, seconds, done=False):
            found.append(seconds)
            times.took(seconds, cost)
    return found


def test_by_the_clock_the_first_come_soon_and_then_ever_less_often():
    times = Times(steps=10**9, minutes=30.0, seconds=0.0)
    minutes = [seconds / 60 for seconds in due(times, 1.0, 4 * 3600)]
    assert minutes == [2, 4, 8, 16, 32, 62, 92, 122, 152, 182, 212]


def test_by_steps_as_before():
    times = Times(steps=500, minutes=30.0, seconds=0.0)
    assert [seconds / 0.1 for seconds in due(times, 0.1, 1100)] == [500, 1000]
    assert due(Times(steps=7, minutes=0.0, seconds=0.0), 1000.0, 14) == [7000.0, 14000.0]


def test_never_or_at_the_end():
    assert due(Times(steps=0, minutes=30.0, seconds=0.0), 60.0, 100) == []
    assert not Times(steps=0, minutes=30.0, seconds=0.0).is_due(5, 5.0, done=True)
    assert Times(steps=1000, minutes=30.0, seconds=0.0).is_due(5, 5.0, done=True)


def test_what_takes_long_takes_at_most_a_twentieth_of_the_time():
    found = due(Times(steps=10**9, minutes=10.0, seconds=0.0), 1.0, 10 * 3600, cost=60.0)
    assert found[0] == 120.0 and all(b - a >= 1200 for a, b in zip(found, found[1:], strict=False))


def test_a_resumed_run_does_not_begin_with_it_again():
    times = Times(steps=10**9, minutes=30.0, seconds=3600.0)
    assert not times.is_due(1, 3601.0, done=False) and times.is_due(2, 5400.0, done=False)
