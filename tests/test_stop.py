"""Ctrl-C within a kernel: signal handlers run while it computes, and what they raise ends it."""

import signal
import subprocess
import sys
import threading
import time
import zlib

import numpy as np
import pytest
from codec.palette._lzw import lzw_encode

import codec
from codec import _stop, executors
from codec.metrics import gradients, ssim, ssimulacra2
from codec.palette import animate, histogram, png
from codec.quantizers import kmeans

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no interval timers")


def noise(*shape):
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def clip():
    return [np.roll(noise(288, 352, 3) // 8, 3 * number, 1) for number in range(3)]


JPEG = codec.encode(np.repeat(noise(1, 6000, 3), 6000, 0), 95, subsampling="4:4:4", effort=1)
# Each takes some tenths of a second without a line of Python, on fast machines too.
CALLS = {
    "ssimulacra2": lambda: ssimulacra2(noise(2000, 2000, 3), noise(2000, 2000, 3) // 2),
    "gradient": lambda: gradients.ssimulacra2_gradient(noise(1600, 1600, 3), noise(1600, 1600, 3) // 2),
    "gains": lambda: gradients.estimated_gains(noise(3000, 3000, 3), noise(3000, 3000, 3) // 2),
    "ssim": lambda: ssim(noise(5000, 5000, 1), noise(5000, 5000, 1) // 2),
    "k-means": lambda: kmeans.cluster(noise(400_000, 6).astype(np.float32), 64, seed=1),
    "phrases": lambda: animate([noise(700, 700, 3)], lossy=20),
    "histogram": lambda: histogram.count_colors(noise(3000, 2000, 3)),
    "codes": lambda: lzw_encode(noise(6_000_000), 8),
    "jpeg": lambda: codec.encode(noise(5000, 5000, 3), effort=1, threads=1),
    "jpeg read": lambda: codec.decode(JPEG, threads=1),
    "jpeg read, threads": lambda: codec.decode(JPEG, threads=2),
    "jpeg, threads": lambda: codec.encode(noise(6000, 7000, 3), effort=1, threads=2),
    "h264": lambda: codec.encode_video(clip(), fps=25, qp=10, preset="placebo", threads=1),
}
REPEATS = 40  # of a call, until the signals have come: on any machine long enough
PIECES = {"deflate": lambda: png.deflated(noise(4_000_000) // 32)}  # by calls that take some hundredths


class Signals:
    """Counts the calls of a handler, as signals come all the time; the `last`-th raises KeyboardInterrupt."""

    def __init__(self, last=None):
        self.count, self.last = 0, last

    def _handle(self, number, frame):
        if self.count == self.last:  # this signal was on its way when the timer was stopped
            return
        self.count += 1
        if self.count == self.last:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise KeyboardInterrupt

    def __enter__(self):
        self.before = signal.signal(signal.SIGALRM, self._handle)
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        return self

    def __exit__(self, *_):
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.before)


class Interpreter:
    """Counts the lines of Python that the main thread runs: between two handlers there is none within a kernel."""

    def __init__(self):
        self.lines, self.within = 0, 0

    def handle(self, number, frame):
        self.within += self.lines == 0
        self.lines = 0

    def trace(self, frame, event, argument):
        self.lines += frame.f_code is not Interpreter.handle.__code__
        return self.trace


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_handlers_run_within_a_kernel(call):
    """Two handlers without a line of Python between them ran within one call of compiled code."""
    seen = Interpreter()
    before, tracing = signal.signal(signal.SIGALRM, seen.handle), sys.gettrace()
    sys.settrace(seen.trace)
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    try:
        for _ in range(REPEATS):
            call()
            if seen.within:
                break
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.settrace(tracing)
        signal.signal(signal.SIGALRM, before)
    assert seen.within >= 1


@pytest.mark.parametrize("call", [*CALLS.values(), *PIECES.values()], ids=[*CALLS, *PIECES])
def test_what_a_handler_raises_ends_the_call_and_the_next_one_is_whole(call):
    with Signals(last=4) as signals, pytest.raises(KeyboardInterrupt):
        for _ in range(REPEATS):
            call()
    assert signals.count == 4
    assert _stop.halted() is False and zlib.decompress(png.deflated(b"whole")) == b"whole"
    assert ssim(noise(20, 20), noise(20, 20)) == 1


def test_jobs_of_other_threads_end_with_the_call_that_wanted_them():
    """Each job is longer than the test may take; those within a job of another pool too."""
    begun, ended = threading.Event(), []

    def job():
        begun.set()
        try:
            while True:
                ssim(noise(300, 300), noise(300, 300) // 2)
        except BaseException as error:
            ended.append(type(error))
            raise

    def nested():
        list(executors.in_order([job, job], workers=2))

    def jobs():
        yield nested
        begun.wait()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(executors.in_order(jobs(), workers=2))
    assert ended == [_stop.Halted] * 2 and not _stop._halted


PROGRAM = """
import sys, numpy as np, codec
picture = np.random.default_rng(1).integers(0, 256, (3000, 4000, 3), dtype=np.uint8)
print("begun", flush=True)
{call}
print("done", flush=True)
"""


@pytest.mark.parametrize("call", [
    "codec.write(sys.argv[1] + '/a.jpg', picture, effort=9)",
    "codec.animate([picture, picture[::-1]], sys.argv[1] + '/a.gif')",
    "codec.palette.write_png(picture, sys.argv[1] + '/a.png')",
    "list(codec.encode_many([picture] * 8, effort=9, threads=2))",
    "codec.write_video(sys.argv[1] + '/a.h264', [picture] * 9, fps=25, preset='placebo')",
], ids=["jpeg", "gif", "png", "many", "h264"])  # fmt: skip
def test_ctrl_c_ends_a_program_and_leaves_no_file(tmp_path, call):
    child = subprocess.Popen([sys.executable, "-c", PROGRAM.format(call=call), str(tmp_path)], stdout=-1, stderr=-1)
    assert child.stdout.readline() == b"begun\n"
    time.sleep(0.5)  # it is within the call, which takes many times as long
    child.send_signal(signal.SIGINT)
    out, errors = child.communicate(timeout=120)
    assert b"KeyboardInterrupt" in errors and b"done" not in out and list(tmp_path.iterdir()) == []
