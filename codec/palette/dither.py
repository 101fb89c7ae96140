"""Dithering by name."""
import numpy as np

from ._dither import diffuse

# Columns ahead, rows below, share of the error.
KERNELS = {
    "floyd-steinberg": [(1, 0, 7 / 16), (-1, 1, 3 / 16), (0, 1, 5 / 16), (1, 1, 1 / 16)],
    "jarvis-judice-ninke": [(1, 0, 7 / 48), (2, 0, 5 / 48), (-2, 1, 3 / 48), (-1, 1, 5 / 48), (0, 1, 7 / 48), (1, 1, 5 / 48), (2, 1, 3 / 48),
                            (-2, 2, 1 / 48), (-1, 2, 3 / 48), (0, 2, 5 / 48), (1, 2, 3 / 48), (2, 2, 1 / 48)],
    "stucki": [(1, 0, 8 / 42), (2, 0, 4 / 42), (-2, 1, 2 / 42), (-1, 1, 4 / 42), (0, 1, 8 / 42), (1, 1, 4 / 42), (2, 1, 2 / 42),
               (-2, 2, 1 / 42), (-1, 2, 2 / 42), (0, 2, 4 / 42), (1, 2, 2 / 42), (2, 2, 1 / 42)],
    "atkinson": [(1, 0, 1 / 8), (2, 0, 1 / 8), (-1, 1, 1 / 8), (0, 1, 1 / 8), (1, 1, 1 / 8), (0, 2, 1 / 8)],
    "sierra": [(1, 0, 5 / 32), (2, 0, 3 / 32), (-2, 1, 2 / 32), (-1, 1, 4 / 32), (0, 1, 5 / 32), (1, 1, 4 / 32), (2, 1, 2 / 32),
               (-1, 2, 2 / 32), (0, 2, 3 / 32), (1, 2, 2 / 32)],
}
DITHERS = tuple(KERNELS)


def paint(points, entries, height, width, nearest, dither, strength, limit):
    """Indices (height * width,) of the palette."""
    taps = np.array(KERNELS[dither], np.float32)
    lo, hi = np.zeros(points.shape[1], np.float32), np.full(points.shape[1], 2047, np.float32)
    return diffuse(points, entries, height, width, nearest, taps, np.array([strength], np.float32), limit, lo, hi)
