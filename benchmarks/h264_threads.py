"""What a second thread is worth to the H.264 encoder: ``python benchmarks/h264_threads.py [--presets a,b] CLIP ...``.

Each preset encodes the frames of a clip with one thread and with two, and in two processes of one thread, in turn; the
least wall times count. What two processes do, which share nothing, is what the machine gives. Switches are the times
that a thread of two waited, for a frame.
"""

import argparse
import resource
from pathlib import Path

from jpeg_threads import fastest

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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--presets", default="ultrafast,veryfast,medium")
    parser.add_argument("--runs", type=int, default=6)
    parser.add_argument("--crf", type=float, help="in place of QP 27, which is the same for all macroblocks")
    options = parser.parse_args()
    quality = {"qp": 27} if options.crf is None else {"crf": options.crf}
    print("| clip | preset | ms a frame, 1 thread | 2 threads, times as fast | 2 processes | switches |")
    print("| --- | --- | --- | --- | --- | --- |")
    for path in options.clips:
        frames, fps = loaded(path, options.frames)
        for preset in options.presets.split(","):
            encode = lambda threads, preset=preset: codec.encode_video(
                frames, fps=fps, preset=preset, threads=threads, **quality
            )
            assert encode(1) == encode(2), "bytes depend on threads"
            alone, by_threads, by_processes = fastest(encode, [2], options.runs)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
            encode(2)
            switches = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before
            print(
                f"| {Path(path).name.split('.')[0]} | {preset} | {1000 * alone / len(frames):.2f} | "
                f"{alone / by_threads[2]:.2f} | {2 * alone / by_processes[2]:.2f} | {switches / len(frames):.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
