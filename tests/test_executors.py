"""Results come in the order of the jobs, errors where they belong, and no more is under way than was said."""

import gc
import subprocess
import sys
import threading
import time
import weakref

import pytest

from codec import _stop
from codec._stop import Halted, halt, halted, release
from codec.executors import Workers, in_order


@pytest.mark.parametrize("workers, ahead", [(1, None), (2, None), (3, 6), (4, 1)])
def test_results_are_in_order(workers, ahead):
    jobs = [lambda i=i: (time.sleep(0.002 * (i % 3)), i)[1] for i in range(20)]
    assert list(in_order(jobs, workers, ahead)) == list(range(20))


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_is_raised_in_its_place_and_ends_it(workers):
    def fail():
        raise KeyError("third")

    results = in_order([lambda: 1, lambda: 2, fail, lambda: 4], workers)
    assert [next(results), next(results)] == [1, 2]
    with pytest.raises(KeyError, match="third"):
        next(results)
    assert list(results) == []


@pytest.mark.parametrize("workers, ahead, most", [(1, None, 1), (2, 3, 3)])
def test_jobs_are_taken_as_they_are_needed(workers, ahead, most):
    taken, given = [], 0

    def jobs():
        for i in range(12):
            taken.append(i)
            yield lambda i=i: i

    for result in in_order(jobs(), workers, ahead):
        given += 1
        assert result == given - 1 and len(taken) - given < most


def test_one_worker_runs_in_the_callers_thread():
    assert list(in_order([threading.get_ident])) == [threading.get_ident()]
    assert threading.get_ident() not in list(in_order([threading.get_ident] * 3, 2))


def submitted(pool, job):
    """The Future of a job that has begun."""
    begun = threading.Event()
    future = pool.submit(lambda: begun.set() or job())
    assert begun.wait(60)
    return future


def test_another_thread_does_jobs_while_one_is_away():
    pool, meeting = Workers(1, 2), threading.Barrier(2)
    first, second = submitted(pool, lambda: meeting.wait(60)), pool.submit(lambda: meeting.wait(60))
    assert len(pool._threads) == 1
    pool.away()
    assert {first.result(), second.result()} == {0, 1}
    pool.back()
    pool.join()


def test_another_thread_does_jobs_that_come_while_one_is_away():
    pool, meeting = Workers(1, 2), threading.Barrier(2)
    first = submitted(pool, lambda: meeting.wait(60))
    pool.away()  # there is no other job
    assert len(pool._threads) == 1
    second = pool.submit(lambda: meeting.wait(60))
    assert {first.result(), second.result()} == {0, 1}
    pool.back()
    pool.join()


def test_no_thread_begins_for_one_that_is_back():
    pool, gate = Workers(1, 2), threading.Event()
    first = submitted(pool, lambda: gate.wait(60))
    pool.away()
    pool.back()
    second = pool.submit(lambda: 2)
    assert len(pool._threads) == 1
    gate.set()
    assert first.result() and second.result() == 2
    pool.join()


def test_there_are_never_more_threads_than_were_said():
    pool, gate = Workers(2, 3), threading.Event()
    threads = [pool.submit(lambda: gate.wait(60) and threading.get_ident()) for _ in range(40)]
    for _ in range(9):
        pool.away()
    gate.set()
    assert len({each.result() for each in threads}) <= 3
    pool.join()


def test_jobs_submitted_as_others_end_are_all_done():
    pool = Workers(3)
    for i in range(1000):  # threads run out of jobs again and again
        assert pool.submit(lambda i=i: i).result() == i
    assert sum(each.result() for each in [pool.submit(lambda: 1) for _ in range(2000)]) == 2000
    pool.join()
    assert not pool._threads


def test_what_is_left_is_dropped():
    pool, gate = Workers(1), threading.Event()
    first, second = submitted(pool, lambda: gate.wait(60)), pool.submit(lambda: 2)
    pool.leave()
    assert second.done()
    gate.set()
    assert first.result()
    with pytest.raises(Halted):
        second.result()


def test_a_thread_that_is_halted_waits_for_no_result():
    pool, gate, ended = Workers(1), threading.Event(), []

    def wait():
        try:
            slow.result()
        except Halted:
            ended.append("halted")

    slow = submitted(pool, lambda: gate.wait(60))
    waiting = threading.Thread(target=wait)
    waiting.start()
    halt([waiting.ident])
    try:
        waiting.join(60)
    finally:
        release([waiting.ident])
    gate.set()
    assert ended == ["halted"] and slow.result()
    pool.join()


def test_results_and_errors_are_not_kept():
    class Large:
        pass

    pool, made = Workers(1), []

    def make():
        large = Large()
        made.append(weakref.ref(large))
        return large

    def fail():
        large = Large()
        made.append(weakref.ref(large))
        raise ValueError

    pool.submit(make).result()
    with pytest.raises(ValueError):
        pool.submit(fail).result()
    pool.submit(lambda: None).result()
    gc.collect()
    assert [each() for each in made] == [None, None]
    pool.join()


def test_fewer_threads_than_asked_for_do_the_jobs(monkeypatch):
    pool, gate = Workers(1, 2), threading.Event()
    first, second = submitted(pool, lambda: gate.wait(60)), pool.submit(lambda: 2)

    def none(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    pool.away()
    third = pool.submit(lambda: 3)
    gate.set()
    assert first.result() and second.result() == 2 and third.result() == 3
    with pytest.raises(RuntimeError, match="start new"):
        list(in_order([lambda: 1] * 3, 2))


def test_a_program_ends_though_nobody_asks_for_the_results():
    script = (
        "from codec.executors import in_order\n"
        "results = in_order([lambda i=i: i for i in range(99)], 2)\n"
        "print(next(results))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("0\n", "", 0)


def test_halting_ends_also_a_thread_that_begins_meanwhile():
    """Jobs are dropped first, so that no thread takes one that nobody halts."""
    pool, gate, done = Workers(1, 2), threading.Event(), []

    def endless():
        gate.set()
        while not halted():
            time.sleep(0.001)
        done.append(1)

    submitted(pool, endless)
    gate.wait(60)
    pool.submit(endless)
    pool.away()
    pool.halt()
    assert 1 <= len(done) <= 2 and not pool._threads


def test_a_thread_that_ended_is_not_halted_though_others_run():
    pool, gate, numbers = Workers(2), threading.Event(), []

    def slow():
        numbers.append(threading.get_ident())
        while not halted():
            time.sleep(0.001)
        gate.wait(60)

    def short():
        numbers.append(threading.get_ident())
        while not halted():
            time.sleep(0.001)

    submitted(pool, slow)
    submitted(pool, short)
    ending = threading.Thread(target=pool.halt)
    ending.start()
    while numbers[1] in _stop._halted or len(pool._threads) > 1:
        time.sleep(0.001)
    assert numbers[0] in _stop._halted, "it has not ended"
    gate.set()
    ending.join(60)
    assert not _stop._halted


def test_threads_are_no_daemons():
    """A program waits for jobs in progress, whoever begins them."""
    found = []
    thread = threading.Thread(
        target=lambda: found.extend(in_order([lambda: threading.current_thread().daemon] * 2, 2)), daemon=True
    )
    thread.start()
    thread.join(60)
    assert found == [False, False]


def test_an_abandoned_run_is_dropped_while_a_thread_of_it_begins():
    """The garbage collector may find it there, in a thread of the pool."""
    pool, gate = Workers(1, 2), threading.Event()
    submitted(pool, lambda: gate.wait(60))
    late = pool.submit(lambda: 2)
    pool._begin = pool.leave
    pool.away()
    gate.set()
    with pytest.raises(Halted):
        late.result()
