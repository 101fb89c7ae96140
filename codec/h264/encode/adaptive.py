"""What the QP of a macroblock differs from that of its picture by: adaptive quantization, from how busy the macroblock
is, and the macroblock tree, from how much later pictures take from it.

Offsets are integers in 1/256 of QP. Logarithms come from a table, so that they are the same on every machine.
"""

from __future__ import annotations

import math

import numpy as np

from ._tree import energy, spread

ONE = 256  # of QP, and of a logarithm
MANTISSAS = np.array([round(ONE * math.log2(1 + i / 256)) for i in range(257)], np.int32)
# Variance, mode 1: 1.04 QP for each doubling of the energy, none at 2^14.427, which is common in film.
ENERGY_SLOPE, ENERGY_MIDDLE = round(1.0397 * ONE), round(14.427 * ONE)
# Mode 2: the eighth root of the energy, in 1/4096, by its logarithm.
ROOTS = np.array([round(4096 * 2 ** (i / 8 / ONE)) for i in range(24 * ONE + 1)], np.int64)
LIMIT = 26 * ONE
STEPS = np.array([round(256 * 2 ** (-i / 6 / ONE)) for i in range(-LIMIT, LIMIT + 1)], np.int64)
TREE_QP = 2  # fewer QP for each doubling of what depends on a macroblock


def log2(values):
    """Base 2 logarithms of positive integers below 2^52, in 1/256, rounded down to 8 bits of the mantissa."""
    mantissa, exponent = np.frexp(np.asarray(values, np.float64))  # 0.5 <= mantissa < 1; exact, as is what follows
    return ONE * (exponent.astype(np.int32) - 1) + MANTISSAS[(mantissa * 512).astype(np.int32) - 256]


def variance_offsets(energies, mode, strength):
    """Adaptive quantization of a picture.

    Parameters
    ----------
    energies : (N,) int32
        Of each macroblock: sums of squared differences from the mean, over its planes.
    mode : int
        1: by the logarithm. 2: by the eighth root, against the mean of the picture, so that its bits change less.
    strength : int
        In 1/256.

    Returns
    -------
    (N,) int32
    """
    if mode == 1:
        found = ENERGY_SLOPE * (log2(np.maximum(energies, 1)) - ENERGY_MIDDLE) // ONE
    else:
        root = ROOTS[log2(energies.astype(np.int64) + 1)]
        mean, square = int(root.sum()) // root.size, int((root * root).sum()) // root.size
        middle = mean - (square - (14 << 24)) // (2 * mean)
        found = mean * (root - middle) // (1 << 16)
    return (found * strength // ONE).astype(np.int32)


def energies_of(planes):
    """Energies of the macroblocks of planes in whole macroblocks: Y alone, or Y, Cb and Cr in 4:2:0."""
    return sum(energy(plane, 8 if i else 16) for i, plane in enumerate(planes))


def weighed(costs, offsets):
    """Costs of macroblocks in units of the steps that adaptive quantization gives them: times 2^(-offset / 6)."""
    return (costs * STEPS[np.clip(offsets, -LIMIT, LIMIT) + LIMIT] >> 8).astype(np.int32)


def tree_offsets(weights, amounts):
    """What the macroblock tree subtracts: `amounts` of later pictures depend on macroblocks of these `weights`."""
    weights = np.maximum(weights, 1)
    return TREE_QP * (log2(weights.astype(np.int64) + amounts) - log2(weights))


__all__ = ["ONE", "energies_of", "spread", "tree_offsets", "variance_offsets", "weighed"]
