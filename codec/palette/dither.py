"""Dithering by name: errors handed on to neighbours, or spread by a mask that every picture shares."""

import numpy as np

from . import blue_noise
from ._dither import diffuse, riemersma

# Error diffusion: columns ahead, rows below, share of the error. Atkinson's hands on three quarters only.
KERNELS = {
    "floyd-steinberg": [(1, 0, 7 / 16), (-1, 1, 3 / 16), (0, 1, 5 / 16), (1, 1, 1 / 16)],
    "jarvis-judice-ninke": [
        (1, 0, 7 / 48),
        (2, 0, 5 / 48),
        (-2, 1, 3 / 48),
        (-1, 1, 5 / 48),
        (0, 1, 7 / 48),
        (1, 1, 5 / 48),
        (2, 1, 3 / 48),
        (-2, 2, 1 / 48),
        (-1, 2, 3 / 48),
        (0, 2, 5 / 48),
        (1, 2, 3 / 48),
        (2, 2, 1 / 48),
    ],
    "stucki": [
        (1, 0, 8 / 42),
        (2, 0, 4 / 42),
        (-2, 1, 2 / 42),
        (-1, 1, 4 / 42),
        (0, 1, 8 / 42),
        (1, 1, 4 / 42),
        (2, 1, 2 / 42),
        (-2, 2, 1 / 42),
        (-1, 2, 2 / 42),
        (0, 2, 4 / 42),
        (1, 2, 2 / 42),
        (2, 2, 1 / 42),
    ],
    "atkinson": [(1, 0, 1 / 8), (2, 0, 1 / 8), (-1, 1, 1 / 8), (0, 1, 1 / 8), (1, 1, 1 / 8), (0, 2, 1 / 8)],
    "sierra": [
        (1, 0, 5 / 32),
        (2, 0, 3 / 32),
        (-2, 1, 2 / 32),
        (-1, 1, 4 / 32),
        (0, 1, 5 / 32),
        (1, 1, 4 / 32),
        (2, 1, 2 / 32),
        (-1, 2, 2 / 32),
        (0, 2, 3 / 32),
        (1, 2, 2 / 32),
    ],
}
ORDERED = ("bayer", "blue-noise")
DITHERS = (*KERNELS, *ORDERED, "riemersma")

# How many errors are remembered, and how much more the newest weighs than the oldest.
RIEMERSMA_LENGTH = 16
RIEMERSMA_RATIO = 16


def bayer_mask(side=8):
    """Thresholds within 0..1, (side, side) float32 (Bayer, "An optimum method for two-level rendition of
    continuous-tone pictures", ICC 1973).
    """
    ranks = np.zeros((1, 1), int)
    while len(ranks) < side:
        ranks = np.block([[4 * ranks, 4 * ranks + 2], [4 * ranks + 3, 4 * ranks + 1]])
    return ((ranks + 0.5) / ranks.size).astype(np.float32)


def paint(points, entries, shape, nearest, dither, strength, alone, limit, stay):
    """Paint a picture with a palette.

    Parameters
    ----------
    points : (n, D) float32
        The colours of the picture, on the lattice.
    entries : (height * width,) int32
        The colour of each pixel, as an index into `points`.
    shape : (height, width)
    nearest : NearestColor
    dither : str
    strength : float
        0..1.
    alone : (n,) uint8
        Colours that neither take nor give errors: the transparent ones.
    limit : float
        Longest error that error diffusion passes on.
    stay : float
        In error diffusion, the colour of the last pixel is kept if its squared distance is at most this much larger.

    Returns
    -------
    (height * width,) uint8
    """
    lo, hi = np.zeros(points.shape[1], np.float32), np.full(points.shape[1], 2047, np.float32)
    if dither in KERNELS:
        return diffuse(
            points,
            entries,
            *shape,
            nearest,
            np.array(KERNELS[dither], np.float32),
            strength,
            alone,
            limit,
            stay,
            lo,
            hi,
        )
    if dither == "riemersma":
        shares = RIEMERSMA_RATIO ** (-np.arange(RIEMERSMA_LENGTH) / (RIEMERSMA_LENGTH - 1))
        return riemersma(
            points, entries, *shape, nearest, (shares / shares.sum()).astype(np.float32), strength, alone, lo, hi
        )
    mask = bayer_mask() if dither == "bayer" else blue_noise.mask()
    return _ordered(points, entries, shape, nearest, mask, strength, alone)


def _ordered(points, entries, shape, nearest, mask, strength, alone):
    """Mix two entries for each colour: the nearest one, and the one nearest to its mirror image in the colour. The mask
    mixes them so that their mean is the projection of the colour on the line between them.
    """
    first, _ = nearest.find(points)
    palette = nearest.palette()
    mirrored = np.clip(2 * points - palette[first], 0, 2047).astype(np.float32)
    second, _ = nearest.find(mirrored)
    line = palette[second] - palette[first]
    length = np.maximum(np.square(line).sum(1), 1)
    share = ((points - palette[first]) * line).sum(1) / length * np.float32(strength)
    share[alone > 0] = 0
    height, width = shape
    tiled = np.tile(mask, (-(-height // len(mask)), -(-width // len(mask))))[:height, :width].reshape(-1)
    return np.where(tiled < share[entries], second[entries], first[entries])
