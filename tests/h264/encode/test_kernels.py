"""The encoder's kernels: scalar bodies against naive versions, vector ones against scalar ones."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from h264_samples import LEVELS

import codec
from codec import _core, cpu
from codec.h264.encode import _kernels
from codec.h264.macroblock import _kernels as decoder

HADAMARD = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, -1, 1], [1, -1, 1, -1]])
FORWARD4 = np.array([[1, 1, 1, 1], [2, 1, -1, -2], [1, -1, -1, 1], [1, -2, 2, -1]])


def pairs(rng, height, width):
    """Random blocks, equal ones, and extremes in each direction."""
    shape = (height, width)
    yield rng.integers(0, 256, shape, np.uint8), rng.integers(0, 256, shape, np.uint8)
    yield np.full(shape, 255, np.uint8), np.zeros(shape, np.uint8)
    yield np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)
    checks = (np.indices(shape).sum(0) % 2 * 255).astype(np.uint8)
    yield checks, 255 - checks
    yield checks, checks


def blocks(difference, n=4):
    for y in range(0, difference.shape[0], n):
        for x in range(0, difference.shape[1], n):
            yield difference[y : y + n, x : x + n]


NAIVE = {
    "sad": lambda d: np.abs(d).sum(),
    "ssd": lambda d: (d * d).sum(),
    "satd": lambda d: sum(np.abs(HADAMARD @ b @ HADAMARD.T).sum() // 2 for b in blocks(d)),
}


@pytest.mark.skipif(LEVELS == (0,), reason="no vector instructions here, or they are switched off")
def test_every_kernel_has_a_vector_variant():
    assert set(_kernels.LEVELS.values()) == {_core.BUILT_LEVELS}


def test_cython_declares_the_members_of_the_table():
    declarations = Path(_kernels.__file__).with_name("_kernels.pxd")
    if not declarations.exists():
        pytest.skip("no sources here")
    body = declarations.read_text().split("ctypedef struct H264Enc:\n")[1].split("\n\n")[0]
    assert re.findall(r"^ +h264_\w+_fn (\w+)", body, re.M) == list(_kernels.LEVELS)
    assert {f"h264_{name}" for name in _kernels.LEVELS} <= cpu.kernels().keys()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", NAIVE)
def test_differences(kind, level):
    rng = np.random.default_rng(1)
    for width in (16, 8, 4):
        for height in (4, 8, 12, 16):
            for a, b in pairs(rng, height, width):
                assert _kernels.difference(kind, a, b, level) == NAIVE[kind](a.astype(int) - b)


@pytest.mark.parametrize("level", LEVELS)
def test_difference_of_8x8_transforms(level):
    rng = np.random.default_rng(4)
    hadamard = np.array([[1 - 2 * (bin(i & k).count("1") & 1) for k in range(8)] for i in range(8)])
    for width, height in itertools.product((16, 8), (8, 16)):
        for a, b in pairs(rng, height, width):
            sums = [np.abs(hadamard @ block @ hadamard).sum() for block in blocks(a.astype(int) - b, 8)]
            assert _kernels.difference("sa8d", a, b, level) == (sum(sums) + 2) // 4


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", ["sad", "satd"])
def test_four_differences(kind, level):
    rng = np.random.default_rng(2)
    for width in (16, 8, 4):
        for height in (4, 8, 12, 16):
            for a, b in pairs(rng, height, width):
                four = np.stack([b, a, np.roll(b, 1), rng.integers(0, 256, b.shape, np.uint8)])
                expected = [NAIVE[kind](a.astype(int) - one) for one in four]
                assert _kernels.four_differences(kind, a, four, level) == expected


@pytest.mark.parametrize("level", LEVELS)
def test_average(level):
    rng = np.random.default_rng(3)
    for width in (16, 8, 4):
        a, b = rng.integers(0, 256, (2, 8, width), np.uint8)
        np.testing.assert_array_equal(_kernels.average(a, b, level), (a.astype(int) + b + 1) >> 1)


@pytest.mark.parametrize("level", LEVELS)
def test_half_samples_are_those_of_the_decoder(level):
    rng = np.random.default_rng(4)
    lines = [rng.integers(0, 256, (6, 85), np.uint8), (rng.integers(0, 2, (6, 85)) * 255).astype(np.uint8)]
    for src in lines:
        found = _kernels.half_samples(src, level)
        big = np.concatenate([src, src[-1:].repeat(3, 0)])  # four rows are predicted; the first is compared
        for x in range(0, found.shape[1] - 4, 4):
            for row, (xFrac, yFrac) in enumerate(((2, 0), (0, 2), (2, 2))):
                out = np.zeros((4, 4), np.uint8)
                decoder.luma(out, big, 2, x + 2, 4, 4, xFrac, yFrac, False, 255, 0)
                np.testing.assert_array_equal(found[row, x : x + 4], out[0])


@pytest.mark.parametrize("level", LEVELS)
def test_halve(level):
    rng = np.random.default_rng(8)
    for count in (*range(1, 36), 175, 176):
        for (a,), (b,) in pairs(rng, 1, 2 * count):
            out = np.full(count + 64, 77, np.uint8)
            _kernels.halve(out[32:-32], a, b, level)
            means = ((a.astype(int) + b).reshape(-1, 2).sum(1) + 2) >> 2
            np.testing.assert_array_equal(out, np.pad(means, 32, constant_values=77))
    with pytest.raises(codec.ParameterError, match="twice as many"):
        _kernels.halve(out, a[:100], b[:100], level)


@pytest.mark.parametrize("level", LEVELS)
def test_forward_4x4(level):
    rng = np.random.default_rng(5)
    for size in (4, 8):
        for src, prediction in pairs(rng, size, size):
            d = src.astype(int) - prediction
            wanted = np.stack([FORWARD4 @ block @ FORWARD4.T for block in blocks(d)])
            found = _kernels.forward(4, src, prediction, level)
            np.testing.assert_array_equal(found.reshape(wanted.shape), wanted)


def forward8(v):
    """The 8-point transform, one row of Figure 8-5's transpose at a time, with its integer shifts."""
    s, d = v[:4] + v[:3:-1], v[:4] - v[:3:-1]
    a0, a1, a2, a3 = s[0] + s[3], s[1] + s[2], s[0] - s[3], s[1] - s[2]
    b4, b5 = d[1] + d[2] + d[0] + (d[0] >> 1), d[0] - d[3] - d[2] - (d[2] >> 1)
    b6, b7 = d[0] + d[3] - d[1] - (d[1] >> 1), d[1] - d[2] + d[3] + (d[3] >> 1)
    return np.array([
        a0 + a1, b4 + (b7 >> 2), a2 + (a3 >> 1), b5 + (b6 >> 2), a0 - a1, b6 - (b5 >> 2), (a2 >> 1) - a3, (b4 >> 2) - b7,
    ])  # fmt: skip


@pytest.mark.parametrize("level", LEVELS)
def test_forward_8x8(level):
    rng = np.random.default_rng(6)
    for src, prediction in pairs(rng, 8, 8):
        d = src.astype(int) - prediction
        wanted = forward8(forward8(d).T).T
        np.testing.assert_array_equal(_kernels.forward(8, src, prediction, level), wanted)


@pytest.mark.parametrize("size", [4, 8])
def test_forward_then_inverse_is_the_residual(size):
    """With exact scaling, the decoder's inverse transform gives back the difference: the two are a pair."""
    norms = {4: np.array([4, 5, 4, 5]), 8: np.array([8, 289 / 32, 5, 289 / 32] * 2)}[size]
    rng = np.random.default_rng(7)
    src, prediction = rng.integers(0, 256, (2, size, size), np.uint8)
    d = _kernels.forward(size, src, prediction, 0).reshape(size, size) * 64.0 / np.outer(norms, norms)
    picture = prediction.copy()
    decoder.idct_add(picture, 0, 0, np.rint(d).astype(np.int32), False, 255, 0)
    assert np.abs(picture.astype(int) - src).max() <= 1


@pytest.mark.parametrize("level", LEVELS)
def test_quantize(level):
    rng = np.random.default_rng(8)
    for _ in range(50):
        n = int(rng.choice([16, 64]))
        d = rng.integers(-16320, 16321, n).astype(np.int16)
        scale, bias = rng.integers(50, 26215, n).astype(np.uint16), rng.integers(0, 12000, n).astype(np.uint16)
        levels, any_level = _kernels.quantize(d, scale, bias, level)
        wanted = np.sign(d) * ((np.abs(d.astype(np.int64)) + bias) * scale >> 16)
        np.testing.assert_array_equal(levels, wanted)
        assert any_level == wanted.any()
    assert _kernels.quantize(np.zeros(16, np.int16), scale[:16], np.zeros(16, np.uint16), level)[1] is False
