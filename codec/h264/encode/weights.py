"""Explicit weights of P pictures (8.4.2.3.2), for fades: brightness and contrast of a picture against its reference."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

from ..stream.slice_header import PredWeightTable, Weight

DENOM = 6  # log2_weight_denom: a contrast that more than doubles has weights for 1.98
ROUNDING = 1 << DENOM - 1
LEAST_CHANGE = 0.01  # of contrast, and in samples of the mean: less is no fade
SAVED = 0.98  # of the cost, that prediction with weights may have at most


@dataclass(frozen=True)
class Weights:
    """(sample * weight + 32) / 64 + offset, of luma (8-274); weight: 0 to 127, offset: -128 to 127. chroma: offsets of
    Cb and Cr, whose contrast changes as that of luma does; None: around 128."""

    weight: int
    offset: int
    chroma: tuple[int, int] | None = None


def weights_between(mean, deviation, reference_mean, reference_deviation):
    """The `Weights` that make a reference with this mean and standard deviation a picture with those; None if they are
    nearly equal, or the reference has no contrast."""
    if reference_deviation < 1:
        return None
    scale = deviation / reference_deviation
    if abs(scale - 1) < LEAST_CHANGE and abs(mean - reference_mean) < 100 * LEAST_CHANGE:
        return None
    weight = min(round(scale * (1 << DENOM)), 127)
    offset = math.floor(mean - weight * reference_mean / (1 << DENOM) + 0.5)
    return Weights(weight, min(max(offset, -128), 127))


def with_chroma(weights, means, reference_means):
    """The weights, with offsets of chroma for the means of Cb and Cr of a picture and its reference. A difference of
    one from the change around 128 is that of what moved, not of a fade."""
    around = _around_128(weights.weight)
    found = [
        math.floor(mean - weights.weight * reference / (1 << DENOM) + 0.5)
        for mean, reference in zip(means, reference_means)
    ]
    if all(abs(offset - around) <= 1 for offset in found):
        return weights
    return replace(weights, chroma=tuple(min(max(offset, -128), 127) for offset in found))


def _around_128(weight):
    """The offset that keeps 128."""
    return 128 - (128 * weight + ROUNDING >> DENOM)


@functools.lru_cache(maxsize=32)
def table_of(weights, count):
    """The syntax of a P slice with `count` references, of which the first has the weights, if any."""
    if weights is None:
        return PredWeightTable(0, 0, (Weight(0, 1, 0, 0, (1, 1), (0, 0)),) * count)
    plain = Weight(0, 1 << DENOM, 0, 0, (1 << DENOM,) * 2, (0, 0))
    # an offset is at most 127, so that a weight of 0 would make 127 of 128; the least is -126
    chroma = max(weights.weight, 1)
    offsets = weights.chroma or (_around_128(chroma),) * 2
    first = Weight(1, weights.weight, weights.offset, 1, (chroma,) * 2, offsets)
    return PredWeightTable(DENOM, DENOM, (first, *[plain] * (count - 1)))
