"""quantize_colors and PaletteQuantizer."""
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .. import cpu
from ..errors import ParameterError
from ..quantizers.kmeans import cluster, means_of, variance_cut
from ._histogram import Histogram
from ._nearest import NearestColor
from .dither import DITHERS, paint
from .spaces import SPACES, coordinates

MOST_COLORS_APART = 1 << 17
METHODS = ("kmeans", "median-cut")


@dataclass(frozen=True, eq=False)
class Quantized:
    """A picture of few colours."""

    indices: np.ndarray
    palette: np.ndarray
    original: np.ndarray = field(repr=False)

    def image(self):
        return self.palette[self.indices]

    @cached_property
    def counts(self):
        return np.bincount(self.indices.reshape(-1), minlength=len(self.palette))

    def error_map(self):
        shown, original = self.image(), self.original
        if original.ndim == 2:
            original = original[..., None]
        return np.square(shown.astype(np.int32) - original).mean(-1)

    @cached_property
    def mse(self):
        return float(self.error_map().mean())


def as_pixels(image):
    """(H, W, channels) uint8."""
    array = np.asarray(image)
    if array.dtype.kind == "f":
        extra = " (it holds NaN)" if np.isnan(array).any() else ""
        raise ParameterError(f"image must be uint8, not {array.dtype}{extra}: scale it to 0..255, then image.round().clip(0, 255).astype(np.uint8)")
    if array.dtype != np.uint8:
        raise ParameterError(f"image must be uint8, not {array.dtype}")
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ParameterError(f"image must have the shape (H, W), (H, W, 3) or (H, W, 4), not {np.shape(image)}")
    if array.size == 0:
        raise ParameterError(f"image is empty: its shape is {array.shape}")
    return np.ascontiguousarray(array)


class PaletteQuantizer:
    """One palette for many pictures."""

    def __init__(self, colors=256, *, method="kmeans", space="oklab", dither="floyd-steinberg", dither_strength=0.7, palette=None, seed=0):
        if not 1 <= colors <= 256:
            raise ParameterError(f"colors must be within 1..256, not {colors!r}")
        for name, value, known in (("method", method, METHODS), ("space", space, SPACES), ("dither", dither, (None, *DITHERS))):
            if value not in known:
                raise ParameterError(f"unknown {name} {value!r}; there are {', '.join(map(str, known))}")
        self.colors, self.method, self.space, self.dither, self.dither_strength, self.seed = colors, method, space, dither, dither_strength, seed
        self.palette = palette

    def fit(self, images):
        """Choose."""
        if isinstance(images, np.ndarray) and images.dtype == np.uint8 and images.ndim in (2, 3):
            images = [images]
        self._histogram = None
        for image in images:
            pixels = as_pixels(image)
            if self._histogram is None:
                self._histogram = Histogram(pixels.shape[2], MOST_COLORS_APART)
            self._histogram.add(pixels.reshape(-1, pixels.shape[2]))
        self.palette_ = self._choose()
        return self

    def _choose(self):
        histogram = self._histogram
        counts, weights, sums = histogram.entries()
        if histogram.channels == 4:
            alpha = sums[:, 3] / weights
            color = sums[:, :3] / np.maximum(sums[:, 3:], 1)
            mean = np.concatenate([color, alpha[:, None]], 1)
        else:
            mean = sums / weights[:, None]
        mean = np.floor(mean + 0.5).astype(np.uint8)
        if histogram.n <= self.colors and not histogram.ignored_bits:
            return self._sorted(mean)
        points = coordinates(mean, self.space)
        weights = weights.astype(np.float64)
        fixed = np.zeros((0, histogram.channels), np.uint8)
        if self.method == "kmeans":
            labels = cluster(points, self.colors, weights=weights).labels
        else:
            labels = variance_cut(points, weights, self.colors)
        totals = np.stack([np.bincount(labels, column, self.colors) for column in sums.T], 1)
        mass = np.bincount(labels, weights, self.colors)
        totals, mass = totals[mass > 0], mass[mass > 0]
        if histogram.channels == 4:
            made = np.concatenate([totals[:, :3] / np.maximum(totals[:, 3:], 1), totals[:, 3:] / mass[:, None]], 1)
        else:
            made = totals / mass[:, None]
        return self._sorted(np.unique(np.concatenate([fixed, np.floor(made + 0.5).astype(np.uint8)]), axis=0))

    def _sorted(self, palette):
        luma = palette[:, :3] @ ([299, 587, 114] if palette.shape[1] > 1 else [1])
        alpha = palette[:, 3] if palette.shape[1] == 4 else np.zeros(len(palette))
        made = palette[np.lexsort((luma, alpha))]
        return made if made.shape[1] > 1 else made.repeat(3, 1)

    def predict(self, image):
        """Assign."""
        pixels = as_pixels(image)
        height, width, channels = pixels.shape
        flat = pixels.reshape(-1, channels)
        nearest = NearestColor(coordinates(self.palette_, self.space), cpu.has("avx2"))
        histogram = self._histogram
        if self.dither is None or (histogram.n <= len(self.palette_) and not histogram.ignored_bits):
            if not histogram.ignored_bits:
                index, _ = nearest.find(coordinates(histogram.colors(), self.space))
                out = np.empty(height * width, np.uint8)
                histogram.paint(flat, index, out)
            else:
                out, _ = nearest.find(coordinates(flat, self.space))
        else:
            out = paint(coordinates(flat, self.space), height, width, nearest, self.dither, self.dither_strength, 1e9)
        return Quantized(out.reshape(height, width), self.palette_, pixels)


def quantize_colors(image, colors=256, **options):
    """Quantize."""
    return PaletteQuantizer(colors, **options).fit([as_pixels(image)]).predict(image)
