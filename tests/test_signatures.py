"""Formats by their first bytes, against what Pillow finds and what the specifications say."""

import io

import numpy as np
import pytest
from PIL import Image

from codec.formats.pictures import READABLE
from codec.signatures import HEAD_BYTES, format_of

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8))


@pytest.mark.parametrize("name", ["JPEG", *READABLE])
def test_what_pillow_writes_is_recognized(name):
    Image.init()
    if name == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    if name not in Image.SAVE:
        pytest.skip(f"this Pillow does not write {name}")
    buffer = io.BytesIO()
    PICTURE.save(buffer, name)
    assert format_of(buffer.getvalue()[:HEAD_BYTES]) == name


@pytest.mark.parametrize(
    "head, name",
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIF"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "AVIF"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIF"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "AVIF"),
        (b"\0\0\0\x18ftypmsf1\0\0\0\0avismsf1", "AVIF"),
        (b"\0\0\0\x14ftypmif1\0\0\0\0mif1avif", "HEIF"),
        (b"\xff\xff\xff\xffftypmif1\0\0\0\0", "HEIF"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "camera raw"),
        (b"\0\0\0\x14ftypqt  \0\0\2\0", None),
        (b"II*\0\x10\0\0\0CR\2\0", "camera raw"),
        (b"MM\0*\0\0\0\x08", "TIFF"),
        (b"8BPS\0\1", "Photoshop"),
        (b"\xff\x0a\xff", "JPEG XL"),
        (b"RIFF\0\0\0\0AVI LIST", None),
        (b"BMW is a maker of cars", None),
        (b"P3\n2 2\n", "PPM"),
        (b"P3rl", None),
        (b"#!/bin/sh", None),
        (b"", None),
    ],
)
def test_signatures(head, name):
    assert format_of(head) == name
