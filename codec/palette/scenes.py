"""Palettes for all frames, per scene or per frame, whichever is worth its bytes."""

import math
from copy import copy
from functools import cached_property

import numpy as np

from .canvas import Colors, points_of
from .choose import choose
from .histogram import binned, color_set, count_colors

SAMPLED_FRAMES = 12  # frames sampled from a range to choose its palette
SAMPLED_PIXELS = 1 << 18  # pixels sampled from all of them
CUT = 4  # a scene ends where the change exceeds this many times the median
LEVELS = 12  # levels per channel in the histograms that separate scenes
# Work for a sampled pixel, for a colour, for each of its log2(palette entries), and for a pair of entries: measured
# with 8,000 to 115,000 colours and 8 to 255 entries. For a pixel whose changes are looked at.
POOL_WORK, COLOR_WORK, BIT_WORK, PAIR_WORK, CHANGE_WORK = 3, 10, 4, 8, 1
# Most bins from which a search chooses fewer colours than asked; work to put a colour into a bin.
MOST_COLORS, BIN_WORK = 1 << 14, 4
MOST_EXACT = 8  # entries of a palette that is always chosen from all colours


def sample(pictures, opaque):
    """Sample pixels (1, n, 3) from a range of frames, the same ones in every run."""
    step = -(-len(pictures) // SAMPLED_FRAMES)
    found = [pixels if mask is None else pixels[mask][None] for pixels, mask in zip(pictures[::step], opaque[::step])]
    sparse = max(1, math.isqrt(sum(pixels.size // 3 for pixels in found) // SAMPLED_PIXELS))
    return np.concatenate([pixels[::sparse, ::sparse].reshape(1, -1, 3) for pixels in found], 1)


class Pool:
    """Pixels sampled from frames, and the palettes that are chosen for them.

    Parameters
    ----------
    pixels : (1, n, 3) uint8
    space : str

    Attributes
    ----------
    empty : bool
        Whether there are none: all are transparent.
    work : int
        What making it has taken, in the unit of `codec.palette._lzw.lzw_paint`.
    """

    def __init__(self, pixels, space):
        self.space, self.pixels, self.work = space, pixels, POOL_WORK * (pixels.size // 3)
        self.empty = not pixels.size
        self._set = color_set(count_colors(pixels)[0]) if pixels.size else None
        self._points = {}

    def choose(self, colors, coarsely=False):
        """A palette (Colors), and its mean squared error over the pixels; from bins of colours if `coarsely`."""
        if self.empty:
            return Colors(np.zeros((1, 3), np.uint8), self.space), 0.0
        source = self._bins if coarsely and self._binned else self._set
        entries = np.ascontiguousarray(choose(source, colors, "kmeans", self.space, 0, 0))
        if self._set.exact and len(self._set.colors) <= colors:
            return Colors(entries, "srgb"), 0.0  # there every colour has a point of its own
        made = Colors(entries, self.space)
        return made, self.error(made)

    @property
    def _binned(self):
        """Whether bins are worth their work, by the number of colours."""
        return len(self._set.colors) > MOST_COLORS

    @cached_property
    def _bins(self):
        """The set with the colours of a cube of 8 levels a side as one, their mean."""
        return binned(self._set, 3)

    def work_of(self, colors, coarsely=False):
        """What `choose` takes."""
        known = 0 if self.empty else len(self._set.colors)
        known = min(known, MOST_COLORS) + known * BIN_WORK // COLOR_WORK if coarsely and self._binned else known
        return int(known * (COLOR_WORK + BIT_WORK * math.log2(colors)) + PAIR_WORK * colors**2)

    def error(self, colors):
        """Mean squared distance of the pixels from their nearest entries; exact, as the sum is below 2^53."""
        if colors.space not in self._points:
            exact = self._set.exact
            self._points[colors.space] = points_of(self._set.colors[None] if exact else self.pixels, colors.space)
        off = colors.off(self._points[colors.space])
        return float((off[0] @ self._set.counts) / self._set.counts.sum() if self._set.exact else off.mean())


def price(colors, pixels):
    """The fraction of the squared error that an extra palette must save over `pixels` pixels to pay for itself.

    Its 24 bits per colour could be spent on the pixels instead. At high rates, b more bits per pixel divide the error
    of three coordinates by 2^(2 b / 3), so the first bit saves 2 ln 2 / 3 of the error.
    """
    return 2 * math.log(2) / 3 * 24 * colors / pixels


def changes(pictures):
    """Change of colours from each frame to the next, 0..2: differences of coarse histograms."""

    def histogram(pixels):
        part = pixels[::2, ::2].reshape(-1, 3).astype(np.intp) * LEVELS >> 8
        return np.bincount(part @ (LEVELS * LEVELS, LEVELS, 1), minlength=LEVELS**3) / len(part)

    found = [histogram(pixels) for pixels in pictures]
    return np.array([np.abs(a - b).sum() for a, b in zip(found, found[1:])])


def painted(pictures, space, error):
    """Estimate how many pixels of each frame will be painted: those that differ from the frame before by more than
    `error` squared.
    """
    points = [points_of(pixels[::2, ::2], space).astype(np.int32) for pixels in pictures]
    changed = [float((np.square(b - a).sum(2) > error).mean()) for a, b in zip(points, points[1:])]
    return np.array([1, *changed]) * (pictures[0].size // 3)


class Palettes:
    """The palettes of frames, for any number of colours.

    Parameters
    ----------
    pictures : list of (H, W, 3) uint8
    opaque : list of (H, W) bool, or None for a frame that is opaque everywhere
    space : str
    shared : bool
        Use one palette for all frames.

    Attributes
    ----------
    work : int
        What choosing has taken, in the unit of `codec.palette._lzw.lzw_paint`.
    """

    def __init__(self, pictures, opaque, space, *, shared=False):
        self.pictures, self.opaque, self.space, self.shared = pictures, opaque, space, shared
        self.work, self._whole, self._pools = 0, {}, {}

    def of_all(self):
        """These with one palette for all frames, whose work is counted apart."""
        made = copy(self)
        made.shared, made.work = True, 0
        return made

    def whole(self, colors):
        """One palette for all frames, and its mean squared error."""
        if colors not in self._whole:
            self._whole[colors] = self._chosen(self._pool(0, len(self.pictures)), colors)
        return self._whole[colors]

    def whole_work(self, colors):
        """What `whole` will take."""
        return 0 if colors in self._whole else self._pool(0, len(self.pictures)).work_of(colors, self._fewer(colors))

    def of_frames(self, colors, most_work=math.inf):
        """The palette of each frame; consecutive ones may share it. Others than that of all are only looked for while
        they take no more than `most_work`.
        """
        whole, error = self.whole(colors)
        found = [whole] * len(self.pictures)
        if self.shared or error == 0 or len(found) == 1:
            return found
        most = self.work + most_work
        self.work += CHANGE_WORK * len(found) * (self.pictures[0].size // 3)
        if self.work > most:
            return found
        jumps, areas = self._jumps, painted(self.pictures, self.space, error)
        cuts = np.flatnonzero(jumps > max(CUT * np.median(jumps), 0.25)) + 1
        edges = [0, *map(int, cuts), len(found)]
        for begin, end in zip(edges, edges[1:]):
            if self.work > most:
                break
            if end - begin < len(found):
                own = self._worth(whole, self._pool(begin, end), colors, areas[begin:end].sum())
                found[begin:end] = [own] * (end - begin)
            # The middle frame represents its scene.
            middle, before = (begin + end) // 2, self.work
            own = self._worth(found[middle], self._pool(middle, middle + 1), colors, areas[middle])
            if own is not found[middle] and (self.work - before) * (end - begin) <= most - self.work:
                found[begin:end] = [self._chosen(self._pool(i, i + 1), colors)[0] for i in range(begin, end)]
        return found

    @cached_property
    def _jumps(self):
        return changes(self.pictures)

    def _pool(self, begin, end):
        """Of some frames; kept for several, which are few."""
        pool = self._pools.get((begin, end))
        if pool is None:
            pool = Pool(sample(self.pictures[begin:end], self.opaque[begin:end]), self.space)
            self.work += pool.work
            if end - begin > 1:
                self._pools[begin, end] = pool
        return pool

    def _chosen(self, pool, colors):
        fewer = self._fewer(colors)
        self.work += pool.work_of(colors, fewer)
        return pool.choose(colors, fewer)

    def _fewer(self, colors):
        """Whether there was a palette of more colours, as in a search: then bins of colours do. But not for the fewest
        colours, on which depends what size can be reached.
        """
        return MOST_EXACT < colors < max(self._whole, default=0)

    def _worth(self, present, pool, colors, area):
        """A palette of these pixels if it saves its price over `area` of them, else the present one."""
        if pool.empty or not area:
            return present
        own, error = self._chosen(pool, colors)
        before = pool.error(present)
        return own if before - error > price(colors, area) * before else present
