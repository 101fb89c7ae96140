"""JPEG by several threads: `python benchmarks/jpeg_threads.py [IMAGE ...] [--threads 1,2] [--quality 85] [--reps 9]`.

Least wall times of alternating calls, in MP/s, and their ratio to the first number of threads. Without images, the
photographs in samples/ are used, repeated to eight megapixels. On a machine at work with something else the ratios mean
little: processors must be idle.
"""

import argparse
import time

import numpy as np
from jpeg_speed import SAMPLES, mosaic

import codec

FILES = {
    "4:2:0": dict(effort=1, subsampling="4:2:0"),
    "4:4:4": dict(effort=1, subsampling="4:4:4"),
    "4:2:0, restart interval a row": dict(effort=1, subsampling="4:2:0"),
    "progressive 4:2:0": dict(effort=4, subsampling="4:2:0"),
}
EFFORTS = (1, 4, 5, 9)


def tasks(image, quality):
    """{name: function of the number of threads}"""
    row = -(-image.shape[1] // 16)
    for effort in EFFORTS:
        yield (
            f"encode 4:2:0, effort {effort}",
            lambda threads, effort=effort: codec.encode(
                image, quality, effort=effort, subsampling="4:2:0", threads=threads
            ),
        )
    for name, options in FILES.items():
        data = codec.encode(image, quality, **options, restart_interval=row if "restart" in name else 0)
        yield f"decode {name}", lambda threads, data=data: codec.decode(data, threads=threads)


def fastest(function, counts, reps):
    seconds = dict.fromkeys(counts, float("inf"))
    for _ in range(reps):
        for threads in counts:
            start = time.perf_counter()
            function(threads)
            seconds[threads] = min(seconds[threads], time.perf_counter() - start)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="*", default=SAMPLES)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--quality", type=int, default=85)
    parser.add_argument("--reps", type=int, default=9)
    arguments = parser.parse_args()
    counts = [int(count) for count in arguments.threads.split(",")]
    image = mosaic(arguments.images)
    image = np.ascontiguousarray(np.tile(image, (-(-8_000_000 // (image.shape[0] * image.shape[1])), 1, 1)))
    megapixels = image.shape[0] * image.shape[1] / 1e6
    print(f"| {megapixels:.1f} MP | " + " | ".join(f"{count} threads" for count in counts) + " |")
    print("|---" * (len(counts) + 1) + "|")
    for name, function in tasks(image, arguments.quality):
        seconds = fastest(function, counts, max(2, arguments.reps // 3) if "9" in name else arguments.reps)
        cells = [f"{megapixels / s:.0f} ({seconds[counts[0]] / s:.2f})" for s in seconds.values()]
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
