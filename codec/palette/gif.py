"""GIF files: coded pictures, and the blocks that place and time them.

Clause numbers refer to GIF89a (CompuServe, 31 July 1990).
"""

import struct
from dataclasses import dataclass

import numpy as np

from ..errors import ParameterError
from . import timing

SIDE_MAX = 65535
DELAY_MAX = 65535
KEEP, CLEAR = 1, 2  # disposal (23 c iv): leave the picture, or make its rectangle transparent again
EXTENSION, TRAILER, SEPARATOR = 0x21, b"\x3b", 0x2C
GRAPHIC_CONTROL, COMMENT, APPLICATION = 0xF9, 0xFE, 0xFF


@dataclass(frozen=True)
class Cell:
    """A coded picture, its place and its duration.

    Attributes
    ----------
    x, y, width, height : int
    codes : bytes
        From `codec.palette._lzw`.
    min_code_size : int
    delay : int
        In 1/100 s.
    disposal : int
        KEEP or CLEAR.
    transparent : int
        The index of pixels that keep what was there before, or -1.
    palette : (n, 3) uint8, or None
        None: the palette of the file.
    """

    x: int
    y: int
    width: int
    height: int
    codes: bytes
    min_code_size: int
    delay: int = 0
    disposal: int = KEEP
    transparent: int = -1
    palette: np.ndarray | None = None


def table_bits(count):
    """Bits of an index into a table of `count` colours, 1 to 8. Tables have 2^bits entries (18 c v)."""
    return max(1, (int(count) - 1).bit_length())


def code_size(count):
    """Smallest code size that holds `count` indices, at least 2: appendix F has no code of one bit."""
    return max(2, table_bits(count))


def assemble(width, height, cells, *, palette=None, loops=0, comment=b""):
    """Assemble a file from cells in display order.

    Parameters
    ----------
    width, height : int
    cells : iterable of Cell
    palette : (n, 3) uint8, optional
        Used by all cells without a palette of their own.
    loops : int or None
        How often an animation starts again: 0 for ever, None never (no extension is written).
    comment : bytes

    Returns
    -------
    bytes

    Raises
    ------
    ParameterError
        If a side or a delay does not fit 16 bits.
    """
    if not (1 <= width <= SIDE_MAX and 1 <= height <= SIDE_MAX):
        raise ParameterError(f"a GIF has sides of 1 to {SIDE_MAX} pixels, not {width}x{height}")
    parts = [b"GIF89a", struct.pack("<HHBBB", width, height, 0x70 | _size(palette), 0, 0), _table(palette)]
    if loops is not None:
        if not 0 <= loops <= timing.GIF_LOOPS_MAX:
            raise ParameterError(f"loops are 0 (for ever) to {timing.GIF_LOOPS_MAX}, not {loops}")
        parts.append(_extension(APPLICATION, b"NETSCAPE2.0", struct.pack("<BH", 1, loops)))
    if comment:
        parts.append(_extension(COMMENT, *(comment[i : i + 255] for i in range(0, len(comment), 255))))
    for cell in cells:
        parts += _cell(cell)
    return b"".join([*parts, TRAILER])


def _size(palette):
    """The flag and size bits of a colour table (18 c, 20 c)."""
    return 0 if palette is None else 0x80 | table_bits(len(palette)) - 1


def _table(palette):
    """Colour table, padded with black (19)."""
    if palette is None:
        return b""
    colors = np.ascontiguousarray(palette[:, :3], np.uint8).tobytes()
    return colors.ljust(3 << table_bits(len(palette)), b"\0")


def _extension(label, *blocks):
    return bytes([EXTENSION, label]) + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def _cell(cell):
    if not 0 <= cell.delay <= DELAY_MAX:
        raise ParameterError(f"a frame of a GIF lasts {DELAY_MAX / 100} seconds at most, not {cell.delay / 100}")
    control = struct.pack("<BHB", cell.disposal << 2 | (cell.transparent >= 0), cell.delay, max(cell.transparent, 0))
    descriptor = struct.pack("<BHHHH", SEPARATOR, cell.x, cell.y, cell.width, cell.height)
    yield _extension(GRAPHIC_CONTROL, control)
    yield descriptor + bytes([_size(cell.palette)]) + _table(cell.palette)
    yield bytes([cell.min_code_size])
    codes = cell.codes
    whole = len(codes) // 255 * 255
    framed = np.empty((whole // 255, 256), np.uint8)  # sub-blocks of 255 bytes (15)
    framed[:, 0], framed[:, 1:] = 255, np.frombuffer(codes, np.uint8, whole).reshape(-1, 255)
    yield framed.tobytes()
    yield (bytes([len(codes) - whole]) + codes[whole:] if whole < len(codes) else b"") + b"\0"
