"""Calls per second for small JPEGs, ours beside simplejpeg and Pillow (libjpeg-turbo): one thread, interleaved in one run.

usage: python benchmarks/jpeg_small.py [IMAGE] [--quality 85] [--reps 30]

Different parts of a picture (default: samples/coffee.png) of 64x64, 128x128 and 256x256, 4:2:0; files with the tables of
Annex K, with optimised ones, and progressive, as Pillow writes them. The default effort is beside Pillow's progressive
optimised files. Least CPU time of many rounds, since other processes disturb short ones.
"""

import argparse
import io
import pathlib
import time

import numpy as np
import simplejpeg
from PIL import Image

import codec

SAMPLE = pathlib.Path(__file__).parent.parent / "samples" / "coffee.png"
PARTS = 40
KINDS = {"": {}, ", optimised tables": {"optimize": True}, ", progressive": {"progressive": True}}


def parts(pixels, size):
    """Squares of a picture at places that are the same in each run."""
    rng = np.random.default_rng(size)
    for _ in range(PARTS):
        top, left = (int(rng.integers(0, n - size + 1)) for n in pixels.shape[:2])
        yield np.ascontiguousarray(pixels[top : top + size, left : left + size])


def by_pillow(image, quality, options):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling="4:2:0", **options)
    return file.getvalue()


def jobs(images, quality):
    """(task, ours, theirs), for one item; the items"""
    yield (
        "encode, effort 1",
        lambda image: codec.encode(image, quality, effort=1, subsampling="4:2:0"),
        lambda image: simplejpeg.encode_jpeg(image, quality, colorsubsampling="420", fastdct=False),
        images,
    )
    yield (
        "encode, effort 5",
        lambda image: codec.encode(image, quality, subsampling="4:2:0"),
        lambda image: by_pillow(image, quality, {"optimize": True, "progressive": True}),
        images,
    )
    for name, options in KINDS.items():
        yield (
            f"decode{name}",
            codec.decode,
            lambda data: simplejpeg.decode_jpeg(data, fastdct=False, fastupsample=False),
            [by_pillow(image, quality, options) for image in images],
        )


def least_seconds(functions, items, reps):
    """Of one item with each function; they take turns, so that drift of the machine affects all alike."""
    seconds = [float("inf")] * len(functions)
    for _ in range(reps):
        for i, function in enumerate(functions):
            start = time.process_time()
            for item in items:
                function(item)
            seconds[i] = min(seconds[i], (time.process_time() - start) / len(items))
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", nargs="?", default=SAMPLE)
    parser.add_argument("--quality", type=int, default=85)
    parser.add_argument("--reps", type=int, default=30)
    arguments = parser.parse_args()
    pixels = np.asarray(Image.open(arguments.image).convert("RGB"))
    print("| | ours, calls/s | libjpeg-turbo, calls/s | ratio |\n|---|---|---|---|")
    for size in (64, 128, 256):
        for task, ours, theirs, items in jobs(list(parts(pixels, size)), arguments.quality):
            a, b = least_seconds((ours, theirs), items, arguments.reps)
            print(f"| {size}x{size}, {task} | {1 / a:.0f} | {1 / b:.0f} | {b / a:.2f} |")


if __name__ == "__main__":
    main()
