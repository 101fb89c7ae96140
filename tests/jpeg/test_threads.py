"""One picture by several threads: the bytes, pixels and errors of one thread."""

import itertools

import numpy as np
import pytest

import codec

THREADS = (2, 3, 8)


def textured(height, width, channels=3, seed=1):
    """A picture with detail everywhere, so that every part of its data differs."""
    y, x = np.mgrid[:height, :width]
    smooth = 128 + 60 * np.sin(x / 9) + 40 * np.cos(y / 7)
    noise = np.random.default_rng(seed).normal(0, 12, (height, width, channels))
    return np.clip(smooth[..., None] + noise, 0, 255).astype(np.uint8)


# Larger than 8 << 16 pixels: smaller ones are left to fewer threads (executors.useful_threads).
PICTURE = textured(777, 701)


# ---------------------------------------------------------------- encoding


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:0", "4:4:4"])
@pytest.mark.parametrize("effort", [1, 2, 3, 4])
def test_the_bytes_do_not_depend_on_threads(subsampling, effort):
    settings = dict(quality=85, subsampling=subsampling, effort=effort)
    expected = codec.encode(PICTURE, **settings)
    for threads in THREADS:
        assert codec.encode(PICTURE, **settings, threads=threads) == expected


@pytest.mark.parametrize("effort", [5, 9])
def test_nor_do_those_of_optimised_levels(effort):
    picture = PICTURE[:400, :400]
    assert codec.encode(picture, 60, effort=effort, threads=2) == codec.encode(picture, 60, effort=effort)


@pytest.mark.parametrize("restart_interval", [1, 5, 44, 88, 7, 2156, 65535])
def test_restart_intervals(restart_interval):
    """44 MCUs are a row: strips end where intervals do, wherever that is possible."""
    settings = dict(quality=85, subsampling="4:2:0", effort=1, restart_interval=restart_interval)
    expected = codec.encode(PICTURE, **settings)
    for threads in THREADS:
        assert codec.encode(PICTURE, **settings, threads=threads) == expected


@pytest.mark.parametrize("color, channels", [("gray", 1), ("rgb", 3), ("cmyk", 4), ("ycck", 4)])
def test_other_colours(color, channels):
    picture = textured(1000, 555, channels)
    settings = dict(quality=95, color=color, effort=1)
    assert codec.encode(picture, **settings, threads=3) == codec.encode(picture, **settings)


@pytest.mark.parametrize("height, width", [(65535, 3), (3, 65535), (30000, 17), (17, 30000)])
def test_extreme_shapes(height, width):
    picture = textured(height, width)
    for effort, subsampling in itertools.product((1, 2), ("4:2:0", "4:4:4")):
        settings = dict(effort=effort, subsampling=subsampling)
        assert codec.encode(picture, **settings, threads=3) == codec.encode(picture, **settings)


def test_all_processors_and_small_pictures():
    picture = PICTURE[:9, :20]
    assert codec.encode(picture, threads=0) == codec.encode(picture, threads=50) == codec.encode(picture)
    assert codec.encode(PICTURE, effort=1, threads=0) == codec.encode(PICTURE, effort=1)
