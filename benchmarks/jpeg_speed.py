"""JPEG encode and decode speed, ours and that of the installed peers: one thread, interleaved in one run.

usage: python benchmarks/jpeg_speed.py [IMAGE ...] [--quality 85] [--reps 7] [-o rows.jsonl]

Without images, the photographs in samples/ are used. Peers: Pillow (always), simplejpeg and imagecodecs (if installed).
Prints MP/s of the least CPU time and the ratio to Pillow's libjpeg-turbo; -o adds one JSON row per codec and task, with
versions and CPU. Ratios are more reliable than MP/s.
"""

import argparse
import importlib.metadata
import io
import json
import pathlib
import platform
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
    """Least CPU seconds of each function, called in turn so that drift of the machine affects all alike."""
    seconds = dict.fromkeys(table, float("inf"))
    for _ in range(reps):
        for name, function in table.items():
            start = time.process_time()
            function()
            seconds[name] = min(seconds[name], time.process_time() - start)
    return seconds


def measured(images, quality, reps):
    """A row, as a dict, per task and codec."""
    image = mosaic(images)
    megapixels = image.shape[0] * image.shape[1] / 1e6
    encode = encoders(image, quality)
    tasks = {
        "encode 4:2:0": (encode, "Pillow baseline"),
        "decode baseline 4:2:0": (decoders(encode["Pillow baseline"]()), "Pillow"),
        "decode progressive 4:2:0": (decoders(encode["Pillow progressive"]()), "Pillow"),
    }
    origin = {
        "quality": quality,
        "width": image.shape[1],
        "height": image.shape[0],
        "codec_version": codec.__version__,
        "versions": {name: importlib.metadata.version(name) for name in ("numpy", "pillow")},
        "cpu": codec.cpu.level(),
        "machine": platform.machine(),
    }
    rows = []
    for task, (table, reference) in tasks.items():
        seconds = measure(table, reps)
        rows += [
            {
                "task": task,
                "codec": name,
                "mp_per_s": megapixels / value,
                "ratio_to_pillow": seconds[reference] / value,
                **origin,
            }
            for name, value in seconds.items()
        ]
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="*", default=SAMPLES)
    parser.add_argument("--quality", type=int, default=85)
    parser.add_argument("--reps", type=int, default=7)
    parser.add_argument("-o", "--output")
    arguments = parser.parse_args()
    rows = measured(arguments.images, arguments.quality, arguments.reps)
    for row in rows:
        print(f"{row['task']:26s}{row['codec']:22s}{row['mp_per_s']:8.1f} MP/s   x{row['ratio_to_pillow']:.2f}")
    if arguments.output:
        with open(arguments.output, "a") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    main()
