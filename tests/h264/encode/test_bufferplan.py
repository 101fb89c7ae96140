"""The plan of steps for a buffer, against a simulation of the buffer."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codec.h264.encode.bufferplan import FINE_STEPS, LEAST, raises

TOP = len(FINE_STEPS) - 1


def simulated(complexities, steps, full, arriving, first):
    """Bits in the buffer after each picture has left, before more arrive."""
    fullness, found = first, []
    for complexity, step in zip(complexities, steps):
        found.append(fullness - complexity / FINE_STEPS[step])
        fullness = min(found[-1] + arriving, full)
    return found


def total(complexities, steps):
    return sum(complexity / FINE_STEPS[step] for complexity, step in zip(complexities, steps))


def smallest_within(complexities, bits, raised):
    """The smallest step with which pictures that are raised so take no more than these bits."""
    found = (at for at in range(TOP + 1) if total(complexities, [min(at + more, TOP) for more in raised]) <= bits)
    return next(found, TOP)


PICTURES = st.lists(st.integers(1 << 16, 1 << 36), min_size=1, max_size=40)


@given(PICTURES, st.integers(1000, 10**6), st.integers(1, 30), st.integers(100, 50_000))
@example([1 << 36] * 40, 10**6, 1, 50_000)
@example([1 << 16] * 40, 1000, 30, 100)
def test_the_buffer_keeps_its_reserve(complexities, bits, buffered, arriving):
    full = buffered * arriving
    raised = raises(complexities, bits, full, arriving, full * 9 // 10)
    smallest = smallest_within(complexities, bits, raised)
    steps = [min(smallest + more, TOP) for more in raised]
    assert min(raised) >= 0
    for left, step in zip(simulated(complexities, steps, full, arriving, full * 9 // 10), steps):
        assert left >= LEAST * full - 1e-6 * full or step == TOP or max(steps) == TOP


@given(PICTURES, st.integers(1000, 10**6), st.integers(1, 30), st.integers(100, 50_000))
def test_between_full_buffers_steps_only_fall(complexities, bits, buffered, arriving):
    """A step that rose while the buffer was not full could have been lower before, and lower after it."""
    full = buffered * arriving
    raised = raises(complexities, bits, full, arriving, full * 9 // 10)
    smallest = smallest_within(complexities, bits, raised)
    steps = [min(smallest + more, TOP) for more in raised]
    left = simulated(complexities, steps, full, arriving, full * 9 // 10)
    for before, after, at in zip(steps, steps[1:], left):
        assert after <= before or at + arriving >= full * (1 - 1e-6)


def test_without_need_all_pictures_share_a_step():
    assert raises([1 << 30] * 50, 50 * 10_000, full=500_000, arriving=12_000, first=450_000) == [0] * 50


def test_a_hard_part_is_raised_alone():
    """The buffer fills before the hard part, which may take what is in it and what arrives."""
    easy, hard = [1 << 28] * 30, [1 << 32] * 30
    found = raises(easy + hard, 600_000, full=100_000, arriving=12_000, first=90_000)
    assert found[:30] == [0] * 30 and len(set(found[30:])) == 1
    room = (1 - LEAST) * 100_000 + 29 * 12_000
    smallest = smallest_within(easy + hard, 600_000, found)
    assert total(hard, [smallest + found[-1]] * 30) == pytest.approx(room, rel=0.02)


def test_no_room_is_the_greatest_step():
    found = raises([1 << 40] * 3, 1000, full=100, arriving=1, first=90)
    assert found == [0, 0, 0]  # all at the greatest
