"""Calls per second for small JPEGs, ours beside simplejpeg (libjpeg-turbo): one thread, interleaved in one run.

usage: python benchmarks/jpeg_small.py [IMAGE] [--quality 85] [--reps 60]

The middle of a picture (default: samples/coffee.png) at 64x64, 128x128 and 256x256, 4:2:0. Least CPU time of many batches
of calls, since other processes disturb short ones.
"""

import argparse
import pathlib
import time

import numpy as np
import simplejpeg
from PIL import Image

import codec

SAMPLE = pathlib.Path(__file__).parent.parent / "samples" / "coffee.png"
BATCH_PIXELS = 1 << 19


def jobs(image, quality):
    """(task, ours, theirs)"""
    data = simplejpeg.encode_jpeg(image, quality, colorsubsampling="420", fastdct=False)
    yield (
        "encode, effort 1",
        lambda: codec.encode(image, quality, effort=1, subsampling="4:2:0"),
        lambda: simplejpeg.encode_jpeg(image, quality, colorsubsampling="420", fastdct=False),
    )
    yield (
        "decode",
        lambda: codec.decode(data),
        lambda: simplejpeg.decode_jpeg(data, fastdct=False, fastupsample=False),
    )


def least_seconds(functions, calls, reps):
    """Of one call of each function; they take turns, so that drift of the machine affects all alike."""
    seconds = [float("inf")] * len(functions)
    for _ in range(reps):
        for i, function in enumerate(functions):
            start = time.process_time()
            for _ in range(calls):
                function()
            seconds[i] = min(seconds[i], (time.process_time() - start) / calls)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", nargs="?", default=SAMPLE)
    parser.add_argument("--quality", type=int, default=85)
    parser.add_argument("--reps", type=int, default=60)
    arguments = parser.parse_args()
    pixels = np.asarray(Image.open(arguments.image).convert("RGB"))
    print("| | ours, calls/s | simplejpeg, calls/s | ratio |\n|---|---|---|---|")
    for size in (64, 128, 256):
        top, left = (n - size >> 1 for n in pixels.shape[:2])
        part = np.ascontiguousarray(pixels[top : top + size, left : left + size])
        for task, ours, theirs in jobs(part, arguments.quality):
            a, b = least_seconds((ours, theirs), max(10, BATCH_PIXELS // size**2), arguments.reps)
            print(f"| {size}x{size}, {task} | {1 / a:.0f} | {1 / b:.0f} | {b / a:.2f} |")


if __name__ == "__main__":
    main()
