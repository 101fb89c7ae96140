"""Results come in the order of the jobs, errors where they belong, and no more is under way than was said."""

import threading
import time

import pytest

from codec.executors import in_order


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
