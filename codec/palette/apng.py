"""Animated PNG files of indexed frames with one palette (PNG specification, third edition: 4.9 and 11.3.6)."""

import struct
from dataclasses import dataclass, field

import numpy as np

from ..errors import ParameterError
from . import png
from .gif import CLEAR, SIDE_MAX
from .timing import png_delay

DISPOSE_NONE, DISPOSE_BACKGROUND = 0, 1
BLEND_SOURCE, BLEND_OVER = 0, 1


@dataclass(frozen=True)
class Piece:
    """A rectangle of indices, laid down by its fcTL.

    Attributes
    ----------
    x, y : int
    indices : (H, W) uint8
    dispose, blend : int
    """

    x: int
    y: int
    indices: np.ndarray
    dispose: int = DISPOSE_NONE
    blend: int = BLEND_SOURCE
    _deflated: dict = field(default_factory=dict, repr=False, compare=False)

    def deflated(self, bits):
        """The data of the piece with this many bits for each index; made once."""
        if bits not in self._deflated:
            self._deflated[bits] = _deflated(png.packed(self.indices, bits), bits)
        return self._deflated[bits]


def palette_of(colors):
    """(n, 4) entries of a file. Index 0 is transparent, so tRNS has one entry; the palette is sorted by luma."""
    palette = np.full((len(colors.entries) + 1, 4), 255, np.uint8)
    palette[0], palette[1:, :3] = 0, colors.entries
    return palette


def piece_of(frame):
    """The piece that shows a codec.palette.canvas.Painted; its indices are those of `palette_of`."""
    indices = np.where(frame.indices == frame.colors.transparent, 0, frame.indices + np.uint8(1)).astype(np.uint8)
    dispose = DISPOSE_BACKGROUND if frame.disposal == CLEAR else DISPOSE_NONE
    return Piece(frame.x, frame.y, indices, dispose, BLEND_SOURCE if frame.transparent < 0 else BLEND_OVER)


def depth_of(pieces, palette):
    """Bits of an index. FFmpeg (libavcodec 62) blends packed indices as if each were a byte, so frames that are blended
    use bytes.
    """
    return 8 if any(piece.blend == BLEND_OVER for piece in pieces) else png.depth(len(palette))


def assemble(width, height, pieces, palette, seconds, *, loops=0, comment=b"", described=b""):
    """Assemble a file from pieces of one palette. The first covers the canvas.

    Parameters
    ----------
    width, height : int
    pieces : list of Piece
    palette : (n, 4) uint8
    seconds : list of Fraction
    loops : int or None
        How often it restarts: 0 forever, None never.
    comment : bytes
        ISO 8859-1 text.
    described : bytes
        Chunks before PLTE.
    """
    if max(width, height) > SIDE_MAX:
        raise ParameterError(f"an animation has sides of 1 to {SIDE_MAX} pixels, not {width}x{height}")
    bits = depth_of(pieces, palette)
    plays = 0 if loops == 0 else 1 if loops is None else loops + 1
    control = png.chunk(b"acTL", struct.pack(">II", len(pieces), plays))
    parts = [png.SIGNATURE, png.header(width, height, bits), control, described, png.colors(palette)]
    if comment:
        parts.append(png.chunk(b"tEXt", b"Comment\0" + comment))
    number = 0
    for piece, length in zip(pieces, seconds):
        data = piece.deflated(bits)
        high, wide = piece.indices.shape
        place = (number, wide, high, piece.x, piece.y)
        control = struct.pack(">IIIIIHHBB", *place, *png_delay(length), piece.dispose, piece.blend)
        parts.append(png.chunk(b"fcTL", control))
        parts.append(png.chunk(b"fdAT", struct.pack(">I", number + 1) + data) if number else png.chunk(b"IDAT", data))
        number += 2 if number else 1
    return b"".join([*parts, png.chunk(b"IEND", b"")])


def _deflated(rows, bits):
    """The smaller of filtered and unfiltered rows. Below 8 bits filters do not help: they take differences of bytes,
    not of indices.
    """
    return min((png.deflated(rows_of(rows)) for rows_of in (png.unfiltered, png.filtered)[: 1 + (bits == 8)]), key=len)
