"""Frames per second of the H.264 decoder with one and two threads, and of FFmpeg with one (through PyAV).

usage: python benchmarks/h264_speed.py [--times N] STREAM.264 ...

The decoders take turns. Shows the best of N runs of each, and the median ratio of two threads to the run with one
thread just before: on a busy machine the best runs of the two may be minutes apart.
"""

import argparse
import statistics
import time
from pathlib import Path

import codec


def ours(path, threads):
    return sum(1 for _ in codec.decode_video(path, threads=threads))


def ffmpeg(path):
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "NONE", 1
        return sum(1 for _ in container.decode(stream))


RUNS = {"1 thread": lambda path: ours(path, 1), "2 threads": lambda path: ours(path, 2), "FFmpeg, 1 thread": ffmpeg}


def frames_per_second(path, times):
    """By decoder, frames per second of each run."""
    speeds = {name: [] for name in RUNS}
    for _ in range(times):
        for name, run in RUNS.items():
            start = time.perf_counter()
            count = run(path)
            speeds[name].append(count / (time.perf_counter() - start))
    return speeds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("streams", nargs="+", type=Path)
    parser.add_argument("--times", type=int, default=5)
    arguments = parser.parse_args()
    print(f"| stream | {' | '.join(RUNS)} | two threads to one |\n|---|{'---|' * (len(RUNS) + 1)}")
    for path in arguments.streams:
        speeds = frames_per_second(path, arguments.times)
        ratio = statistics.median(two / one for one, two in zip(speeds["1 thread"], speeds["2 threads"]))
        print(f"| {path.name} | {' | '.join(f'{max(runs):.1f}' for runs in speeds.values())} | {ratio:.2f} |")
