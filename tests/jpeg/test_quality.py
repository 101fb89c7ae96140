"""Fractional qualities: steps and file sizes between those of the adjacent integers, the same on every machine."""

import dataclasses
from fractions import Fraction
from math import floor

import numpy as np
import pytest

import codec
from codec.errors import ParameterError
from codec.jpeg import EncodeOptions, QuantTables
from codec.jpeg.learned import learned
from codec.jpeg.params import TUNES, as_quality
from codec.jpeg.tables import T81_TABLE_K_1_LUMINANCE

FRACTIONS = [1 + Fraction(n, 64) for n in range(0, 99 * 64 + 1, 37)]
within = lambda step: min(255, max(1, step))


def percent(quality):
    """The scale of the Independent JPEG Group, defined for integers, interpolated linearly between them."""
    at = lambda q: 5000 // q if q < 50 else 200 - 2 * q
    whole = floor(quality)
    return at(whole) + (quality - whole) * (at(whole + 1) - at(whole)) if quality > whole else Fraction(at(whole))


def test_steps_of_annex_k_by_exact_fractions():
    for quality in FRACTIONS:
        expected = [within(floor(base * percent(quality) / 100 + Fraction(1, 2))) for base in T81_TABLE_K_1_LUMINANCE]
        assert list(QuantTables.ijg(float(quality)).luminance) == expected


@pytest.mark.parametrize("tune", ["ssimulacra2", "ssim", "psnr"])
def test_learned_steps_by_exact_fractions(tune):
    anchors = learned()[tune]["tables"]["4:2:0"]
    known = sorted(anchors)
    for quality in FRACTIONS:
        low = max([q for q in known if q <= quality], default=known[0])
        high = min([q for q in known if q >= quality], default=known[-1])
        if low < high:
            share = (quality - low) / (high - low)
            mixed = [a + share * (b - a) for a, b in zip(anchors[low][0], anchors[high][0])]
        else:
            mixed = [v * percent(quality) / percent(low) if quality != low else v for v in anchors[low][0]]
        expected = [within(floor(Fraction(v) / 16 + Fraction(1, 2))) for v in mixed]
        assert list(QuantTables.for_quality(float(quality), tune).luminance) == expected


@pytest.mark.parametrize("tune", TUNES)
def test_steps_lie_between_those_of_the_integers_around(tune):
    for quality in range(1, 100):
        steps = lambda q: np.array(dataclasses.astuple(QuantTables.for_quality(q, tune)))
        around = steps(quality), steps(quality + 1)
        for part in (1, 21, 43, 63):
            between = steps(quality + part / 64)
            assert (np.minimum(*around) <= between).all() and (between <= np.maximum(*around)).all()


@pytest.mark.parametrize(
    "given, used",
    [
        (74.5, 74.5),
        (75.0, 75),
        (74.3, 74 + 19 / 64),
        (99.999, 100),
        (1.001, 1),
        (np.float32(80.25), 80.25),
        (np.uint8(60), 60),
        (np.int64(3), 3),
    ],
)
def test_what_is_given_is_rounded_to_a_64th(given, used):
    assert as_quality(given) == used and type(as_quality(given)) is (int if used % 1 == 0 else float)
    assert EncodeOptions(given).quality == EncodeOptions(chroma_quality=given).chroma_quality == used
    assert codec.encode(np.full((8, 8), 9, np.uint8), given) == codec.encode(np.full((8, 8), 9, np.uint8), used)


@pytest.mark.parametrize(
    "value", [0.99, 100.01, float("nan"), float("inf"), -75.5, "74.5", 75j, True, Fraction(149, 2)]
)
def test_what_is_no_quality_is_refused(value):
    for name in ("quality", "chroma_quality"):
        with pytest.raises(ParameterError, match=f"{name} must be a number in 1..100, not"):
            EncodeOptions(**{name: value})


def test_files_grow_little_by_little(picture):
    image = picture(96, 128)
    sizes = [len(codec.encode(image, 80 + part / 16)) for part in range(17)]
    assert len(set(sizes)) > 12 and max(b / a for a, b in zip(sizes, sizes[1:])) < 1.02 and sizes[0] < sizes[-1]


def test_whatever_asks_for_a_quality_takes_a_fraction(picture):
    image = picture(24, 24)
    encoded = codec.jpeg.encode(image, 74.5)
    assert encoded.quality == 74.5 and encoded.quant_tables == QuantTables.for_quality(74.5)
    assert (
        codec.decode(encoded.data).shape == image.shape
        and 1 <= codec.jpeg.inspect(encoded.data)["estimated_quality"] <= 100
    )
    assert codec.jpeg.worse_generation(QuantTables.ijg(80.5).luminance, QuantTables.ijg(80.25))
