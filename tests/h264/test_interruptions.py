"""Exceptions that arrive anywhere, calls from several threads, forks: the decoder goes on, or says that it cannot.

The states are those of `codec.h264.decode.jobs`. Run it on the debug build too: the memory that an interrupted decoder
leaves behind must stay valid.
"""

import contextlib
import faulthandler
import gc
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import crafted_h264 as crafted
import numpy as np
import pytest
from codec.h264.decode._crew import Batch, Crew, Gate
from codec.h264.pictures._picture import Picture
from test_threads import running_threads

import codec
import codec.h264
from codec.h264 import Decoder
from codec.h264.decode import coded_picture, decoder, jobs

H264 = str(Path(codec.h264.__file__).parent)
PIECE = 700  # several to a picture, and none ends where one ends
# Interrupted there, a call has not begun: its caller may repeat it.
NOT_BEGUN = {getattr(Decoder, name).__code__ for name in ("feed", "iterate", "ahead", "flush", "rest")}
NOT_BEGUN.add(decoder.checked_data.__code__)
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
signals = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no interval timers")


class Stop(Exception):
    """As a signal handler raises it, for a time limit."""


@pytest.fixture(autouse=True)
def no_hang():
    """A hang ends the process with a traceback of each thread."""
    faulthandler.dump_traceback_later(300, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def damaged_clip():
    """Reference pictures with one that must be repaired, so that a thread calls Python."""
    stream = crafted.clip(7)
    data = stream.nals[4]
    stream.nals[4] = data[: len(data) // 2]
    return stream.data


def paired_fields():
    """Frames of two fields each: the batch of a second field waits for that of the first."""
    sps = crafted.sps_of(frame_mbs_only_flag=0)
    stream = crafted.Stream(sps)
    for number in range(3):
        for bottom in range(2):
            parts = dict(field_pic_flag=1, bottom_field_flag=bottom, idr_pic_id=number)
            head = crafted.header(0, bottom, idr=True, **parts)
            picture = crafted.samples(sps, 2 * number + bottom, field=True)
            stream.nals.append(crafted.slice_of(head, sps, stream.pps, picture, range(stream.mbs // 2)))
    return stream.data


def pieces(data):
    return [data[at : at + PIECE] for at in range(0, len(data), PIECE)]


def signature(frame):
    return frame.poc, [np.array(plane).tobytes() for plane in frame.planes], frame.damage and frame.damage.errors


class Interruption:
    """Raises Stop once, at the n-th time that a line of the decoder is reached; counts the lines otherwise."""

    def __init__(self, place=None, turn=1):
        self.place, self.turn, self.counts, self.hit = place, turn, {}, None

    def _line(self, frame, event, _):
        if event == "line" and self.hit is None:
            place = frame.f_code.co_filename, frame.f_lineno
            self.counts[place] = self.counts.get(place, 0) + 1
            if place == self.place and self.counts[place] == self.turn:
                self.hit = frame.f_code
                raise Stop
        return self._line

    def _call(self, frame, event, argument):
        return self._line if frame.f_code.co_filename.startswith(H264) else None

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self._call)
        return self

    def __exit__(self, *_):
        sys.settrace(self.before)


def decode_interrupted(data, threads, interruption, iterator):
    """(frames given out, whether the decoder said that it was interrupted). It is used on in any case."""
    made, frames, said = Decoder(threads=threads, on_error="conceal"), [], False
    calls = [lambda one=one: made.iterate(one) if iterator else made.feed(one) for one in pieces(data)]
    calls += [lambda: made.rest() if iterator else made.flush()] * 2
    with interruption:
        while calls:
            try:
                for frame in calls[0]():
                    frames.append(frame)
            except Stop:
                if interruption.hit in NOT_BEGUN:
                    continue
            except codec.ParameterError as error:
                assert "interrupted by Stop" in str(error)
                said = True
            calls.pop(0)
    return [signature(frame) for frame in frames], said


@pytest.mark.parametrize("make", [damaged_clip, paired_fields])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_an_exception_at_every_line(make, threads):
    """Of all Python under `Decoder`: the first or last time that it is reached, both in the files that own batches."""
    data = make()
    everything = Interruption()
    expected, said = decode_interrupted(data, threads, everything, iterator=False)
    assert expected and not said
    outcomes = set()
    for number, (place, count) in enumerate(sorted(everything.counts.items())):
        owners = place[0].endswith(("decoder.py", "sequence.py", "jobs.py", "coded_picture.py", "ready.py"))
        for turn in {1, count} if owners else {(1, count)[number % 2]}:
            interruption = Interruption(place, turn)
            frames, said = decode_interrupted(data, threads, interruption, iterator=bool((number + turn) % 2))
            assert frames == expected[: len(frames)], place
            assert said or len(frames) == len(expected), place
            outcomes.add((said, interruption.hit is not None))
    assert (True, True) in outcomes and (False, True) in outcomes


# Python cannot raise what a handler raises within a destructor: it reports it, and the call goes on.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@signals
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_signal_at_any_time(threads):
    """The handler raises; each frame given out is right, and nothing is lost without a word."""
    data = crafted.clip(12, sps=crafted.sps_of(20, 12)).data
    expected = [signature(frame) for frame in codec.decode_video(data)]
    interrupted = 0

    def stop(*_):
        raise Stop

    before = signal.signal(signal.SIGALRM, stop)
    try:
        for seed in range(40):
            drawn, frames, made = random.Random(seed), [], Decoder(threads=threads)
            try:
                signal.setitimer(signal.ITIMER_REAL, drawn.uniform(0.0002, 0.02))
                for piece in pieces(data):
                    frames += made.feed(piece)
                frames += made.flush()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Stop:
                interrupted += 1
                with contextlib.suppress(codec.CodecError):  # the signal came within a call, or between two
                    made.feed(data)
                    made.flush()
            else:
                assert len(frames) == len(expected)
            assert [signature(frame) for frame in frames] == expected[: len(frames)]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupted


def test_the_threads_of_an_interrupted_decoder_end(monkeypatch):
    run, data = jobs.Workers.run, crafted.clip(8).data

    def interrupted(self, batch, wait=False):
        run(self, batch, wait)
        raise KeyboardInterrupt

    gc.collect()
    before = running_threads()
    monkeypatch.setattr(jobs.Workers, "run", interrupted)
    made = Decoder(threads=3)
    with pytest.raises(KeyboardInterrupt):
        made.feed(data)
    monkeypatch.setattr(jobs.Workers, "run", run)
    for use in (lambda: made.feed(data), made.flush, lambda: list(made.rest()), lambda: list(made.ahead(data))):
        with pytest.raises(codec.ParameterError, match="interrupted by KeyboardInterrupt"):
            use()
    del made, use
    gc.collect()
    end = time.monotonic() + 20
    while running_threads() > before and time.monotonic() < end:
        time.sleep(0.01)
    assert running_threads() <= before


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interruption_of_mending(monkeypatch, threads):
    """The picture is not given out, and its decoder not used on."""

    def interrupted(self, missing):
        raise KeyboardInterrupt

    monkeypatch.setattr(coded_picture.PictureEnd, "repair", interrupted)
    made, frames = Decoder(threads=threads, on_error="conceal"), []
    with pytest.raises(KeyboardInterrupt):
        for call in (lambda: made.iterate(damaged_clip()), made.rest):
            frames.extend(call())
    assert len(frames) <= 2 and all(frame.damage is None for frame in frames)
    with pytest.raises(codec.ParameterError, match="interrupted by KeyboardInterrupt"):
        made.flush()


@pytest.mark.parametrize("threads", [1, 2])
def test_two_threads_in_one_decoder(threads):
    """One of two calls at a time is refused, and nothing else happens."""
    data, found = crafted.clip(12, sps=crafted.sps_of(20, 12)).data, []
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(6):
            made, errors, begin = Decoder(threads=threads, on_error="conceal"), [], threading.Barrier(2)

            def use(made=made, errors=errors, begin=begin):
                begin.wait()
                for piece in pieces(data):
                    try:
                        made.feed(piece)
                    except codec.CodecError as error:
                        errors.append(error)

            users = [threading.Thread(target=use) for _ in range(2)]
            for one in users:
                one.start()
            for one in users:
                one.join()
            assert all(isinstance(error, codec.ParameterError) for error in errors)
            found += [str(error) for error in errors]
            made.flush()  # it was never interrupted
    finally:
        sys.setswitchinterval(interval)
    assert any("one thread at a time" in text for text in found)


def test_a_call_within_a_call():
    """A signal handler or finalizer that uses the decoder which it interrupts: refused. If that error ends the outer
    call, the decoder is interrupted; if the handler catches it, the decoder goes on."""
    gate = Gate(Crew(1, []))

    def careful():
        with pytest.raises(codec.ParameterError, match="one thread at a time"):
            gate.call(len, "")

    gate.call(careful)
    assert gate.call(len, "ab") == 2
    with pytest.raises(codec.ParameterError, match="one thread at a time"):
        gate.call(lambda: gate.call(len, ""))
    with pytest.raises(codec.ParameterError, match="interrupted by ParameterError"):
        gate.call(len, "ab")


def test_only_an_open_batch_changes():
    """And is taken once, after the batch that it waits for."""
    running, picture = [], Picture(1, 1, 0)
    crew = Crew(1, running)
    first = Batch(picture, None)
    second = Batch(picture, first)
    for take in (crew.put, crew.run_here):
        with pytest.raises(codec.ParameterError, match="slices before these"):
            take(second)
    crew.run_here(first)
    assert first.done and not running
    for change in (crew.put, crew.run_here, lambda batch: batch.end(0, 0, None, whole=True, known=False)):
        with pytest.raises(codec.ParameterError, match="a thread has these slices already"):
            change(first)
    crew.put(second)
    assert running == [second]
    with pytest.raises(codec.ParameterError, match="a thread has these slices already"):
        crew.put(second)
    crew.close()
    assert second.done and not running
    picture.wait()


def test_a_closed_iterator_leaves_the_decoder_usable():
    data = crafted.clip(24).data
    made, expected = Decoder(threads=2), [frame.poc for frame in codec.decode_video(data)]
    frames = made.iterate(data)
    first = next(frames).poc
    frames.close()
    assert list(frames) == []
    assert [first, *(frame.poc for frame in made.feed(b"") + made.flush())] == expected


def test_data_of_another_type_is_refused():
    """Before anything is decoded: the decoder goes on."""
    made = Decoder()
    for data in (5, "text", None, [1, 2]):
        for use in (made.feed, made.iterate, made.ahead):
            with pytest.raises(codec.ParameterError, match="data must be bytes-like"):
                use(data)
    data = crafted.clip(2).data
    assert len(made.feed(memoryview(bytearray(data))) + made.flush()) == 2


# ---------------------------------------------------------------- forks


def in_child(function, *arguments):
    """The exit status of a forked process that calls the function; it ends after 20 s."""
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        status = 1
        try:
            function(*arguments)
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def exits():
    """As the interpreter does: finalizers run."""
    import weakref

    weakref.finalize._exitfunc()


def refused(use):
    with pytest.raises(codec.ParameterError, match="forked from"):
        use()


@forks
def test_a_child_neither_waits_for_the_threads_of_its_parent_nor_uses_them():
    data = crafted.clip(20, sps=crafted.sps_of(20, 12)).data
    expected = len(list(codec.decode_video(data)))
    for stop in (1, 2, 5):
        frames, made = codec.decode_video(data, threads=3), Decoder(threads=3)
        held = [next(frames) for _ in range(stop)] + made.feed(data[: len(data) // 2])
        assert in_child(exits) == 0
        assert in_child(frames.close) == 0
        assert in_child(gc.collect) == 0
        assert in_child(refused, lambda: next(frames)) == 0
        for use in (made.flush, lambda: made.feed(data), lambda: list(made.rest())):
            assert in_child(refused, use) == 0
        assert in_child(lambda: len(list(codec.decode_video(data, threads=2))) == expected or os._exit(3)) == 0
        assert len(list(frames)) + stop == expected  # the parent goes on
        assert len(held) >= stop


@forks
def test_a_child_drops_a_decoder():
    data = crafted.clip(20, sps=crafted.sps_of(20, 12)).data
    held = {"frames": codec.decode_video(data, threads=3), "made": Decoder(threads=3)}
    next(held["frames"])
    held["made"].feed(data)

    def drop():
        held.clear()
        gc.collect()

    for _ in range(5):
        assert in_child(drop) == 0


@forks
def test_a_decoder_without_threads_works_in_a_child():
    data = crafted.clip(6).data
    frames, idle = codec.decode_video(data, threads=1), Decoder(threads=3)
    next(frames)
    assert in_child(lambda: len(list(frames)) == 5 or os._exit(3)) == 0
    assert in_child(lambda: len(idle.feed(data) + idle.flush()) == 6 or os._exit(3)) == 0


@forks
def test_a_pool_of_forked_processes():
    data = crafted.clip(20, sps=crafted.sps_of(20, 12)).data
    frames = codec.decode_video(data, threads=3)
    first = next(frames)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(len, ["a", "bc"] * 4) == [1, 2] * 4
        pool.close()
        pool.join()
    assert len(list(frames)) == 19 and first is not None
