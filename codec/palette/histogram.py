"""Weighted colours of pictures, from which palettes are chosen."""

from dataclasses import dataclass

import numpy as np

from ._histogram import Histogram

# Colours kept apart. A 12 MP photograph has more: bins of 2 or 4 levels a side then stand for the mean of their
# members.
MOST_COLORS_APART = 1 << 17


@dataclass(frozen=True)
class ColorSet:
    """n weighted colours.

    Attributes
    ----------
    colors : (n, channels) uint8
        The colours, or the mean of each bin of colours, rounded.
    counts : (n,) int64
        Pixels per colour.
    weights : (n,) float64
        Pixels times importance; integers.
    sums : (n, channels) float64
        Weight times sample; with alpha, weight times alpha times sample, then weight times alpha.
    exact : bool
        Whether every entry is one colour.
    """

    colors: np.ndarray
    counts: np.ndarray
    weights: np.ndarray
    sums: np.ndarray
    exact: bool

    def where(self, mask):
        """The colours selected by a mask."""
        return ColorSet(self.colors[mask], self.counts[mask], self.weights[mask], self.sums[mask], self.exact)

    def means(self, labels, k):
        """Mean colour, (at most k, channels) uint8, and weight of each label that has members."""
        mass = np.bincount(labels, self.weights, k)
        sums = np.stack([np.bincount(labels, column, k) for column in self.sums.T], 1)
        used = mass > 0
        made = mean_colors(sums[used], mass[used])
        if made.shape[1] == 4:
            of_opaque = np.bincount(labels, self.weights * (self.colors[:, 3] == 255), k)[used]
            made[2 * of_opaque > mass[used], 3] = 255  # opaque pixels must stay opaque
        return made, mass[used]


def mean_colors(sums, mass):
    """Rounded colours from the sums of a `ColorSet`. Where alpha is 0 the colour is (0, 0, 0, 0)."""
    if sums.shape[1] == 4:
        sums = np.concatenate([sums[:, :3] * (mass / np.maximum(sums[:, 3], 1))[:, None], sums[:, 3:]], 1)
    colors = np.floor(sums / mass[:, None] + 0.5).astype(np.uint8)
    if colors.shape[1] == 4:
        colors[colors[:, 3] == 0] = 0
    return colors


def color_set(histogram):
    """The `ColorSet` of a `Histogram`, without colours of weight 0 unless all weights are 0."""
    counts, weights, sums = histogram.entries()
    weights, sums = weights.astype(np.float64), sums.astype(np.float64)
    if histogram.exact:
        colors = histogram.colors()
    else:
        colors = mean_colors(sums, np.maximum(weights, 1))
    found = ColorSet(colors, counts, weights, sums, histogram.exact)
    return found.where(weights > 0) if 0 < np.count_nonzero(weights) < len(weights) else found


def count_colors(pixels, importance=None, histogram=None):
    """Add a picture (height, width, channels) to a histogram, a new one by default; return it and the entry of every
    pixel, or None in place of the entries if the histogram is not exact.
    """
    channels = pixels.shape[2]
    histogram = histogram or Histogram(channels, MOST_COLORS_APART)
    entries = histogram.add(pixels.reshape(-1, channels), importance)
    return histogram, entries if histogram.exact else None


def binned(found, bits):
    """The `ColorSet` of (n, 3) colours whose leading 8 - `bits` bits count: the means of those that agree in them."""
    width = 8 - bits
    keys = (found.colors >> bits).astype(np.intp) @ (1 << 2 * width, 1 << width, 1)
    counts, mass = np.bincount(keys, found.counts), np.bincount(keys, found.weights)
    used = mass > 0
    sums = np.stack([np.bincount(keys, column)[used] for column in found.sums.T], 1)
    mass = mass[used]
    return ColorSet(mean_colors(sums, mass), counts[used].astype(np.int64), mass, sums, False)
