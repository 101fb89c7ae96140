"""Which job a thread does next, and what becomes of errors."""

import contextlib
import subprocess
import sys
import threading

import pytest

from codec.h264.encode.team import Job, Jobs, Team


class Recorded:
    """Jobs that write down their names when they are done."""

    def __init__(self, **options):
        self.jobs, self.order = Jobs(self, **options), []

    def look(self, name, *needs, work=None):
        return self._added(self.jobs.looking, self._recorded(name, work), needs)

    def code(self, name, *follows, work=None):
        """Capital letters: others may refer to it."""
        recorded = self._recorded(name, work)
        return self._added(self.jobs.coming, lambda _: (recorded, follows), (), name.isupper())

    def _recorded(self, name, work):
        def recorded():
            if work:
                work()
            self.order.append(name)
            return name

        return recorded

    def _added(self, jobs, work, *others):
        job = Job(work, *others, jobs=self.jobs)
        self.jobs.add(jobs, job)
        return job


@contextlib.contextmanager
def at_work(add, name, go_on):
    """A job that a helper has begun and that ends with the event `go_on`; add: `look` or `code` of `Recorded`."""
    met = threading.Event()
    job = add(name, work=lambda: [met.set(), go_on.wait(60)])
    helper = threading.Thread(target=add.__self__.jobs.serve)
    helper.start()
    assert met.wait(60)
    try:
        yield job
    finally:
        go_on.set()
        add.__self__.jobs.end()
        helper.join()


def test_the_lookahead_comes_first_and_references_before_others():
    made = Recorded()
    first = made.code("P")
    last = made.code("b", first)
    made.code("Q", first)
    made.look("second", made.look("first"))
    assert last.result() == "b"
    assert made.order == ["first", "second", "P", "Q", "b"]


def test_a_picture_begins_behind_its_reference_if_no_other_can():
    """One thread is in the middle of a reference."""
    made, go_on = Recorded(), threading.Event()
    with at_work(made.code, "P", go_on) as first:
        follows = made.code("Q", first, work=lambda: [go_on.set(), first.followed()])
        free = made.code("a")
        assert follows.result() == "Q" and free.ended
        assert made.order == ["a", "P", "Q"]


@pytest.mark.parametrize("in_order", [False, True])
def test_pictures_are_prepared_when_they_may_be_next(in_order):
    """In order; beside one that would wait for lines of a picture at work, the next one that cannot begin yet, unless
    they begin in order."""
    made, go_on, prepared = Recorded(in_order=in_order), threading.Event(), []

    def coming(name, *follows):
        def prepare(job):
            prepared.append(name)
            return lambda: list(prepared), follows

        job = Job(prepare, (), True, made.jobs)
        made.jobs.add(made.jobs.coming, job)
        return job

    with at_work(made.code, "P", go_on) as first:
        second = coming("Q", first)
        third = coming("R", second)
        coming("S", third)
        assert second.result() == (["Q"] if in_order else ["Q", "R"])
    made = Recorded(in_order=in_order)
    prepared.clear()
    first = coming("T")
    second = coming("U", first)
    assert first.result() == ["T"] and second.result() == ["T", "U"]


def test_the_end_does_not_wait_for_a_thread_that_sleeps():
    made, asleep, go_on = Recorded(), threading.Event(), threading.Event()
    bell = made.jobs._bell

    class Asleep:
        rings, ring = 0, bell.ring

        def wait(self, rings, ms):
            asleep.set()
            go_on.wait(60)

    made.jobs._bell = Asleep()
    helper = threading.Thread(target=made.jobs.serve)
    helper.start()
    assert asleep.wait(60)
    made.jobs.end()
    assert helper.is_alive()
    go_on.set()
    helper.join(60)
    assert not helper.is_alive()


def test_a_picture_comes_before_a_second_look_unless_it_waits():
    """One thread is in the middle of a look."""
    made, go_on, seen = Recorded(), threading.Event(), []
    with at_work(made.look, "first", go_on):
        second = made.look("second")
        last = made.code("b", work=lambda: [seen.append(second.begun), go_on.set()])
        last.result()
    made, go_on = Recorded(), threading.Event()
    with at_work(made.look, "first", go_on), at_work(made.code, "P", go_on) as picture:
        second = made.look("second")
        follows = made.code("Q", picture, work=lambda: [seen.append(second.begun), go_on.set()])
        follows.result()
    assert seen == [False, True]


def test_what_needs_a_job_waits_for_its_end():
    made, go_on = Recorded(), threading.Event()
    with at_work(made.look, "first", go_on) as first:
        second = made.look("second", first)
        made.code("P", work=go_on.set)
        assert second.result() == "second"
        assert made.order.index("first") < made.order.index("second")


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_is_raised_in_the_thread_that_gives_out_the_jobs(threads):
    team = Team(threads)

    def fail():
        raise OSError("gone")

    try:
        with pytest.raises(OSError, match="gone"):
            team.look(fail).result()
        with pytest.raises(OSError, match="gone"):
            team.code(lambda job: fail(), True).result()
        assert team.code(lambda job: (lambda: 3, ()), True).result() == 3
    finally:
        team.close()


@pytest.mark.parametrize("where", ["prepared", "coded"])
def test_a_helper_in_which_the_collector_ends_the_encoder_does_not_wait_for_itself(where):
    made, ended = Recorded(), []

    def end():
        made.jobs.end()
        ended.append(where)

    def prepared(job):
        if where == "prepared":
            end()
        return end, ()

    made.jobs.add(made.jobs.coming, Job(prepared, jobs=made.jobs))
    helper = threading.Thread(target=made.jobs.serve, daemon=True)
    helper.start()
    helper.join(60)
    assert ended == [where] and not helper.is_alive()
    made.jobs.end()


FORGOTTEN = """
import functools, os, sys, time
from codec.h264.encode.team import Team

def used(kind, *more):
    team, write = Team(2), os.write
    getattr(team, kind)(functools.partial(next, map(time.sleep, [60])), *more)  # no function of this module: it would
    while team._jobs.looking or team._jobs.coming:                              # keep the names below from garbage
        time.sleep(0.01)
    try:
        yield
    finally:
        write(1, b"closes")
        team.close()

held = [used(*sys.argv[1:])]
next(held[0])
held.append(held)  # found by the garbage collector alone
"""


@pytest.mark.parametrize("words", [["look"], ["code", "reference"]], ids=["at work", "preparing"])
def test_the_end_of_python_does_not_wait_for_a_thread(words):
    child = subprocess.run([sys.executable, "-c", FORGOTTEN, *words], capture_output=True, text=True, timeout=50)
    assert (child.returncode, child.stdout, child.stderr) == (0, "closes", "")
