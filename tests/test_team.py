"""Jobs that the thread of the caller shares with helpers: their results, their errors, and what ends them."""

import _thread
import itertools
import threading
import weakref

import pytest
from codec._team import Bell, results_of

THREADS = (1, 2, 3, 50)


@pytest.mark.parametrize("threads", THREADS)
def test_results_are_in_the_order_of_the_jobs(threads):
    assert results_of([lambda i=i: i * i for i in range(20)], threads) == [i * i for i in range(20)]
    assert results_of([], threads) == []


def test_the_thread_of_the_caller_takes_part():
    """Each of two jobs waits for the other one to begin."""
    begun = [threading.Event(), threading.Event()]

    def job(i):
        begun[i].set()
        assert begun[1 - i].wait(60)
        return threading.get_ident()

    found = results_of([lambda: job(0), lambda: job(1)], 2)
    assert threading.get_ident() in found and len(set(found)) == 2
    assert results_of([threading.get_ident] * 3) == [threading.get_ident()] * 3


@pytest.mark.parametrize("threads", THREADS)
def test_the_error_of_the_first_job_that_fails_is_raised(threads):
    def fail(i):
        raise KeyError(i)

    begun = []
    jobs = [lambda: 1, *(lambda i=i: begun.append(i) or fail(i) for i in range(200))]
    with pytest.raises(KeyError, match="^0$"):
        results_of(jobs, threads)
    assert 0 in begun and len(begun) <= threads


def test_the_first_error_is_that_of_the_first_job_and_not_the_earliest():
    late = threading.Event()

    def first():
        late.wait(60)
        raise KeyError("first")

    def second():
        late.set()
        raise KeyError("second")

    with pytest.raises(KeyError, match="first"):
        results_of([first, second], 2)


@pytest.mark.parametrize("threads", THREADS)
def test_an_interruption_is_raised_when_no_job_is_at_work(threads):
    at_work, caller, numbers = [], threading.get_ident(), itertools.count()

    def job():
        if threading.get_ident() != caller:
            at_work.append(0)
        if next(numbers) == 9:
            _thread.interrupt_main()
        if threading.get_ident() != caller:
            at_work.pop()

    with pytest.raises(KeyboardInterrupt):
        results_of([job] * 100_000, threads)
    assert not at_work


def test_jobs_within_jobs():
    inner = lambda i: sum(results_of([lambda j=j: i * j for j in range(5)], 2))
    assert results_of([lambda i=i: inner(i) for i in range(5)], 3) == [10 * i for i in range(5)]


def test_a_system_without_more_threads(monkeypatch):
    def refuse(*arguments):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("codec._team.start_new_thread", refuse)
    assert results_of([lambda: 1, lambda: 2], 2) == [1, 2]


def test_helpers_that_begin_late_keep_nothing(monkeypatch):
    class Result:
        pass

    late = []
    monkeypatch.setattr("codec._team.start_new_thread", lambda body, arguments: late.append(body))
    results = results_of([Result, Result], 2)
    gone = [weakref.ref(result) for result in results]
    del results
    assert late and [result() for result in gone] == [None, None]
    for body in late:
        body()


def test_a_bell_wakes_those_that_wait():
    bell, woken = Bell(), []
    rings = bell.rings

    def wait():
        while not bell.wait(rings, 60_000):
            pass
        woken.append(1)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    bell.ring()
    for thread in threads:
        thread.join(60)
    assert len(woken) == 3
    assert bell.wait(rings, 60_000) and not bell.wait(bell.rings, 1)
