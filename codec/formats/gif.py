"""Read the structure of GIF files: pictures, their places, times and disposal.

Pillow composes GIFs for display on a background colour: what no picture covers, and what is cleared, is not transparent
there. Clause numbers refer to GIF89a (CompuServe, 31 July 1990).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BitstreamError, TruncatedError
from ._lzw import lzw_decode
from .composition import CLEAR, KEEP, RESTORE, Cell, Moving, no_frames
from .ends import NO_TRAILER

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..limits import Limits

SIGNATURES = (b"GIF87a", b"GIF89a")
EXTENSION, SEPARATOR, TRAILER = 0x21, 0x2C, 0x3B
GRAPHIC_CONTROL, PLAIN_TEXT, APPLICATION = 0xF9, 0x01, 0xFF
ICC = b"ICCRGBG1012"  # application extension of the ICC (ICC.1 annex B)
LOOPING = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
TICK = Fraction(1, 100)
# Disposal (23 c iv). Old encoders write 4 for 3, and browsers read it so; values above are not defined.
DISPOSALS = {2: CLEAR, 3: RESTORE, 4: RESTORE}


@dataclass(frozen=True)
class Control:
    """A graphic control extension (23)."""

    disposal: int = KEEP
    ticks: int = 0
    transparent: int = -1


class Reader:
    """A walk over the blocks of a file."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self.data, self.at, self.limits = data, 6, limits
        self.cells: list[Cell] = []
        self.loops: int | None = None
        self.warnings: list[str] = []
        self.gray = False
        self.icc: bytes | None = None

    def take(self, layout: str) -> tuple[int, ...]:
        """The next fields, little-endian."""
        size = struct.calcsize(layout)
        if self.at + size > len(self.data):
            raise TruncatedError("the data ends inside a block", layer="GIF", offset=self.at)
        found = struct.unpack_from(layout, self.data, self.at)
        self.at += size
        return found

    def table(self, flags: int) -> npt.NDArray[np.uint8] | None:
        """A colour table (19, 21), (n, 3); None if there is none."""
        if not flags & 0x80:
            return None
        (stored,) = self.take(f"<{3 << (flags & 7) + 1}s")
        return np.frombuffer(stored, np.uint8).reshape(-1, 3)  # type: ignore[call-overload]

    def blocks(self) -> bytes:
        """The contents of sub-blocks up to the terminator (15, 16)."""
        begin = self.at
        self.skip_blocks()
        return contents(self.data, begin)

    def skip_blocks(self) -> None:
        """Go behind the terminator of sub-blocks."""
        data, at, end = self.data, self.at, len(self.data)
        while at < end and data[at]:
            at += 1 + data[at]
        if at >= end:
            raise TruncatedError("the data ends inside a block", layer="GIF", offset=self.at)
        self.at = at + 1

    def read(self) -> Moving:
        """The whole file."""
        width, height, flags, _, _ = self.take("<HHBBB")
        self.limits.check_pixels(width, height)
        shared, control = self.table(flags), Control()
        while self.at < len(self.data) and self.data[self.at] != TRAILER:
            (kind,) = self.take("<B")
            if kind == EXTENSION:
                control = self.extension(control)
            elif kind == SEPARATOR:
                self.picture(shared, control)
                control = Control()
            elif kind:  # stray zero bytes between blocks are common, and browsers skip them
                raise BitstreamError(f"unknown block 0x{kind:02X}", layer="GIF", offset=self.at - 1)
        if not self.cells:
            raise no_frames("GIF", self.at)
        if self.at == len(self.data):
            self.warnings.append(NO_TRAILER)
        if not width or not height:  # browsers take the size of the first picture then
            width = width or self.cells[0].x + self.cells[0].width
            height = height or self.cells[0].y + self.cells[0].height
            if not width or not height:
                raise BitstreamError("the picture has no pixels", layer="GIF", offset=6)
            self.limits.check_pixels(width, height)
        return Moving(width, height, self.cells, self.loops, self.warnings, self.icc)

    def extension(self, control: Control) -> Control:
        """An extension; the control for the next picture."""
        (label,) = self.take("<B")
        if label == APPLICATION:
            name_at = self.at + 1
            content = self.blocks()
            if content[:11] in LOOPING and self.data[name_at - 1] == 11 and len(content) >= 14 and content[11] & 7 == 1:
                self.loops = struct.unpack_from("<H", content, 12)[0]
            elif content[:11] == ICC and self.data[name_at - 1] == 11:
                self.icc = content[11:] or None
            return control
        content = self.blocks()
        if label == GRAPHIC_CONTROL and len(content) >= 4:
            flags, ticks, transparent = struct.unpack_from("<BHB", content)
            return Control(DISPOSALS.get(flags >> 2 & 7, KEEP), ticks, transparent if flags & 1 else -1)
        return Control() if label == PLAIN_TEXT else control

    def picture(self, shared: npt.NDArray[np.uint8] | None, control: Control) -> None:
        """An image descriptor and its codes (20, 22)."""
        begin = self.at - 1
        x, y, width, height, flags = self.take("<HHHHB")
        self.limits.check_pixels(width, height)
        own = self.table(flags)
        table = shared if own is None else own
        if table is None:
            table = np.arange(256, dtype=np.uint8)[:, None].repeat(3, 1)
        if not self.cells:
            self.gray = bool((table == np.arange(len(table))[:, None]).all())
        (min_code_size,) = self.take("<B")
        codes = self.at
        self.skip_blocks()
        if not 1 <= min_code_size <= 8:
            raise BitstreamError(f"the code size is {min_code_size}, not 1 to 8", layer="GIF picture", offset=begin)
        coded = _Coded(
            len(self.cells), begin, width, height, bool(flags & 0x40), min_code_size, self.data, codes, table,
            control.transparent, self.warnings,
        )  # fmt: skip
        self.cells.append(Cell(x, y, width, height, coded.rgba, control.ticks * TICK, control.disposal))


def contents(data: bytes, at: int) -> bytes:
    """The contents of whole sub-blocks from `at` up to the terminator."""
    parts = []
    while data[at]:
        parts.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return b"".join(parts)


@dataclass(frozen=True)
class _Coded:
    """A picture as it is in the file; its codes are sub-blocks from `codes` on."""

    number: int
    offset: int
    width: int
    height: int
    interlaced: bool
    min_code_size: int
    data: bytes
    codes: int
    table: npt.NDArray[np.uint8]
    transparent: int
    warnings: list[str]

    def rgba(self) -> npt.NDArray[np.uint8]:
        """(height, width, 4)."""
        count = self.width * self.height
        indices, done = lzw_decode(contents(self.data, self.codes), self.min_code_size, count)
        if done < 0:
            raise BitstreamError("a code is not in the table", layer="GIF picture", offset=self.offset)
        colors = np.zeros((256, 4), np.uint8)  # indices beyond the table are black
        colors[: len(self.table), :3], colors[:, 3] = self.table, 255
        if self.transparent >= 0:
            colors[self.transparent] = 0
        pixels = colors.view(np.uint32)[:, 0].take(indices).view(np.uint8).reshape(-1, 4)
        if done < count:
            pixels[done:] = 0
            self.warnings.append(f"frame {self.number} lacks {count - done} of its {count} pixels: left unpainted")
        pixels = pixels.reshape(self.height, self.width, 4)
        if not self.interlaced:
            return pixels
        made = np.empty_like(pixels)
        made[passes(self.height)] = pixels
        return made


def passes(height: int) -> npt.NDArray[np.intp]:
    """Rows of an interlaced picture in the order of the file (appendix E)."""
    order = [np.arange(first, height, step) for first, step in ((0, 8), (4, 8), (2, 4), (1, 2))]
    return np.concatenate(order).astype(np.intp)


def read(data: bytes, limits: Limits) -> Moving:
    """The structure of a GIF; its pictures are decoded when frames are asked for.

    Raises
    ------
    BitstreamError
        If it is damaged.
    LimitError
        If the screen or a picture exceeds the limits.
    """
    return Reader(data, limits).read()


def first(data: bytes, limits: Limits) -> tuple[npt.NDArray[np.uint8], bool, Moving]:
    """The first frame, (H, W, 4); whether its colour table holds gray levels in order; and the structure.

    Raises
    ------
    BitstreamError, LimitError
    """
    reader = Reader(data, limits)
    moving = reader.read()
    return next(moving.frames()), reader.gray, moving


def timed(cells: list[Cell]) -> list[Cell]:
    """Cells without the times that are not meant: files whose every frame takes at most one tick were made to run as
    fast as possible, and browsers show each frame for a tenth of a second.
    """
    if any(cell.seconds > TICK for cell in cells):
        return cells
    return [replace(cell, seconds=Fraction(0)) for cell in cells]
