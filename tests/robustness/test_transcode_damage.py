"""Transcoding of damaged files: a CodecError, or a file that holds exactly what was read."""

import hostile
import numpy as np
import pytest

import codec
from codec import jpeg

NAMES = sorted(hostile.seeds())
OPTIONS = (
    {},
    {"rotate": 90, "edge": "trim", "auto_rotate": True, "trailer": "drop"},
    {"flip": "horizontal", "edge": "keep", "crop": (1, 1, 4, 4)},
    {"metadata": "none", "grayscale": True},
)


def judge(data, options):
    """Transcode strictly and with concealment. The result must decode like the source, except for levels that no file
    can hold, which concealment clamps."""
    for on_error in ("raise", "conceal"):
        try:
            made = jpeg.transcode(data, on_error=on_error, **options)
        except codec.CodecError as error:
            assert "please report" not in str(error)
            continue
        again = jpeg.decode(made.data)
        assert again.damage is None or made.kept
        if on_error == "raise" and not options and not made.kept:
            source = jpeg.decode(data)
            if not source.doubts and not source.damage:
                assert np.array_equal(again.pixels, source.pixels)


@pytest.mark.parametrize("name", NAMES)
def test_truncations_and_corrupted_bytes(seeds, name):
    data = seeds[name]
    step = 1 if hostile.FULL else 7
    for at in range(2, len(data), step):
        options = OPTIONS[at // step % len(OPTIONS)]
        judge(data[:at], options)
        for change in (0x80, 0xFF):
            judge(data[:at] + bytes((data[at] ^ change,)) + data[at + 1 :], options)
