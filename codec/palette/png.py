"""PNG chunks, and rows of indexed pictures for IDAT.

Clause numbers refer to the PNG specification, third edition (W3C 2025; the second is ISO/IEC 15948).
"""

import struct
import zlib

import numpy as np

from ..errors import ParameterError
from ..pixels import bands
from ..signatures import PNG

SIGNATURE = PNG
SIDE_MAX = 2**31 - 1
PIECE = 1 << 18  # bytes that are deflated at a time: 0.1 s
INDEXED = 3  # colour type
NONE, SUB, UP, AVERAGE, PAETH = range(5)
QUICK, BEST = 6, 9  # zlib levels, for comparing candidates and for writing
METRE_INCHES, METRE_CM = 10000 / 254, 100


def chunk(kind, data):
    """Length, type, data and CRC (5.3)."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width, height, bits):
    """IHDR of an indexed picture (11.2.1)."""
    if not (1 <= width <= SIDE_MAX and 1 <= height <= SIDE_MAX):
        raise ParameterError(f"a PNG has sides of 1 to {SIDE_MAX} pixels, not {width}x{height}")
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, INDEXED, 0, 0, 0))


def colors(palette):
    """PLTE, and tRNS up to the last colour that is not opaque (11.2.2, 11.3.1.1)."""
    made = chunk(b"PLTE", np.ascontiguousarray(palette[:, :3]).tobytes())
    if palette.shape[1] == 4:
        faint = np.flatnonzero(palette[:, 3] < 255)
        if len(faint):
            made += chunk(b"tRNS", palette[: faint[-1] + 1, 3].tobytes())
    return made


def described(icc=None, density=None, color_chunks=()):
    """Chunks before PLTE that define colours and pixel sizes: those given, iCCP (11.3.2.3), pHYs (11.3.4.3)."""
    made = b"".join(chunk(*given) for given in color_chunks)
    made += chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc, BEST)) if icc else b""
    if density and density[0]:
        unit, *dots = density
        made += chunk(
            b"pHYs",
            struct.pack(">IIB", *(round(count * (METRE_CM if unit == 2 else METRE_INCHES)) for count in dots), 1),
        )
    return made


def depth(count):
    """Fewest bits per sample, 1, 2, 4 or 8, for `count` indices.

    >>> from codec.palette.png import depth
    >>> [depth(count) for count in (1, 2, 3, 4, 5, 16, 17, 256)]
    [1, 1, 2, 2, 4, 4, 8, 8]
    """
    return next(bits for bits in (1, 2, 4, 8) if count <= 1 << bits)


def packed(indices, bits):
    """Rows of samples packed into bytes, leftmost in the high bits (7.2)."""
    per_byte = 8 // bits
    height, width = indices.shape
    if per_byte == 1:
        return np.ascontiguousarray(indices)
    rows = np.zeros((height, -(-width // per_byte) * per_byte), np.uint8)
    rows[:, :width] = indices
    made = np.zeros((height, rows.shape[1] // per_byte), np.uint8)
    for i in range(per_byte):
        made |= rows[:, i::per_byte] << (8 - bits * (i + 1))
    return made


def unfiltered(rows):
    """Rows, each after the filter type None (9.2)."""
    made = np.zeros((rows.shape[0], rows.shape[1] + 1), np.uint8)
    made[:, 1:] = rows
    return made.tobytes()


def subtracted(rows):
    """Rows filtered by Sub (9.2)."""
    made = np.full((rows.shape[0], rows.shape[1] + 1), SUB, np.uint8)
    made[:, 1:] = rows
    made[:, 2:] -= rows[:, :-1]
    return made.tobytes()


def filtered(rows):
    """Rows, each filtered by whichever filter has the least sum of absolute differences (9.2; heuristic of 12.7)."""
    above = np.zeros_like(rows[:1])
    return b"".join(
        _filtered(np.concatenate([rows[band.start - 1 : band.start] if band.start else above, rows[band]]))
        for band in bands(*rows.shape)
    )


def _filtered(rows):
    """`filtered` of all rows but the first."""
    height, width = rows.shape[0] - 1, rows.shape[1]
    padded = np.zeros((height + 1, width + 1), np.int16)
    padded[:, 1:] = rows
    left, up, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    guess = left + up - corner
    from_left, from_up, from_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
    paeth = np.where(
        (from_left <= from_up) & (from_left <= from_corner), left, np.where(from_up <= from_corner, up, corner)
    )
    made = np.stack([rows[1:] - guess for guess in (np.zeros_like(left), left, up, (left + up) >> 1, paeth)]).astype(
        np.uint8
    )
    sums = abs(made.view(np.int8).astype(np.int64)).sum(2)
    kinds = sums.argmin(0)
    out = np.empty((height, width + 1), np.uint8)
    out[:, 0], out[:, 1:] = kinds, made[kinds, np.arange(height)]
    return out.tobytes()


def deflated(rows, level=BEST):
    """Filtered rows as a zlib stream (10). Piece by piece, since zlib holds up signal handlers."""
    made, rows = zlib.compressobj(level, memLevel=9), memoryview(rows)
    parts = [made.compress(rows[at : at + PIECE]) for at in range(0, len(rows), PIECE)]
    return b"".join([*parts, made.flush()])
