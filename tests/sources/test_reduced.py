"""Clips of more bits and more chroma become 8 bits in 4:2:0, and say so."""

from fractions import Fraction

import numpy as np
import pytest

import codec
from codec.frame import plane_shapes
from codec.sources.reduced import reduced
from codec.sources.streaming import Clip


def frame_of(chroma, depth, rows=5, columns=7):
    rng = np.random.default_rng(0)
    dtype = np.uint8 if depth == 8 else np.uint16
    planes = tuple(rng.integers(0, 1 << depth, shape, dtype) for shape in plane_shapes(rows, columns, chroma))
    return codec.Frame(planes, chroma, depth, "BT.709", True, rotation=90)


def clip_of(*frames):
    return Clip(iter(frames), Fraction(25))


def by_hand(plane, down, across, depth, shape):
    """The rounded mean of the samples that there are, which at odd edges are fewer."""
    blocks = [
        [plane[down * y : down * (y + 1), across * x : across * (x + 1)].astype(np.float64) for x in range(shape[1])]
        for y in range(shape[0])
    ]
    means = np.array([[block.mean() for block in row] for row in blocks])
    return np.minimum(np.floor(means / (1 << depth - 8) + 0.5), 255)


@pytest.mark.parametrize("depth", [8, 9, 10, 12, 16])
@pytest.mark.parametrize("chroma, steps", [("4:2:0", (1, 1)), ("4:2:2", (2, 1)), ("4:4:4", (2, 2)), ("4:0:0", None)])
def test_samples_are_means(chroma, steps, depth):
    given = frame_of(chroma, depth)
    clip = reduced(clip_of(given, given))
    made, again = clip.frames
    kept = "4:0:0" if chroma == "4:0:0" else "4:2:0"
    assert (made.chroma, made.bit_depth, made.matrix, made.full_range, made.rotation) == (kept, 8, "BT.709", True, 90)
    shapes = plane_shapes(5, 7, kept)
    wanted = [by_hand(given.planes[0], 1, 1, depth, shapes[0])]
    wanted += [by_hand(plane, *steps, depth, shapes[1]) for plane in given.planes[1:]]
    for plane, right, other in zip(made.planes, wanted, again.planes, strict=True):
        assert plane.dtype == np.uint8 and np.array_equal(plane, right) and np.array_equal(plane, other)


def test_what_is_lost_is_said():
    said = [reduced(clip_of(frame_of(*kind))).warnings for kind in (("4:2:0", 8), ("4:0:0", 8), ("4:2:2", 10))]
    lost = ("10 bits are reduced to 8", "4:2:2 is converted to 4:2:0: chroma loses resolution")
    assert said == [(), (), lost]


@pytest.mark.parametrize("transfer, name", [(16, "PQ"), (18, "HLG")])
def test_hdr_stays_hdr_with_8_bits_and_says_so(transfer, name):
    made = reduced(Clip(iter([frame_of("4:2:0", 10)]), Fraction(25), colour=(9, transfer)))
    assert made.colour == (9, transfer) and made.warnings[0] == "10 bits are reduced to 8"
    assert made.warnings[1].startswith(f"it stays HDR ({name}): 8 bits show steps")
    assert reduced(Clip(iter([frame_of("4:2:0", 8)]), Fraction(25), colour=(9, transfer))).warnings == ()


def test_frames_that_need_nothing_stay_as_they_are():
    given = frame_of("4:2:0", 8)
    assert next(reduced(clip_of(given)).frames) is given
    assert list(reduced(clip_of()).frames) == []


def test_a_clip_that_cannot_be_read_is_closed():
    def broken():
        raise codec.BitstreamError("broken", layer="video")
        yield

    closed = []
    with pytest.raises(codec.BitstreamError):
        reduced(Clip(broken(), Fraction(25), close=lambda: closed.append(True)))
    assert closed
