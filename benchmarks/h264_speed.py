"""Speed of the H.264 decoder with one and two threads, and of FFmpeg with one (through PyAV).

usage: python benchmarks/h264_speed.py [--times N] STREAM.264 ...

The decoders take turns. One thread: frames per second of CPU time, the best of N runs. Two threads: the
least wall time of one thread over that of two. Other work on the machine makes that factor smaller.
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import codec


class Found(NamedTuple):
    """Frames per second of ours and of FFmpeg on one thread, and the speed of two threads relative to one."""

    one: float
    ffmpeg: float
    threads: float


def ours(path, threads):
    return sum(1 for _ in codec.decode_video(path, threads=threads))


def ffmpeg(path):
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "NONE", 1
        return sum(1 for _ in container.decode(stream))


RUNS = (lambda path: ours(path, 1), lambda path: ours(path, 2), ffmpeg)


def timed(run, path):
    """(frames, CPU seconds, wall seconds)"""
    cpu, wall = time.process_time(), time.perf_counter()
    return run(path), time.process_time() - cpu, time.perf_counter() - wall


def measured(path, times):
    rounds = [[timed(run, path) for run in RUNS] for _ in range(times)]
    best = [max(frames / cpu for frames, cpu, _ in runs) for runs in zip(*rounds)]
    one, two, _ = (min(wall for _, _, wall in runs) for runs in zip(*rounds))
    return Found(best[0], best[2], one / two)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("streams", nargs="+", type=Path)
    parser.add_argument("--times", type=int, default=5)
    arguments = parser.parse_args()
    print("| stream | 1 thread | FFmpeg, 1 thread | two threads to one |\n|---|---|---|---|")
    for path in arguments.streams:
        print(f"| {path.name} | {' | '.join(f'{value:.2f}' for value in measured(path, arguments.times))} |")
