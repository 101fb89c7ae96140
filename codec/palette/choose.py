"""Methods to choose a palette, by name."""

import numpy as np

from ..color import LUMA_1000
from ..quantizers.kmeans import cluster, variance_cut
from .spaces import coordinates


def by_kmeans(colors, points, k, seed):
    """Clusters of least squared error (codec/quantizers/kmeans.py). Seed 0 starts from boxes, other seeds from randomly
    drawn colours.
    """
    return cluster(points, k, weights=colors.weights, seeds="plus-plus" if seed else "boxes", seed=seed).labels


def by_median_cut(colors, points, k, seed):
    """Cut boxes across their axis of greatest variance, where that lowers the squared error most."""
    return variance_cut(points, colors.weights, k)


def by_wu(colors, points, k, seed):
    """Cut boxes across any axis, where that lowers the squared error most (Wu, "Efficient Statistical Computations for
    Optimal Color Quantization", Graphics Gems II, 1991); on the colours themselves instead of a 32^3 grid.
    """
    return variance_cut(points, colors.weights, k, True)


def by_heckbert(colors, points, k, seed):
    """Cut the box with the most pixels across its longest side, at the median (Heckbert, "Color Image Quantization for
    Frame Buffer Display", SIGGRAPH 1982).
    """
    boxes, weight = [np.arange(len(points))], [colors.weights.sum()]
    while len(boxes) < k:
        several = [i for i in range(len(boxes)) if len(boxes[i]) > 1]
        if not several:
            break
        i = max(several, key=weight.__getitem__)
        members = boxes[i]
        axis = np.ptp(points[members], axis=0).argmax()
        members = members[np.argsort(points[members, axis], kind="stable")]
        below = np.cumsum(colors.weights[members])
        at = min(max(int(np.searchsorted(below, below[-1] / 2)), 1), len(members) - 1)
        boxes[i], weight[i] = members[:at], below[at - 1]
        boxes.append(members[at:])
        weight.append(below[-1] - below[at - 1])
    labels = np.empty(len(points), np.intp)
    for i, members in enumerate(boxes):
        labels[members] = i
    return labels


def by_octree(colors, points, k, seed):
    """Build the tree of the leading bits of all samples and merge its rarest leaves, the deepest first (Gervautz and
    Purgathofer, "A Simple Method for Color Quantization: Octree Quantization", 1988). Ignores the colour space.
    """

    def keys(depth):
        return (colors.colors >> (8 - depth)).astype(np.int64) @ (1 << 8 * np.arange(colors.colors.shape[1]))

    leaf, labels = np.unique(keys(8), return_inverse=True)
    leaves = len(leaf)
    for depth in range(7, -1, -1):
        if leaves <= k:
            break
        parents, parent = np.unique(keys(depth), return_inverse=True)
        weight = np.bincount(parent, colors.weights)
        children = np.bincount(np.unique(np.stack([parent, labels]), axis=1)[0])
        order = np.argsort(weight, kind="stable")
        saved = np.cumsum(children[order] - 1)  # leaves saved once the rarest parents are leaves themselves
        merged = order[: int(np.searchsorted(saved, leaves - k)) + 1]
        into = np.full(len(parents), -1, np.intp)
        into[merged] = np.arange(len(merged))
        labels = np.unique(np.where(into[parent] >= 0, into[parent], labels + len(parents)), return_inverse=True)[1]
        leaves = labels.max() + 1
    return labels


METHODS = {"kmeans": by_kmeans, "median-cut": by_median_cut, "wu": by_wu, "heckbert": by_heckbert, "octree": by_octree}


# A palette for dithering must reach beyond the cluster means, which have lost the variance within the clusters. Moving
# the entries away from their mean by 4 x strength x that fraction of the variance measured best at 8, 16, 64 and 256
# colours alike; it is worth 1.5 points of SSIMULACRA 2 at 16 colours and 5 points at 8.
SPREAD = 4
MOST_SPREAD = 0.25


def choose(colors, k, method, space, seed, strength):
    """Choose a palette for a `ColorSet`.

    Parameters
    ----------
    colors : ColorSet
    k, method, space, seed
        As for `quantize_colors`.
    strength : float
        Strength of dithering, 0 for none.

    Returns
    -------
    (at most k, channels) uint8
        Transparent entries first, then from dark to bright. All transparent colours share one entry. A picture with at
        most k colours keeps them.
    """
    if colors.exact and len(colors.colors) <= k:
        return in_order(np.unique(colors.colors, axis=0))
    kept = np.zeros((0, colors.colors.shape[1]), np.uint8)
    if colors.colors.shape[1] == 4 and k > 1:
        visible = colors.colors[:, 3] > 0
        if not visible.all():
            kept, colors, k = np.zeros((1, 4), np.uint8), colors.where(visible), k - 1
    points = coordinates(colors.colors, space)
    made, mass = colors.means(METHODS[method](colors, points, k, seed), k)
    if strength:
        made = spread(made, mass, colors, strength)
    return in_order(np.unique(np.concatenate([kept, made]), axis=0))


def spread(palette, mass, colors, strength):
    """Move the entries away from their mean, except for alpha."""
    rgb, all_rgb = palette[:, :3].astype(np.float64), colors.colors[:, :3].astype(np.float64)
    total, between = _variance(all_rgb, colors.weights), _variance(rgb, mass)
    if total <= 0:
        return palette
    factor = 1 + min(SPREAD * strength * max(1 - between / total, 0), MOST_SPREAD)
    middle = rgb.sum(0) / len(rgb)
    moved = palette.copy()
    moved[:, :3] = np.floor(middle + (rgb - middle) * factor + 0.5).clip(0, 255)
    return moved


def _variance(rows, weights):
    """Variance summed over the columns; exact, from sums of integers."""
    first, second = (weights[:, None] * rows).sum(0), (weights[:, None] * rows * rows).sum(0)
    total = weights.sum()
    return float((second / total - np.square(first / total)).sum())


def in_order(palette):
    """Sort by alpha, to keep tRNS short, then by luma."""
    luma = palette[:, :3] @ (LUMA_1000 if palette.shape[1] > 1 else [1])
    alpha = palette[:, 3] if palette.shape[1] == 4 else np.zeros(len(palette))
    return palette[np.lexsort((luma, alpha))]
