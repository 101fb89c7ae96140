"""How close files come to their targets, in how many encodes: pictures x targets, decoded by libjpeg-turbo (Pillow).

usage: python benchmarks/jpeg_targets.py IMAGE_OR_FOLDER ... [--target size:60kB ...] [--effort 5]
           [--subsampling 4:2:0] [-o rows.jsonl]

Prints one line per target. "off" is the distance of the file on the good side of the target (below a size, above a
score; negative means a missed target), in percent of a size, otherwise in units of the score. The exit code is 1 if a
target was missed or its distance exceeds the tolerance: 1 % of sizes, 0.1 dB, 0.005 SSIM, 0.3 SSIMULACRA 2. Pictures
that cannot reach a target are reported and leave no row.
"""

import argparse
import io
import json
import pathlib
import platform
import sys
import time

import numpy as np
from PIL import Image

import codec
import codec.targets

TARGETS = ("size:60kB", "bpp:1.0", "psnr:38", "ssim:0.95", "ssimulacra2:80")
TOLERANCES = {"size": 1, "bpp": 1, "psnr": 0.1, "ssim": 0.005, "ssimulacra2": 0.3}
SUFFIXES = (".png", ".ppm", ".tif", ".bmp")


def pictures(paths):
    for path in map(pathlib.Path, paths):
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if file.suffix.lower() in SUFFIXES:
                yield file.name, np.asarray(Image.open(file).convert("RGB"))


def off(measure, value, image, data):
    """Distance of the file on the good side of its target, in bytes or by the score of another decoder's output."""
    if measure in ("size", "bpp"):
        achieved = len(data) if measure == "size" else 8 * len(data) / (image.shape[0] * image.shape[1])
        return 100 * (value - achieved) / value
    return codec.metrics.by_name(measure)(image, np.asarray(Image.open(io.BytesIO(data)))) - value


def measured(name, image, target, options):
    start = time.perf_counter()
    try:
        encoded = codec.jpeg.encode(image, target=str(target), **options)
    except codec.ParameterError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return None
    seconds = time.perf_counter() - start
    return {
        "image": name,
        "target": str(target),
        "quality": encoded.quality,
        "achieved": encoded.achieved,
        "bytes": encoded.size,
        "encodes": encoded.encodes,
        "off": off(target.measure, target.value, image, encoded.data),
        "seconds": seconds,
        "megapixels": image.shape[0] * image.shape[1] / 1e6,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="+")
    parser.add_argument("--target", dest="targets", action="append")
    parser.add_argument("--effort", type=int, default=5)
    parser.add_argument("--subsampling", default="auto")
    parser.add_argument("-o", "--output")
    arguments = parser.parse_args()
    options = {"effort": arguments.effort, "subsampling": arguments.subsampling}
    origin = {"codec_version": codec.__version__, "cpu": codec.cpu.level(), "machine": platform.machine(), **options}
    images, rows, missed = list(pictures(arguments.images)), [], 0
    print(
        f"{'target':18s}{'files':>6s}{'off: mean':>11s}{'least':>9s}{'most':>9s}"
        f"{'outside':>9s}{'encodes':>9s}{'most':>6s}{'MP/s':>7s}"
    )
    for target in map(codec.targets.parse_target, arguments.targets or TARGETS):
        found = [row for name, image in images for row in [measured(name, image, target, options)] if row]
        if not found:
            continue
        offs, encodes = [row["off"] for row in found], [row["encodes"] for row in found]
        outside = sum(not 0 <= x <= TOLERANCES.get(target.measure, np.inf) for x in offs)
        missed += outside
        speed = sum(row["megapixels"] for row in found) / sum(row["seconds"] for row in found)
        print(
            f"{target!s:18s}{len(found):6d}{np.mean(offs):11.4f}{min(offs):9.4f}{max(offs):9.4f}"
            f"{outside:9d}{np.mean(encodes):9.1f}{max(encodes):6d}{speed:7.2f}"
        )
        rows += [row | origin for row in found]
    if arguments.output:
        pathlib.Path(arguments.output).write_text("".join(json.dumps(row) + "\n" for row in rows))
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
