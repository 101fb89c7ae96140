"""What single parts of the JPEG encoder are worth: searched scan scripts, arithmetic coding, deringing, masking.

Used by docs_figures.py; a part is left out by replacing its switch for the duration of an encode.
"""

import sys
from dataclasses import replace
from unittest import mock

import numpy as np
from PIL import Image

import codec
from codec import rd, registry
from codec.jpeg import EncodeOptions, markers
from codec.jpeg.assemble import Common, assemble
from codec.jpeg.params import EFFORTS
from codec.jpeg.pipeline import application_segments, quantized
from codec.jpeg.scans import progressive_script, search_script

QUALITIES = (30, 50, 70, 85, 93)


def pixels_of(path):
    return np.asarray(Image.open(path).convert("RGB"))


def script_saving(paths, effort, subsampling, quality):
    """Percent of the bytes that the searched script saves against the fixed one, with shared tables."""
    fixed = searched = 0
    for path in paths:
        options = EncodeOptions(quality=quality, effort=effort, subsampling=subsampling)
        picture = quantized(pixels_of(path), options, Common())
        frame = replace(picture.frame, SOFn=markers.SOF2)
        scripts = (
            progressive_script(len(picture.planes), picture.color),
            search_script(picture.planes, picture.color, options.plan.search, frame),
        )
        sizes = [
            len(
                assemble(
                    frame, picture.planes, picture.steps, script,
                    segments=application_segments(None, picture.color), optimize=True, share_tables=True,
                ).data
            )
            for script in scripts
        ]  # fmt: skip
        fixed, searched = fixed + sizes[0], searched + sizes[1]
    return 100 * (1 - searched / fixed)


def mozjpeg_script_saving(paths, subsampling, quality):
    """The same of mozjpeg: optimize_scans on and off."""
    import pyvips

    sizes = [0, 0]
    for path in paths:
        pixels = pixels_of(path)
        image = pyvips.Image.new_from_memory(pixels, pixels.shape[1], pixels.shape[0], 3, "uchar")
        image = image.copy(interpretation="srgb")
        for scans in (False, True):
            sizes[scans] += len(
                image.jpegsave_buffer(
                    Q=quality, subsample_mode={"4:2:0": "on", "4:4:4": "off"}[subsampling], optimize_coding=True,
                    interlace=True, trellis_quant=True, optimize_scans=scans, quant_table=3, keep="none",
                )
            )  # fmt: skip
    return 100 * (1 - sizes[1] / sizes[0])


def arithmetic_saving(paths, quality):
    """Percent of the bytes that arithmetic coding saves against optimal Huffman tables, both progressive."""
    huffman, arithmetic = (
        sum(len(codec.encode(pixels_of(path), quality, progressive=True, coding=coding)) for path in paths)
        for coding in ("huffman", "arithmetic")
    )
    return 100 * (1 - arithmetic / huffman)


def _compared(paths, names, without):
    """{metric: Comparison}: our encoder against itself inside of the context `without()`."""
    ours = registry.by_name("jpeg")

    def encode(pixels, **setting):
        with without():
            return ours.encode(pixels, **setting)

    points = rd.sweep(
        paths, codecs=(replace(ours, name="without", encode=encode), ours), quality=QUALITIES, metrics=names,
        memory=False,
    )  # fmt: skip
    points = list(points)
    return {name: rd.compare(points, name, "without")["jpeg"] for name in names}


def without_dering(paths, names):
    """What deringing is worth at effort 5."""
    plan = EFFORTS[5]._replace(dering=False)
    return _compared(paths, names, lambda: mock.patch.dict(EFFORTS, {5: plan}))


def without_masking(paths, names):
    """What masking is worth at effort 5, for the default tune."""
    return _compared(
        paths, names, lambda: mock.patch.object(sys.modules["codec.jpeg.pipeline"], "masking_of", lambda tune: None)
    )
