"""Dithering by name: errors handed on to neighbours, or spread by a mask that every picture shares."""

import numpy as np

from ..pixels import BAND_PIXELS
from . import blue_noise
from ._dither import Diffusion, Riemersma, curve

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


def paint(picture, nearest, dither, strength, limit, stay):
    """Paint a picture with a palette.

    Parameters
    ----------
    picture : assign.Table or assign.Stream
        The colours of the pixels as points of the lattice.
    nearest : NearestColor
    dither : str
    strength : float
        0..1.
    limit : float
        Longest error that error diffusion passes on.
    stay : float
        In error diffusion, the colour of the last pixel is kept if its squared distance is at most this much larger.

    Returns
    -------
    (height * width,) uint8
    """
    height, width = picture.shape
    painted = np.empty(height * width, np.uint8)
    lo, hi = np.zeros(nearest.D, np.float32), np.full(nearest.D, 2047, np.float32)
    if dither == "riemersma":
        shares = RIEMERSMA_RATIO ** (-np.arange(RIEMERSMA_LENGTH) / (RIEMERSMA_LENGTH - 1))
        diffusion = Riemersma(nearest, (shares / shares.sum()).astype(np.float32), strength, lo, hi)
        begin = 0
        while (positions := curve(height, width, begin, BAND_PIXELS)) is not None:
            if len(positions):
                painted[positions] = diffusion.along(*picture.at(positions))
            begin += BAND_PIXELS
        return painted
    if dither in KERNELS:
        diffusion = Diffusion(nearest, width, np.array(KERNELS[dither], np.float32), strength, limit, stay, lo, hi)
        for rows, colors in picture.bands():
            painted[rows.start * width : rows.stop * width] = diffusion.rows(*colors)
        return painted
    mask = bayer_mask() if dither == "bayer" else blue_noise.mask()
    for rows, colors in picture.bands():
        tiled = mask[np.arange(rows.start, rows.stop) % len(mask)][:, np.arange(width) % len(mask)].reshape(-1)
        painted[rows.start * width : rows.stop * width] = _ordered(*colors, nearest, tiled, strength)
    return painted


def _ordered(points, entries, alone, nearest, thresholds, strength):
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
    return np.where(thresholds < share[entries], second[entries], first[entries])
