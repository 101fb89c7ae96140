"""One palette for all frames, one per scene, or one per frame: whatever is worth its bytes."""

import math

import numpy as np

from .canvas import Colors, points_of
from .quantize import PaletteQuantizer

SAMPLED_FRAMES = 12  # of a range, to choose its palette by
SAMPLED_PIXELS = 1 << 18  # of them all
CUT = 4  # times the usual change from frame to frame: a scene ends
LEVELS = 12  # of each channel, in the histograms that tell scenes apart


def sample(pictures, opaque):
    """Pixels (1, n, 3) of frames that stand for a range: some frames, some pixels, the same in every run."""
    step = -(-len(pictures) // SAMPLED_FRAMES)
    found = [pixels if mask is None else pixels[mask][None] for pixels, mask in zip(pictures[::step], opaque[::step])]
    sparse = max(1, math.isqrt(sum(pixels.size // 3 for pixels in found) // SAMPLED_PIXELS))
    return np.concatenate([pixels[::sparse, ::sparse].reshape(1, -1, 3) for pixels in found], 1)


def choose(pixels, colors, space):
    """The palette of some pixels, and its mean squared error over them."""
    if not pixels.size:
        return Colors(np.zeros((1, 3), np.uint8), space), 0.0
    entries = np.ascontiguousarray(PaletteQuantizer(colors, space=space, dither=None).fit([pixels]).palette_[:, :3])
    for space in ("srgb", space):  # in sRGB every colour has a point of its own, so that few colours stay as they are
        made = Colors(entries, space)
        error = float(made.off(points_of(pixels, space)).mean())
        if error == 0:
            break
    return made, error


def price(colors, pixels):
    """The share of the squared error that a palette of its own must save over so many pixels.

    Its 24 bits per colour could be spent on the pixels instead. At high rates b more bits per pixel divide the error of three coordinates
    by 2^(2 b / 3), so that the first of them save 2 ln 2 / 3 of the error per bit.
    """
    return 2 * math.log(2) / 3 * 24 * colors / pixels


def changes(pictures):
    """How much the colours change before each frame but the first: differences of coarse histograms, 0..2."""

    def histogram(pixels):
        part = pixels[::2, ::2].reshape(-1, 3).astype(np.intp) * LEVELS >> 8
        return np.bincount(part @ (LEVELS * LEVELS, LEVELS, 1), minlength=LEVELS**3) / len(part)

    found = [histogram(pixels) for pixels in pictures]
    return np.array([np.abs(a - b).sum() for a, b in zip(found, found[1:])])


def painted(pictures, space, error):
    """Pixels of each frame that differ from the frame before by more than this squared error: about as many will be painted."""
    points = [points_of(pixels[::2, ::2], space).astype(np.int32) for pixels in pictures]
    changed = [float((np.square(b - a).sum(2) > error).mean()) for a, b in zip(points, points[1:])]
    return np.array([1, *changed]) * (pictures[0].size // 3)


def palettes(pictures, opaque, colors, space, *, shared=False):
    """The palette of each frame.

    Parameters
    ----------
    pictures : list of (H, W, 3) uint8
    opaque : list of (H, W) bool, or None where all of a frame is
    colors : int
    space : str
    shared : bool
        One for all.

    Returns
    -------
    (palettes, error) : list of Colors, of which frames in a row may have the same; mean squared error of the one for all
    """
    whole, error = choose(sample(pictures, opaque), colors, space)
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
        # A frame in the middle stands for all of its scene.
        middle = (begin + end) // 2
        pixels = sample(pictures[middle : middle + 1], opaque[middle : middle + 1])
        if _worth(found[middle], pixels, colors, space, areas[middle]) is not found[middle]:
            found[begin:end] = [
                choose(sample(pictures[i : i + 1], opaque[i : i + 1]), colors, space)[0] for i in range(begin, end)
            ]
    return found, error


def _worth(present, pixels, colors, space, area):
    """A palette for these pixels if it saves its price over `area` of them, otherwise the present one."""
    if not pixels.size or not area:
        return present
    own, error = choose(pixels, colors, space)
    before = float(present.off(points_of(pixels, space)).mean())
    return own if before - error > price(colors, area) * before else present
