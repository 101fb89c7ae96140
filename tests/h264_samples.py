"""What the tests of the H.264 kernels share: bit depths, pictures that provoke, and the levels of this machine."""
import numpy as np

from codec import _core, cpu

DEPTHS = (8, 10, 14)
LEVELS = (0, 1) if _core.HAS_AVX2 and cpu.has("avx2") else (0,)


def dtype_of(bit_depth):
    return np.uint8 if bit_depth == 8 else np.uint16


def pictures(rng, height, width, bit_depth, count=1):
    """Pictures of noise, of extremes only, of gentle slopes and of steps: each kind `count` times."""
    top = (1 << bit_depth) - 1
    for _ in range(count):
        yield rng.integers(0, top + 1, (height, width)).astype(dtype_of(bit_depth))
        yield (rng.integers(0, 2, (height, width)) * top).astype(dtype_of(bit_depth))
        slope = rng.integers(0, top // 2) + np.add.outer(rng.integers(-3, 4) * np.arange(height), rng.integers(-3, 4) * np.arange(width))
        yield np.clip(slope + rng.integers(-2, 3, (height, width)), 0, top).astype(dtype_of(bit_depth))
        yield (rng.integers(0, 3, (height // 4 + 1, width // 4 + 1)).repeat(4, 0).repeat(4, 1)[:height, :width] * (top // 2)).astype(dtype_of(bit_depth))


def same_outside(after, before, rows, columns):
    """Nothing changed but the block of these slices."""
    kept = after.copy()
    kept[rows, columns] = before[rows, columns]
    return np.array_equal(kept, before)
