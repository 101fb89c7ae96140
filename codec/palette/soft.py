"""Frames with partial transparency, for APNG: one palette of RGBA, and rectangles that replace what was there."""

import numpy as np

from .apng import Piece
from .canvas import around
from .quantize import PaletteQuantizer


def rgba(pixels, opaque, alpha):
    """(H, W, 4) of a frame. Transparent pixels are black, so that colours nobody sees do not count as changes."""
    if alpha is None:
        alpha = np.full(pixels.shape[:2], 255, np.uint8) if opaque is None else np.where(opaque, 255, 0)
    return np.dstack([np.where(alpha[..., None] > 0, pixels, 0), alpha]).astype(np.uint8)


def fitted(frames, colors, space, strength):
    """(quantizer, palette): for (H, W, 4) frames, with error diffusion of a strength of 0..1; (n, 4) uint8."""
    dither = {"dither": "floyd-steinberg", "dither_strength": strength} if strength else {"dither": None}
    quantizer = PaletteQuantizer(colors, space=space, **dither).fit(frames)
    palette = quantizer.palette_
    if palette.shape[1] == 3:
        palette = np.concatenate([palette, np.full((len(palette), 1), 255, np.uint8)], 1)
    return quantizer, palette


def paint(frames, quantizer, palette):
    """Paint (H, W, 4) frames. A pixel whose source does not change keeps its index, so that still areas do not flicker.

    Yields
    ------
    (codec.palette.apng.Piece, float)
        And the mean squared error of the frame, summed over R, G, B and A, in 8-bit levels.
    """
    held, before = None, None
    for frame in frames:
        indices = quantizer.predict(frame).indices
        if held is None:
            x, y, (height, width) = 0, 0, indices.shape
        else:
            indices = np.where((frame != before).any(2), indices, held)
            x, y, width, height = around(indices != held)
        apart = frame.astype(np.int32) - palette[indices]
        error = float(np.einsum("ijk,ijk->", apart, apart, dtype=np.int64)) / indices.size
        yield Piece(x, y, indices[y : y + height, x : x + width]), error
        held, before = indices, frame
