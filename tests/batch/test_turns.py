"""Turns: how many threads work at once, and when one lends its turn."""

import threading
import time

import pytest

import codec
from codec.batch import CompressTask, plan, rows, run, turns
from codec.batch.turns import RECENT, WORTH_SECONDS, Turns
from codec.executors import Workers


@pytest.fixture
def clock(monkeypatch):
    """The seconds that `Turns` sees, set by the test."""
    now = [0.0]
    monkeypatch.setattr(turns.time, "perf_counter", lambda: now[0])
    return now


def is_free(turns):
    """Whether another thread gets a turn at once."""
    found = []

    def ask():
        found.append(turns._free.acquire(blocking=False))
        if found[0]:
            turns._free.release()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return found[0]


def waited(turns, clock, seconds, what="read"):
    """Whether the turn was lent during a wait."""
    with turns.lent(what):
        clock[0] += seconds
        return is_free(turns)


def test_no_more_threads_than_turns():
    turns = Turns(2)
    with turns, turns:
        assert not is_free(turns)
    assert is_free(turns)


def settled(clock, seconds, what="read"):
    """One turn, and what is known of waits: that they take so long."""
    turns = Turns(1)
    with turns:
        for _ in range(RECENT):
            waited(turns, clock, seconds, what)
    return turns


def test_first_waits_count_as_short(clock):
    turns = Turns(1)
    with turns:
        assert not any(waited(turns, clock, 2 * WORTH_SECONDS) for _ in range(RECENT - 1))
        assert waited(turns, clock, 0)


def test_the_pool_knows_which_turns_are_lent(clock):
    pool = Workers(1)
    turns = Turns(1, pool)
    with turns:
        for _ in range(RECENT):
            waited(turns, clock, 2 * WORTH_SECONDS)
        assert pool._away == 0
        with turns.lent("read"):
            assert pool._away == 1
        with pytest.raises(OSError), turns.lent("read"):
            raise OSError
        assert pool._away == 0


def test_a_turn_is_kept_in_short_waits(clock):
    turns = settled(clock, WORTH_SECONDS / 2)
    with turns:
        assert not any(waited(turns, clock, WORTH_SECONDS / 2) for _ in range(3 * RECENT))
        waited(turns, clock, 9 * WORTH_SECONDS)
        assert not waited(turns, clock, 0), "one long wait may be that for the interpreter's lock"


def test_a_turn_is_lent_once_most_recent_waits_were_long(clock):
    turns = settled(clock, WORTH_SECONDS / 2)
    with turns:
        lent = [waited(turns, clock, 2 * WORTH_SECONDS) for _ in range(RECENT + 1)]
        assert lent == [False] * (RECENT - 1) + [True, True]
        assert not is_free(turns), "taken back"
        assert waited(turns, clock, 0) and waited(turns, clock, 2 * WORTH_SECONDS), "one of them may be short"


def test_waits_are_told_apart_by_name(clock):
    turns = settled(clock, WORTH_SECONDS / 2, "read")
    with turns:
        for _ in range(RECENT):
            waited(turns, clock, 2 * WORTH_SECONDS, "write")
        assert waited(turns, clock, 0, "write")
        assert not waited(turns, clock, 0, "read")


def test_a_wait_that_fails_takes_the_turn_back(clock):
    turns = Turns(1)
    with turns:
        for _ in range(RECENT):
            waited(turns, clock, 2 * WORTH_SECONDS)
        with pytest.raises(OSError, match="gone"), turns.lent("read"):
            raise OSError("gone")
        assert not is_free(turns)
    assert is_free(turns)


def test_no_turn_is_given_twice_if_no_thread_can_begin(clock):
    def none():
        raise MemoryError

    pool = Workers(1)
    turns = Turns(1, pool)
    with turns:
        for _ in range(RECENT):
            waited(turns, clock, 2 * WORTH_SECONDS)
        pool._todo.append(None)
        pool._begin = none
        with pytest.raises(MemoryError), turns.lent("read"):
            pass
        assert not is_free(turns)
    assert turns._free._value == 1 and pool._away == 0


@pytest.mark.parametrize("late", (False, True), ids=("jobs before", "jobs after"))
def test_jobs_begin_while_others_wait_for_a_slow_disk(tmp_path, picture, monkeypatch, late):
    """Jobs that were there before the others waited, and jobs that come after."""
    together, write = threading.Barrier(4), rows.write_target

    def slow(*given):
        together.wait(60)  # fails unless four jobs are written at once, of which two have turns
        write(*given)

    def load(task):
        while late and together.n_waiting < 2:
            time.sleep(0.001)

    monkeypatch.setattr(turns, "WORTH_SECONDS", -1)  # every wait is long
    monkeypatch.setattr(rows, "write_target", slow)
    monkeypatch.setattr(CompressTask, "load", load)
    names = [str(tmp_path / f"{index}.jpg") for index in range(8)]
    for index, name in enumerate(names):
        codec.write(name, picture(8, 8, seed=index))
    task = CompressTask()
    done = run(plan(names, str(tmp_path / "out"), task), task, threads=2)
    assert [row.status for row in done] == ["kept"] * 8
