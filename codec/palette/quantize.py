"""quantize_colors and PaletteQuantizer."""
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .. import cpu
from ..errors import ParameterError
from ._nearest import NearestColor
from .choose import METHODS, choose
from .dither import DITHERS, paint
from .histogram import color_set, count_colors
from .spaces import SPACES, coordinates


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
        images = [as_pixels(image) for image in images]
        histogram, _ = count_colors(images, [None] * len(images), images[0].shape[2])
        self._choose(color_set(histogram))
        return self

    def _choose(self, colors):
        palette = choose(colors, self.colors, self.method, self.space, self.seed)
        self.palette_ = palette if palette.shape[1] > 1 else palette.repeat(3, 1)

    def predict(self, image):
        """Assign."""
        pixels = as_pixels(image)
        return self._map(pixels, *count_colors([pixels], [None], pixels.shape[2]))

    def _map(self, pixels, histogram, entries):
        height, width, channels = pixels.shape
        nearest = NearestColor(coordinates(self.palette_, self.space), cpu.has("avx2"))
        if not histogram.exact:
            points, entries = coordinates(pixels.reshape(-1, channels), self.space), np.arange(height * width, dtype=np.int32)
        else:
            points = coordinates(histogram.colors(), self.space)
        if self.dither is None or len(points) <= len(self.palette_):
            index, _ = nearest.find(points)
            out = index[entries]
        else:
            out = paint(points, entries, height, width, nearest, self.dither, self.dither_strength, 1e9)
        return Quantized(out.reshape(height, width), self.palette_, pixels)


def quantize_colors(image, colors=256, **options):
    """Quantize."""
    made = PaletteQuantizer(colors, **options)
    pixels = as_pixels(image)
    histogram, entries = count_colors([pixels], [None], pixels.shape[2])
    made._choose(color_set(histogram))
    return made._map(pixels, histogram, entries)
