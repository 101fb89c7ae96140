"""The result of quantizing colours, and its error against the original."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..pixels import as_png

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
        return np.mean(
            [np.square(a - b).mean(-1) for a, b in zip(on_grounds(self._original), on_grounds(self.image()))], axis=0
        )

    @cached_property
    def mse(self) -> float:
        """Mean of `error_map`; for opaque pictures the same as `codec.metrics.mse`."""
        return float(self.error_map().mean())


def on_grounds(pixels):
    """The picture over black and over white, each (H, W, 3) int32; the same array twice if it is opaque."""
    color = pixels.astype(np.int32)
    if color.ndim == 2 or color.shape[2] == 1:
        color = color.reshape(*color.shape[:2], 1).repeat(3, 2)
    if color.shape[2] == 3:
        return color, color
    alpha = color[..., 3:]
    black = (color[..., :3] * alpha + 127) // 255
    return black, black + 255 - alpha
