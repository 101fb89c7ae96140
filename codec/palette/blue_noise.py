"""A blue-noise mask by void and cluster (Ulichney, "The void-and-cluster method for dither array generation", Proc.
SPIE 1913, 1993).

    python -m codec.palette.blue_noise        writes blue_noise.bin: 64 x 64 ranks, 16-bit little-endian, the same on
    every machine

The tightest cluster of a binary pattern is the one at the maximum of the pattern blurred by a Gaussian on the torus;
the largest void is the zero at its minimum. All arithmetic is in integers, so rounding makes no ties.
"""

from functools import lru_cache
from importlib import resources

import numpy as np

SIDE = 64
FILE = "blue_noise.bin"


@lru_cache(None)
def mask():
    """Thresholds within 0..1, (64, 64) float32, each once: they tile, and their rounding errors have hardly any low
    frequencies.
    """
    ranks = np.frombuffer(resources.files(__package__).joinpath(FILE).read_bytes(), "<u2").reshape(SIDE, SIDE)
    thresholds = ((ranks + 0.5) / ranks.size).astype(np.float32)
    thresholds.flags.writeable = False
    return thresholds


def gaussian(side, sigma):
    """The blur of a one at (0, 0), times 2^30, (side, side) int64."""
    distance = np.minimum(np.arange(side), side - np.arange(side))
    return np.floor(np.exp(-(distance[:, None] ** 2 + distance**2) / (2 * sigma**2)) * 2**30 + 0.5).astype(np.int64)


class _Pattern:
    """A binary pattern on a torus, and its blur."""

    def __init__(self, side, sigma):
        self.kernel = gaussian(side, sigma)
        self.ones = np.zeros((side, side), bool)
        self.blurred = np.zeros((side, side), np.int64)

    def toggle(self, at):
        self.blurred += np.roll(self.kernel, np.unravel_index(at, self.ones.shape), (0, 1)) * (
            1 - 2 * int(self.ones.flat[at])
        )
        self.ones.flat[at] ^= True

    def cluster(self):
        return int(np.where(self.ones, self.blurred, -1).argmax())

    def void(self):
        return int(np.where(self.ones, np.iinfo(np.int64).max, self.blurred).argmin())


def void_and_cluster(side=SIDE, sigma=1.5, seed=0):
    """Ranks 0 .. side^2 - 1, (side, side) int.

    Parameters
    ----------
    side : int
    sigma : float
        Of the Gaussian; the paper uses 1.5.
    seed : int
        Seeds the first pattern, of which a tenth are ones.
    """
    pattern = _Pattern(side, sigma)
    for at in np.random.default_rng(seed).permutation(side * side)[: max(1, side * side // 10)]:
        pattern.toggle(at)
    while True:  # move the tightest cluster into the largest void until both are the same place
        cluster = pattern.cluster()
        pattern.toggle(cluster)
        void = pattern.void()
        pattern.toggle(void)
        if void == cluster:
            break
    ranks = np.zeros(side * side, int)
    start = pattern.ones.copy()
    count = int(start.sum())
    for rank in range(count - 1, -1, -1):  # phase 1: remove the ones, tightest cluster first
        at = pattern.cluster()
        pattern.toggle(at)
        ranks[at] = rank
    for at in np.flatnonzero(start):
        pattern.toggle(at)
    # Phases 2 and 3: fill the largest void. Beyond half, that is also the tightest cluster of zeros.
    for rank in range(count, side * side):
        at = pattern.void()
        pattern.toggle(at)
        ranks[at] = rank
    return ranks.reshape(side, side)


if __name__ == "__main__":
    from pathlib import Path

    Path(__file__).with_name(FILE).write_bytes(void_and_cluster().astype("<u2").tobytes())
