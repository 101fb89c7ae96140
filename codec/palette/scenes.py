"""Palettes for all frames, per scene or per frame, whichever is worth its bytes."""

import math

import numpy as np

from .canvas import Colors, points_of
from .quantize import PaletteQuantizer

SAMPLED_FRAMES = 12  # frames sampled from a range to choose its palette
SAMPLED_PIXELS = 1 << 18  # pixels sampled from all of them
CUT = 4  # a scene ends where the change exceeds this many times the median
LEVELS = 12  # levels per channel in the histograms that separate scenes


def sample(pictures, opaque):
    """Sample pixels (1, n, 3) from a range of frames, the same ones in every run."""
    step = -(-len(pictures) // SAMPLED_FRAMES)
    found = [pixels if mask is None else pixels[mask][None] for pixels, mask in zip(pictures[::step], opaque[::step])]
    sparse = max(1, math.isqrt(sum(pixels.size // 3 for pixels in found) // SAMPLED_PIXELS))
    return np.concatenate([pixels[::sparse, ::sparse].reshape(1, -1, 3) for pixels in found], 1)


def choose(pixels, colors, space):
    """Choose a palette for some pixels; return it and its mean squared error over them."""
    if not pixels.size:
        return Colors(np.zeros((1, 3), np.uint8), space), 0.0
    entries = np.ascontiguousarray(PaletteQuantizer(colors, space=space, dither=None).fit([pixels]).palette_[:, :3])
    for space in ("srgb", space):  # sRGB gives every colour its own point, so a few colours stay exact
        made = Colors(entries, space)
        error = float(made.off(points_of(pixels, space)).mean())
        if error == 0:
            break
    return made, error


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


def palettes(pictures, opaque, colors, space, *, shared=False, whole=None):
    """The palette of each frame.

    Parameters
    ----------
    pictures : list of (H, W, 3) uint8
    opaque : list of (H, W) bool, or None for a frame that is opaque everywhere
    colors : int
    space : str
    shared : bool
        Use one palette for all frames.
    whole : (Colors, float), optional
        The shared palette and its error, if they were chosen before: `choose` of `sample` of all frames.

    Returns
    -------
    (palettes, error) : list of Colors, where consecutive frames may share one; mean squared error of the shared palette
    """
    whole, error = whole or choose(sample(pictures, opaque), colors, space)
    found = [whole] * len(pictures)
    if shared or error == 0 or len(pictures) == 1:
        return found, error
    jumps, areas = changes(pictures), painted(pictures, space, error)
    cuts = np.flatnonzero(jumps > max(CUT * np.median(jumps), 0.25)) + 1
    edges = [0, *map(int, cuts), len(pictures)]
    for begin, end in zip(edges, edges[1:]):
        if end - begin < len(pictures):
            own = _worth(whole, sample(pictures[begin:end], opaque[begin:end]), colors, space, areas[begin:end].sum())
            found[begin:end] = [own] * (end - begin)
        # The middle frame represents its scene.
        middle = (begin + end) // 2
        pixels = sample(pictures[middle : middle + 1], opaque[middle : middle + 1])
        if _worth(found[middle], pixels, colors, space, areas[middle]) is not found[middle]:
            found[begin:end] = [
                choose(sample(pictures[i : i + 1], opaque[i : i + 1]), colors, space)[0] for i in range(begin, end)
            ]
    return found, error


def _worth(present, pixels, colors, space, area):
    """A new palette for these pixels if it saves its price over `area` of them, else the present one."""
    if not pixels.size or not area:
        return present
    own, error = choose(pixels, colors, space)
    before = float(present.off(points_of(pixels, space)).mean())
    return own if before - error > price(colors, area) * before else present
