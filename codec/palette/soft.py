"""Frames with partial transparency, for APNG: one palette of RGBA, and rectangles that replace what was there."""

from dataclasses import dataclass

import numpy as np

from .apng import Piece
from .canvas import around
from .quantize import PaletteQuantizer


@dataclass(frozen=True)
class SoftFrames:
    """Frames as rectangles of one palette.

    Attributes
    ----------
    pieces : list of codec.palette.apng.Piece
    palette : (n, 4) uint8
    errors : list of float
        Mean squared error of each frame, summed over R, G, B and A, in 8-bit levels.
    """

    pieces: list
    palette: np.ndarray
    errors: list


def rgba(pixels, opaque, alpha):
    """(H, W, 4) of a frame. Transparent pixels are black, so that colours nobody sees do not count as changes."""
    if alpha is None:
        alpha = np.full(pixels.shape[:2], 255, np.uint8) if opaque is None else np.where(opaque, 255, 0)
    return np.dstack([np.where(alpha[..., None] > 0, pixels, 0), alpha]).astype(np.uint8)


def paint(frames, colors, space, strength, step):
    """Paint (H, W, 4) frames. A pixel whose source does not change keeps its index, so that still areas do not flicker.

    Parameters
    ----------
    frames : list of (H, W, 4) uint8
    colors : int
    space : str
    strength : float
        Of error diffusion, 0..1.
    step : callable
        Called after every frame.

    Returns
    -------
    SoftFrames
    """
    dither = {"dither": "floyd-steinberg", "dither_strength": strength} if strength else {"dither": None}
    quantizer = PaletteQuantizer(colors, space=space, **dither).fit(frames)
    palette = quantizer.palette_
    if palette.shape[1] == 3:
        palette = np.concatenate([palette, np.full((len(palette), 1), 255, np.uint8)], 1)
    pieces, errors, held, before = [], [], None, None
    for frame in frames:
        indices = quantizer.predict(frame).indices
        if held is None:
            x, y, (height, width) = 0, 0, indices.shape
        else:
            indices = np.where((frame != before).any(2), indices, held)
            x, y, width, height = around(indices != held)
        pieces.append(Piece(x, y, indices[y : y + height, x : x + width]))
        held, before = indices, frame
        apart = frame.astype(np.int32) - palette[indices]
        errors.append(float(np.einsum("ijk,ijk->", apart, apart, dtype=np.int64)) / indices.size)
        step()
    return SoftFrames(pieces, palette, errors)
