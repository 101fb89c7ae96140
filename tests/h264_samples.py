"""Shared by the tests of the H.264 kernels: bit depths, difficult pictures, instruction-set levels."""

import re
from pathlib import Path

import numpy as np

import codec
from codec import _core, cpu

DEPTHS = (8, 10, 14)
LEVELS = tuple(level for level in _core.BUILT_LEVELS if level <= cpu.level_index())
TABLES = Path(codec.__file__).parent / "h264" / "tables"


def c_table(name):
    """The numbers of an array in h264_tables.h, as a flat list, and its dimensions."""
    text = (TABLES / "h264_tables.h").read_text()
    found = re.search(rf"static const \w+ {name}((?:\[\d+\])+) = (.*?);", text, re.S)
    return [int(n) for n in re.findall(r"-?\d+", found[2])], [int(n) for n in re.findall(r"\d+", found[1])]


def dtype_of(bit_depth):
    return np.uint8 if bit_depth == 8 else np.uint16


def pictures(rng, height, width, bit_depth, count=1):
    """Noise, extreme values, gentle slopes and steps: `count` pictures of each kind."""
    top = (1 << bit_depth) - 1
    for _ in range(count):
        yield rng.integers(0, top + 1, (height, width)).astype(dtype_of(bit_depth))
        yield (rng.integers(0, 2, (height, width)) * top).astype(dtype_of(bit_depth))
        slope = rng.integers(0, top // 2) + np.add.outer(
            rng.integers(-3, 4) * np.arange(height), rng.integers(-3, 4) * np.arange(width)
        )
        yield np.clip(slope + rng.integers(-2, 3, (height, width)), 0, top).astype(dtype_of(bit_depth))
        yield (
            rng.integers(0, 3, (height // 4 + 1, width // 4 + 1)).repeat(4, 0).repeat(4, 1)[:height, :width]
            * (top // 2)
        ).astype(dtype_of(bit_depth))


def same_outside(after, before, rows, columns):
    """Whether nothing outside the block of these slices has changed."""
    kept = after.copy()
    kept[rows, columns] = before[rows, columns]
    return np.array_equal(kept, before)
