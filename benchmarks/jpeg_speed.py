"""JPEG encode and decode speed, ours and that of the installed peers: one thread, interleaved in one run.

usage: python benchmarks/jpeg_speed.py [IMAGE ...] [--quality 85] [--reps 7] [-o rows.jsonl]

Without images, the photographs in samples/ are used. Peers: Pillow (always), simplejpeg and imagecodecs (if installed).
Prints the median MP/s and the ratio to Pillow's libjpeg-turbo; -o adds one JSON row per codec and task, with versions
and CPU. Ratios are more reliable than MP/s.
"""

import argparse
import importlib.metadata
import io
import json
import pathlib
import platform
import statistics
import time

import numpy as np
from PIL import Image

import codec

SAMPLES = [
    pathlib.Path(__file__).parent.parent / "samples" / name
    for name in ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
]


def mosaic(paths):
    """The pictures side by side, cut to the smallest height, repeated to at least two megapixels."""
    images = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    height = min(image.shape[0] for image in images)
    row = np.concatenate([image[:height] for image in images], 1)
    return np.ascontiguousarray(np.tile(row, (-(-2_000_000 // (row.shape[0] * row.shape[1])), 1, 1)))


def encoders(image, quality):
    pillow = Image.fromarray(image)

    def save(**options):
        out = io.BytesIO()
        pillow.save(out, "JPEG", quality=quality, **options)
        return out.getvalue()

    table = {
        "Pillow baseline": lambda: save(subsampling="4:2:0"),
        "Pillow progressive": lambda: save(subsampling="4:2:0", optimize=True, progressive=True),
    }
    for effort in (1, 3, 5):
        table[f"codec effort {effort}"] = lambda effort=effort: codec.encode(
            image, quality, subsampling="4:2:0", effort=effort
        )
    try:
        import simplejpeg

        table["simplejpeg baseline"] = lambda: simplejpeg.encode_jpeg(
            image, quality=quality, colorspace="RGB", colorsubsampling="420", fastdct=False
        )
    except ImportError:
        pass
    return table


def decoders(data):
    table = {"Pillow": lambda: np.asarray(Image.open(io.BytesIO(data))), "codec": lambda: codec.decode(data)}
    try:
        import simplejpeg

        table["simplejpeg"] = lambda: simplejpeg.decode_jpeg(data, fastdct=False, fastupsample=False)
    except ImportError:
        pass
    try:
        import imagecodecs

        table["imagecodecs"] = lambda: imagecodecs.jpeg8_decode(data)
    except ImportError:
        pass
    return table


def measure(table, reps):
    """Median seconds of each function, called in turn so that drift of the machine affects all alike."""
    seconds = {name: [] for name in table}
    for repetition in range(reps + 1):
        for name, function in table.items():
            start = time.perf_counter()
            function()
            if repetition:  # the first round warms up
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="*", default=SAMPLES)
    parser.add_argument("--quality", type=int, default=85)
    parser.add_argument("--reps", type=int, default=7)
    parser.add_argument("-o", "--output")
    arguments = parser.parse_args()
    image = mosaic(arguments.images)
    megapixels = image.shape[0] * image.shape[1] / 1e6
    base, progressive = (encoders(image, arguments.quality)[f"Pillow {kind}"]() for kind in ("baseline", "progressive"))
    tasks = {
        "encode 4:2:0": (encoders(image, arguments.quality), "Pillow baseline"),
        "decode baseline 4:2:0": (decoders(base), "Pillow"),
        "decode progressive 4:2:0": (decoders(progressive), "Pillow"),
    }
    versions = {name: importlib.metadata.version(name) for name in ("numpy", "pillow")}
    rows = []
    for task, (table, reference) in tasks.items():
        seconds = measure(table, arguments.reps)
        print(
            f"{task}: {image.shape[1]}x{image.shape[0]}, quality {arguments.quality}, "
            f"median of {arguments.reps}, one thread"
        )
        for name, value in seconds.items():
            print(f"  {name:22s}{megapixels / value:8.1f} MP/s   x{seconds[reference] / value:.2f}")
            rows.append(
                {
                    "task": task,
                    "codec": name,
                    "mp_per_s": megapixels / value,
                    "ratio_to_pillow": seconds[reference] / value,
                    "quality": arguments.quality,
                    "width": image.shape[1],
                    "height": image.shape[0],
                    "codec_version": codec.__version__,
                    "versions": versions,
                    "cpu": codec.cpu.level(),
                    "machine": platform.machine(),
                }
            )
    if arguments.output:
        with open(arguments.output, "a") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    main()
