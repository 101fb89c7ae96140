"""Palettes of photographs: this package and libimagequant. Scores, PNG bytes, CPU time on one thread.

usage: python benchmarks/palette_table.py FOLDER [--images 8]       needs imagequant (pip install imagequant)
"""

import argparse
import io
import os
import time
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from PIL import Image

import codec


class Row(NamedTuple):
    """Means over the pictures."""

    psnr: float
    score: float  # SSIMULACRA 2
    size: float  # bytes of Pillow's PNG with optimize=True
    seconds: float


def imagequant(pixels, colors, dithering):
    import imagequant as theirs

    height, width, _ = pixels.shape
    indices, palette = theirs.quantize_raw_rgba_bytes(
        np.dstack([pixels, np.full((height, width), 255, np.uint8)]).tobytes(), width, height,
        dithering_level=dithering, max_colors=colors,
    )  # fmt: skip
    return np.frombuffer(indices, np.uint8).reshape(height, width), np.uint8(palette).reshape(-1, 4)[:, :3]


def ours(pixels, colors, **options):
    result = codec.quantize_colors(pixels, colors, **options)
    return result.indices, result.palette


PROGRAMS = {
    ("libimagequant, no dithering", 256): lambda pixels, colors: imagequant(pixels, colors, 0.0),
    ('`space="srgb", dither=None`', 256): lambda pixels, colors: ours(pixels, colors, space="srgb", dither=None),
    ('`space="srgb", dither=None, method="median-cut"`', 256): lambda pixels, colors: ours(
        pixels, colors, space="srgb", dither=None, method="median-cut"
    ),
    **{
        (name, colors): function
        for colors in (256, 64, 16)
        for name, function in (
            ("libimagequant, dithered", lambda pixels, colors: imagequant(pixels, colors, 1.0)),
            ("default", ours),
        )
    },
}


def png_bytes(indices, palette):
    picture, buffer = Image.fromarray(indices, "P"), io.BytesIO()
    picture.putpalette(palette.tobytes())
    picture.save(buffer, "PNG", optimize=True)
    return len(buffer.getvalue())


def row(paths, function, colors):
    found = []
    for path in paths:
        pixels = np.asarray(Image.open(path).convert("RGB"))
        seconds = []
        for _ in range(3):
            start = time.process_time()
            indices, palette = function(pixels, colors)
            seconds.append(time.process_time() - start)
        shown = palette[indices]
        scores = codec.metrics.psnr(pixels, shown), codec.metrics.ssimulacra2(pixels, shown)
        found.append((*scores, png_bytes(indices, palette), min(seconds)))
    return Row(*np.mean(found, 0))


def measured(paths):
    """{(program, colours): Row}"""
    return {(name, colors): row(paths, function, colors) for (name, colors), function in PROGRAMS.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=8)
    arguments = parser.parse_args()
    for (name, colors), one in measured(sorted(arguments.folder.glob("*.png"))[: arguments.images]).items():
        print(
            f"{name:50s}{colors:5d}{one.psnr:7.2f}{one.score:7.1f}{one.size / 1e3:7.0f} kB{1e3 * one.seconds:7.0f} ms"
        )
