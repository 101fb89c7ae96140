"""`codec palette --sheet`: one picture quantized in several ways, side by side, with sizes and scores."""

import io
import os
from functools import partial

import click

from ._progress import progress
from ._report import PIPE, report

COLUMNS, MARGIN, CAPTION_ROWS = 4, 8, 32
CAPTION_COLUMNS = 200  # minimum width of a caption
SIDE_MIN = 8  # smallest side for SSIMULACRA 2
# Title -> options of codec.quantize_colors.
WAYS = {
    "median cut, sRGB": {"method": "median-cut", "space": "srgb", "dither": None},
    "k-means, sRGB": {"space": "srgb", "dither": None},
    "k-means, OKLab": {"dither": None},
    "OKLab, Floyd-Steinberg (default)": {},
    "OKLab, Floyd-Steinberg 1.0": {"dither_strength": 1.0},
    "OKLab, blue noise": {"dither": "blue-noise"},
    "OKLab, Bayer": {"dither": "bayer"},
}


def sheet(inputs, path, *, colors, as_json, overwrite, dry_run, limits):
    """Write the sheet of one picture."""
    if len(inputs) != 1 or inputs[0] == PIPE or os.path.isdir(inputs[0]):
        raise click.UsageError("--sheet shows one picture: name one file")
    if os.path.realpath(path) == os.path.realpath(inputs[0]) or not path.lower().endswith(".png"):
        raise click.UsageError(f"a sheet must be a .png other than its picture, not {path}")
    from ..batch import row_of

    work = partial(_sheet_of, inputs[0], colors, limits)
    row = row_of(inputs[0], path, work, overwrite=overwrite, dry_run=dry_run)
    report("palette", [row], as_json=as_json, dry_run=dry_run, settings={"colors": colors})


def _sheet_of(path, colors, limits):
    from ..batch import Result
    from ..formats import pictures
    from ..sources.files import read_bytes

    data = read_bytes(path)
    image = pictures.seen(pictures.load(data, limits=limits))
    with progress("methods") as bar:
        made = drawn(image, colors, WAYS, bar)
    return len(data), Result(made, "done", (), {"colors": colors, "methods": list(WAYS)})


def drawn(image, colors, ways, progress=None):
    """Draw the original and each quantized version as one PNG.

    Parameters
    ----------
    image : uint8 (H, W) or (H, W, 3)
    colors : int
    ways : dict
        {title: options of `codec.quantize_colors`}.
    progress : callable, optional
    """
    import numpy as np
    from PIL import Image, ImageDraw

    from ..metrics import ssimulacra2
    from ..palette import quantize_colors, write_png

    image = np.repeat(image[..., None], 3, 2) if image.ndim == 2 else image
    cells = [("original", f"{len(np.unique(image.reshape(-1, 3), axis=0))} colours", image)]
    for number, (title, options) in enumerate(ways.items(), 1):
        made = quantize_colors(image, colors, **options)
        shown = np.ascontiguousarray(made.palette[made.indices][..., :3])
        score = f"SSIMULACRA 2 {ssimulacra2(image, shown):.1f}, " if min(image.shape[:2]) >= SIDE_MIN else ""
        cells.append((title, f"{score}{write_png(made).size / 1000:.1f} kB", shown))
        if progress:
            progress(number, len(ways))
    height, width = image.shape[0], max(image.shape[1], CAPTION_COLUMNS)
    columns = min(COLUMNS, len(cells))
    rows = -(-len(cells) // columns)
    page = Image.new(
        "RGB", (columns * (width + MARGIN) + MARGIN, rows * (height + CAPTION_ROWS + MARGIN) + MARGIN), "white"
    )
    pen = ImageDraw.Draw(page)
    for i, (title, says, pixels) in enumerate(cells):
        x, y = MARGIN + i % columns * (width + MARGIN), MARGIN + i // columns * (height + CAPTION_ROWS + MARGIN)
        pen.text((x, y), f"{title}\n{says}", fill="black")
        page.paste(Image.fromarray(pixels), (x, y + CAPTION_ROWS))
    buffer = io.BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()
