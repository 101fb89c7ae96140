"""What a second thread is worth to the H.264 encoder: ``python benchmarks/h264_threads.py [--presets a,b] CLIP ...``.

Each preset encodes the frames of a clip with one thread and with two, in turn; the least times count. On an idle machine
the ratio of wall times is the answer. On any other the ratio of processor times bounds it: two threads can be no more
than twice as fast over what they take together. Switches are the times that a thread of two waited, for a frame.
"""

import argparse
import resource
import time
from pathlib import Path

import codec
from codec.sources import clips


def loaded(path, count):
    """(frames that nobody may change, their rate)"""
    clip, frames = clips.load(path, frames=count), []
    for planes in clip.frames:
        for plane in planes:
            plane.flags.writeable = False
        frames.append(codec.Frame(tuple(planes), clip.chroma, clip.depth, clip.matrix, clip.full_range))
    return frames, clip.fps


def measured(frames, fps, preset, threads):
    """(wall time, processor time, switches) of one encoding, and its bytes."""
    before, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    data = codec.encode_video(frames, fps=fps, qp=27, preset=preset, threads=threads)
    after, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - wall
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (wall, spent, after.ru_nvcsw - before.ru_nvcsw), data


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--presets", default="ultrafast,veryfast,medium")
    parser.add_argument("--runs", type=int, default=8)
    options = parser.parse_args()
    print("| clip | preset | ms a frame, 1 thread | wall, 1 / 2 | bound by processor time | switches |")
    print("| --- | --- | --- | --- | --- | --- |")
    for path in options.clips:
        frames, fps = loaded(path, options.frames)
        for preset in options.presets.split(","):
            found, made = {1: [], 2: []}, set()
            for _ in range(options.runs):
                for threads, rows in found.items():
                    row, data = measured(frames, fps, preset, threads)
                    rows.append(row)
                    made.add(data)
            assert len(made) == 1, "bytes depend on threads"
            one, two = ([min(column) for column in zip(*rows)] for rows in found.values())
            print(
                f"| {Path(path).name.split('.')[0]} | {preset} | {1000 * one[1] / len(frames):.2f} | "
                f"{one[0] / two[0]:.2f} | {2 * one[1] / two[1]:.2f} | {two[2] / len(frames):.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
