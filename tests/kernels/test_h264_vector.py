"""H.264 kernels: each vector variant equals its scalar body on random, extreme and hostile data,
and writes nothing else."""

import re
from pathlib import Path

import numpy as np
import pytest
from h264_samples import LEVELS, dtype_of, pictures

from codec import _core, cpu
from codec.h264.macroblock import _kernels

SCALAR_ONLY = {8: {"bypass_add", "deblock_half_v"}, 14: set()}
DEPTHS = (8, 14)


def same(call, *arrays):
    """call(level, *copies of arrays) leaves the same bytes in all arrays, whatever the level."""
    results = []
    for level in LEVELS:
        copies = [a.copy() for a in arrays]
        call(level, *copies)
        results.append(copies)
    for copies in results[1:]:
        for a, b in zip(results[0], copies):
            np.testing.assert_array_equal(a, b)


@pytest.mark.skipif(LEVELS == (0,), reason="no vector instructions here, or they are switched off")
@pytest.mark.parametrize("bit_depth", DEPTHS)
def test_vector_variants_exist_where_the_machine_has_vectors(bit_depth):
    """Otherwise the comparisons below would compare scalar with scalar."""
    levels = _kernels.LEVELS_8 if bit_depth == 8 else _kernels.LEVELS_16
    assert {name for name, found in levels.items() if found == (0,)} == SCALAR_ONLY[bit_depth]
    assert {found for name, found in levels.items() if name not in SCALAR_ONLY[bit_depth]} == {_core.BUILT_LEVELS}


def test_cython_declares_the_members_of_the_table():
    declarations = Path(_kernels.__file__).with_name("_kernels.pxd")
    if not declarations.exists():
        pytest.skip("no sources here")
    body = declarations.read_text().split("ctypedef struct H264Dsp:\n")[1].split("\n\n")[0]
    assert re.findall(r"^ +h264_\w+_fn (\w+)", body, re.M) == list(_kernels.LEVELS_8)


def test_every_member_is_registered_as_a_kernel():
    assert {f"h264_{name}" for name in _kernels.LEVELS_8} <= cpu.kernels().keys()


@pytest.mark.parametrize("bit_depth", DEPTHS)
def test_luma(bit_depth):
    rng = np.random.default_rng(bit_depth)
    top = (1 << bit_depth) - 1
    for w in (4, 8, 16):
        for h in (4, 8, 16):
            for position in range(16):
                for picture in pictures(rng, h + 5, w + 5, bit_depth):  # exactly the samples that a kernel may read
                    before = rng.integers(0, top + 1, (h + 2, w + 3)).astype(picture.dtype)
                    for average in (False, True):
                        same(
                            lambda level, out: _kernels.luma(
                                out, picture, 2, 2, w, h, position % 4, position // 4, average, top, level
                            ),
                            before,
                        )


@pytest.mark.parametrize("bit_depth", DEPTHS)
def test_worst_sums_of_the_centre_position(bit_depth):
    """Rows that drive the six taps to their limits in turn: intermediate sums of j reach 33150 on 8 bits."""
    top = (1 << bit_depth) - 1
    taps = np.array([1, -1, 1, 1, -1, 1])
    for signs in np.ndindex(2, 2, 2, 2, 2, 2):
        rows = [np.resize(taps * (1 if sign else -1), 21) > 0 for sign in signs]
        picture = (np.array(rows * 4)[:21] * top).astype(dtype_of(bit_depth))
        for position in (6, 9, 10, 11, 14):
            same(
                lambda level, out: _kernels.luma(
                    out, picture, 2, 2, 16, 16, position % 4, position // 4, False, top, level
                ),
                np.zeros((16, 16), picture.dtype),
            )


@pytest.mark.parametrize("bit_depth", DEPTHS)
def test_chroma(bit_depth):
    rng = np.random.default_rng(bit_depth)
    for w in (2, 4, 8):
        for h in (2, 4, 8, 16):
            for xFrac in range(8):
                for yFrac in range(8):
                    planes = rng.integers(0, 1 << bit_depth, (2, h + (yFrac > 0), 16)).astype(dtype_of(bit_depth))
                    before = rng.integers(0, 1 << bit_depth, (2, h + 1, w + 5)).astype(planes.dtype)
                    for average in (False, True):
                        same(
                            lambda level, out: _kernels.chroma(out, planes, 0, 0, w, h, xFrac, yFrac, average, level),
                            before,
                        )


@pytest.mark.parametrize("bit_depth", DEPTHS)
def test_weights(bit_depth):
    rng = np.random.default_rng(bit_depth)
    top = (1 << bit_depth) - 1
    for logWD in range(8):
        for _ in range(30):
            w0, w1, offset = rng.integers(-128, 129, 3).tolist()
            offset = min(offset, 127) << (bit_depth - 8)
            for picture in pictures(rng, 5, 21, bit_depth):
                other = np.ascontiguousarray(picture[::-1, ::-1])
                w = int(rng.choice([2, 4, 8, 16]))
                same(lambda level, out: _kernels.weight(out, w, 4, logWD, w0, offset, top, level), picture)
                same(lambda level, out: _kernels.biweight(out, other, w, 4, logWD, w0, w1, offset, top, level), picture)


@pytest.mark.parametrize("bit_depth", DEPTHS)
@pytest.mark.parametrize("kind", list(_kernels.INTRA))
def test_intra(kind, bit_depth):
    rng = np.random.default_rng(bit_depth)
    w, h, modes = _kernels.INTRA[kind]
    for mode in range(modes):
        for available in (
            (11, 15) if kind in ("4x4", "8x8") and mode in (4, 5, 6) else (3, 7, 11, 15)
        ):  # those need the corner
            for picture in pictures(rng, h + 3, 2 * w + 3, bit_depth):
                same(
                    lambda level, out: _kernels.intra(out, 1, 1, kind, mode, available, (1 << bit_depth) - 1, level),
                    picture,
                )


@pytest.mark.parametrize("bit_depth", DEPTHS)
@pytest.mark.parametrize("n", [4, 8])
def test_inverse_transforms_wrap_alike(n, bit_depth):
    rng = np.random.default_rng([n, bit_depth])
    extremes = np.int32([-(2**31), 2**31 - 1, 0, 1, -1, -33, 2**30])
    for turn in range(300):
        picture = rng.integers(0, 1 << bit_depth, (n + 1, n + 3)).astype(dtype_of(bit_depth))
        d = rng.integers(-(2**31), 2**31, (n, n)).astype(np.int32) >> rng.integers(0, 25)
        if turn % 3 == 0:
            d = rng.choice(extremes, (n, n))
        if turn % 3 == 1:
            d *= rng.random((n, n)) < 0.1
        d = d.astype(np.int32)
        for dc_only in (False, True):
            same(
                lambda level, out, d: _kernels.idct_add(out, 1, 1, d, dc_only, (1 << bit_depth) - 1, level), picture, d
            )
        for sums in range(3):
            same(lambda level, out, d: _kernels.bypass_add(out, 1, 1, d, sums, (1 << bit_depth) - 1, level), picture, d)


@pytest.mark.parametrize("bit_depth", DEPTHS)
@pytest.mark.parametrize("vertical", [True, False])
def test_deblock(vertical, bit_depth):
    rng = np.random.default_rng([vertical, bit_depth])
    scale, top = 1 << (bit_depth - 8), (1 << bit_depth) - 1
    for turn in range(400):
        spread = int(rng.choice([2, 6, 20, 128]))
        base = np.clip(rng.integers(0, 256) + rng.integers(-spread, spread + 1, (2, 22, 22)), 0, 255) * scale
        picture, other = base.astype(dtype_of(bit_depth))
        limits = [
            [
                (int(rng.choice([0, 4, 40, 255])), int(rng.choice([0, 2, 9, 18])), *rng.integers(0, 26, 3).tolist())
                for _ in range(2)
            ]
            for _ in range(2)
        ]
        bS = rng.integers(0, 4, (4, 4)) * rng.integers(0, 2, (4, 1))
        if turn % 4 == 0:
            bS[0] = 4
        if turn % 3 == 0:
            bS[[1, 3]] = 0
        bS = np.uint32(bS @ (1 << np.arange(0, 32, 8)))
        y, x = (1, 5) if vertical else (5, 1)
        same(lambda level, out: _kernels.deblock_luma(out, y, x, vertical, bS, limits[0], top, level), picture)
        same(lambda level, *out: _kernels.deblock_chroma(*out, y, x, vertical, bS, limits, top, level), picture, other)
