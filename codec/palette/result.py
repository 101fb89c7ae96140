"""The result of quantizing colours, and its error against the original."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..pixels import as_png, bands

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Quantized:
    """A quantized picture.

    Attributes
    ----------
    indices : (H, W) uint8
        The entry of each pixel.
    palette : (n, 3) or (n, 4) uint8
        RGB, or RGBA if the picture or the given palette has alpha. In a chosen palette, entries with alpha below 255
        come first.
    """

    indices: npt.NDArray[np.uint8] = field(repr=False)
    palette: npt.NDArray[np.uint8] = field(repr=False)
    _original: npt.NDArray[np.uint8] = field(repr=False)

    def __repr__(self) -> str:
        height, width = self.indices.shape
        return f"Quantized({width}x{height}, {len(self.palette)} colours)"

    def _repr_png_(self) -> bytes:  # shown by notebooks
        return as_png(self.image())

    def image(self) -> npt.NDArray[np.uint8]:
        """The quantized pixels, (H, W, 3) or (H, W, 4) uint8."""
        return self.palette[self.indices]

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """Pixels per entry, (n,) int64."""
        return np.bincount(self.indices.reshape(-1), minlength=len(self.palette))

    def error_map(self) -> npt.NDArray[np.float64]:
        """Squared error per pixel, (H, W) float64, in 8-bit levels: mean over R, G and B, and with alpha over black and
        white grounds.
        """
        height, width = self.indices.shape
        made = np.empty((height, width))
        for rows in bands(height, width):
            made[rows] = self._squared(rows).mean((0, -1))
        return made

    @cached_property
    def mse(self) -> float:
        """Mean of `error_map`; for opaque pictures the same as `codec.metrics.mse`."""
        height, width = self.indices.shape
        total = sum(int(self._squared(rows).sum(dtype=np.int64)) for rows in bands(height, width))
        return total / (self._grounds * 3 * self.indices.size)

    @property
    def _grounds(self):
        return 2 if self.palette.shape[1] == 4 or self._original.shape[2] == 4 else 1

    def _squared(self, rows):
        """Squared errors of some rows, (grounds, rows, W, 3) int32."""
        pairs = zip(on_grounds(self._original[rows]), on_grounds(self.palette[self.indices[rows]]))
        return np.stack([np.square(a.astype(np.int32) - b) for a, b in pairs][: self._grounds])


def on_grounds(pixels):
    """The picture over black and over white, each (H, W, 3) uint8; the same array twice if it is opaque."""
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        pixels = pixels.reshape(*pixels.shape[:2], 1).repeat(3, 2)
    if pixels.shape[2] == 3:
        return pixels, pixels
    black, white = np.empty((2, *pixels.shape[:2], 3), np.uint8)
    for rows in bands(*pixels.shape[:2]):
        alpha = pixels[rows, :, 3:].astype(np.uint16)
        over = (pixels[rows, :, :3] * alpha + 127) // 255
        black[rows], white[rows] = over, over + (255 - alpha)
    return black, white
