"""The pictures of docs/palette.md, from samples/.

python benchmarks/palette_pictures.py       writes docs/palette_dithers.png and docs/palette_spaces.png; needs Pillow
"""

from pathlib import Path

import numpy as np
from PIL import Image

import codec

ROOT = Path(__file__).resolve().parents[1]
DITHERS = (None, "floyd-steinberg", "atkinson", "bayer", "blue-noise", "riemersma")


def sheet(tiles, columns):
    rows = [np.concatenate(tiles[i : i + columns], 1) for i in range(0, len(tiles), columns)]
    return codec.quantize_colors(np.concatenate(rows), dither=None)


def save(result, name):
    picture = Image.fromarray(result.indices, "P")
    picture.putpalette(result.palette.tobytes())
    picture.save(ROOT / "docs" / name, optimize=True)


def main():
    cat = np.asarray(Image.open(ROOT / "samples/chelsea.png").convert("RGB"))[60:220, 120:280]
    save(sheet([codec.quantize_colors(cat, 12, dither=dither).image() for dither in DITHERS], 3), "palette_dithers.png")
    spaces = [codec.quantize_colors(cat, 12, dither=None, space=space).image() for space in ("srgb", "oklab")]
    save(sheet([cat, *spaces], 3), "palette_spaces.png")


if __name__ == "__main__":
    main()
