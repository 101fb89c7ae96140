"""Which colours: the methods by name."""
import numpy as np

from ..quantizers.kmeans import cluster, variance_cut
from .spaces import coordinates


def by_kmeans(colors, points, k, seed):
    """Clusters of least squared error (codec/quantizers/kmeans.py)."""
    return cluster(points, k, weights=colors.weights).labels


def by_median_cut(colors, points, k, seed):
    """Boxes cut where the variance on both sides is least."""
    return variance_cut(points, colors.weights, k)


METHODS = {"kmeans": by_kmeans, "median-cut": by_median_cut}


def choose(colors, k, method, space, seed):
    """(at most k, channels) uint8: a palette for a `ColorSet`, transparent entries first, then from dark to bright.

    All that is transparent shares one entry of its own. At most k colours are kept as they are.
    """
    if colors.exact and len(colors.colors) <= k:
        return in_order(np.unique(colors.colors, axis=0))
    kept = np.zeros((0, colors.colors.shape[1]), np.uint8)
    if colors.colors.shape[1] == 4 and k > 1:
        opaque = colors.colors[:, 3] > 0
        if not opaque.all():
            kept, colors, k = np.zeros((1, 4), np.uint8), colors.where(opaque), k - 1
    points = coordinates(colors.colors, space)
    made = colors.means(METHODS[method](colors, points, k, seed), k)
    return in_order(np.unique(np.concatenate([kept, made]), axis=0))


def in_order(palette):
    """By alpha, so that tRNS is short, then by luma."""
    luma = palette[:, :3] @ ([299, 587, 114] if palette.shape[1] > 1 else [1])
    alpha = palette[:, 3] if palette.shape[1] == 4 else np.zeros(len(palette))
    return palette[np.lexsort((luma, alpha))]
