"""Threads: the same bytes for any number, errors pass, nothing is left running."""

import _thread
import contextlib
import gc
import os
import signal
import threading
import time

import numpy as np
import pytest
from made_clips import assert_decodes_to, encoded, moving, text

import codec
from codec.h264.encode import team
from codec.h264.encode.lookahead import Seen


def eventually(happened):
    end = time.monotonic() + 60
    while not happened() and time.monotonic() < end:
        time.sleep(0.001)
    return happened()


def ended(before):
    """Whether there are no more threads than before. One that has nothing to do any more may take a moment to end."""
    return eventually(lambda: _thread._count() <= before)


@pytest.mark.parametrize("preset, tune", [("ultrafast", None), ("medium", None), ("slow", "fastdecode")])
def test_the_bytes_do_not_depend_on_threads(preset, tune):
    frames = moving(64, 48, 26)
    wanted, planes, _ = encoded(frames, preset=preset, tune=tune, keyint=11)
    for threads in (2, 3, 8):
        data, others, _ = encoded(frames, preset=preset, tune=tune, keyint=11, threads=threads)
        assert data == wanted
        assert all(np.array_equal(a, b) for one, other in zip(planes, others) for a, b in zip(one, other))
    assert_decodes_to(wanted, planes, 64, 48)


@pytest.mark.parametrize("preset", ["ultrafast", "veryfast", "medium", "placebo"])
def test_a_picture_begins_before_its_references_end(preset):
    """Many rows, and vectors that lead down: each picture waits for lines of others that are at work."""
    frames = np.ascontiguousarray(moving(240, 32, 9).transpose(0, 2, 1, 3))  # moves down by three lines a frame
    wanted, planes, _ = encoded(frames, preset=preset)
    assert_decodes_to(wanted, planes, 32, 240)
    for threads in (2, 3, 8):
        assert encoded(frames, preset=preset, threads=threads)[0] == wanted


def test_planes_of_a_chain_are_those_of_other_pictures(monkeypatch):
    """Where each picture is the reference of the next alone, that fills the planes; vectors lead above and below it."""
    still = np.repeat(moving(240, 32, 9)[:, :, :1], 32, 2).transpose(0, 2, 1, 3)  # lines alike: any vector down or up
    falling = np.stack([np.roll(moving(32, 240, 1)[0], 37 * i, 0) for i in range(9)])
    for frames in np.ascontiguousarray(still), falling, falling[::-1]:
        made = {encoded(frames, preset="ultrafast", threads=threads)[0] for threads in (1, 2, 3)}
        with monkeypatch.context() as patch:
            patch.setattr("codec.h264.encode.encoder.is_chain", lambda tools: False)
            assert made == {encoded(frames, preset="ultrafast")[0]}


def test_a_bit_rate_gives_the_same_bytes_too():
    frames = moving(48, 48, 40)
    assert len({encoded(frames, bitrate=100_000, threads=threads)[0] for threads in (1, 2, 5)}) == 1


def test_the_costs_of_frames_that_wait_do_not_depend_on_threads():
    """Scenes, a flash and a fade: vectors, weights and types come from the lookahead."""
    frames = np.concatenate([moving(48, 48, 15), text(48, 48, 9), moving(48, 48, 25, seed=1)])
    frames[34] = 255 - frames[34] // 4
    frames[40:] = (frames[40:] * np.linspace(1, 0, 9)[:, None, None, None]).astype(np.uint8)
    for preset in ("superfast", "medium"):
        made = {encoded(frames, preset=preset, crf=28, threads=threads)[0] for threads in (1, 2, 3, 8)}
        assert len(made) == 1


def test_the_lookahead_works_in_threads(monkeypatch):
    examine, met = Seen.examine, threading.Barrier(2)

    def waiting(seen):
        if seen.number < 2:
            met.wait(60)  # of two threads, or it is broken
        examine(seen)

    monkeypatch.setattr(Seen, "examine", waiting)
    codec.encode_video(moving(48, 32, 20), fps=25, threads=2)


def test_an_error_of_the_lookahead_passes(monkeypatch):
    before = _thread._count()

    def examine(seen):
        raise MemoryError("no memory for a frame of the lookahead")

    monkeypatch.setattr(Seen, "examine", examine)
    for threads in (1, 3):
        with pytest.raises(MemoryError, match="lookahead"):
            codec.encode_video(moving(32, 32, 60), fps=25, threads=threads)
    assert ended(before)


def test_an_error_of_the_source_ends_the_threads():
    before = _thread._count()

    def frames():
        yield from moving(32, 32, 20)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        codec.encode_video(frames(), fps=25, threads=4)
    assert ended(before)


@pytest.mark.parametrize("started", [0, 1])
def test_fewer_threads_than_asked_for_do_the_same(monkeypatch, started):
    frames, start, most = moving(48, 32, 12), team.start_new_thread, iter(range(started))

    def starting(*call):
        if next(most, None) is None:
            raise RuntimeError("can't start new thread")
        return start(*call)

    wanted = encoded(frames, bitrate=100_000)[0]
    monkeypatch.setattr(team, "start_new_thread", starting)
    assert encoded(frames, bitrate=100_000, threads=4)[0] == wanted


def test_an_encoder_that_nobody_closes_leaves_no_threads(monkeypatch):
    serving, serve = [], team.Jobs.serve

    def counted(jobs):
        serving.append(jobs)
        serve(jobs)
        serving.remove(jobs)

    monkeypatch.setattr(team.Jobs, "serve", counted)
    encoder = codec.h264.Encoder(fps=25, qp=30, threads=3)
    for frame in moving(48, 32, 9):
        encoder.encode(frame)
    assert eventually(lambda: len(serving) == 2)
    del encoder
    gc.collect()
    assert eventually(lambda: not serving)


def test_threads_end_with_the_video():
    before = _thread._count()
    codec.encode_video(moving(32, 32, 9), fps=25, threads=4)
    assert ended(before)


def test_a_time_limit_before_a_picture_that_others_follow_ends_these(monkeypatch):
    """The thread of the caller has taken the picture, and a helper one that waits for its lines."""

    class Late(Exception):
        pass

    run, mine, before, taken = team.Job.run, threading.get_ident(), _thread._count(), threading.Event()

    def interrupted(job):
        if threading.get_ident() == mine and job.reference:
            taken.set()
            time.sleep(0.3)
            raise Late
        if job.reference:
            taken.wait(60)  # a helper under load may otherwise leave none
        run(job)

    monkeypatch.setattr(team.Job, "run", interrupted)
    with pytest.raises(Late):
        codec.encode_video(moving(320, 192, 30), fps=25, preset="ultrafast", qp=30, threads=2)
    assert ended(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_ends_and_cannot_go_on():
    encoder = codec.h264.Encoder(fps=25, qp=30, threads=2)
    frames = moving(48, 32, 12)
    for frame in frames[:9]:
        encoder.encode(frame)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(60)  # if it waits for threads that are not there
        try:
            encoder.flush()
            encoder.encode(frames[9])
        except codec.ParameterError as error:
            encoder.close()
            os._exit("forked" not in str(error))
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    encoder.flush()
    encoder.close()


# Python cannot raise what a handler raises within a destructor or a callback of the garbage collector: it reports it,
# and the call goes on.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_time_limits_at_any_moment_leave_nothing_running():
    """An exception of a signal handler, which Python raises between any two steps."""

    class Late(Exception):
        pass

    def late(*args):
        raise Late

    frames, before, generator = moving(96, 80, 12), _thread._count(), np.random.default_rng(1)
    handler = signal.signal(signal.SIGALRM, late)
    try:
        for threads in (2, 3, 4) * 8:
            with contextlib.suppress(Late):
                signal.setitimer(signal.ITIMER_REAL, generator.uniform(0.001, 0.06))
                codec.encode_video(frames, fps=25, bitrate=200_000, threads=threads)
                signal.setitimer(signal.ITIMER_REAL, 0)
            assert ended(before)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
