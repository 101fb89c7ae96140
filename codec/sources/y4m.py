"""YUV4MPEG2 frame by frame, as yuv4mpeg(5) of mjpegtools; depths above 8 as FFmpeg writes them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..errors import BitstreamError, TruncatedError, UnsupportedError
from ..frame import plane_shapes

SIGNATURE = b"YUV4MPEG2"
HEADER_BYTES = 1024
COLOURS = re.compile(r"(420|422|444|mono)(?:jpeg|mpeg2|paldv)?(?:p?(9|1[0-6]))?")


@dataclass(frozen=True)
class Stream:
    """A header, and the frames after it.

    Attributes
    ----------
    width, height, depth : int
    fps : fractions.Fraction
    chroma : str
    full_range, interlaced : bool
    sample_aspect_ratio : (int, int)
        (0, 0) if unknown.
    frames : iterator of tuples of planes
        Views of the data with 8 bits.
    """

    width: int
    height: int
    fps: Fraction
    chroma: str
    depth: int
    full_range: bool
    interlaced: bool
    sample_aspect_ratio: tuple
    frames: Iterator

    @property
    def frame_bytes(self):
        """Of a frame, without its line FRAME."""
        shapes = plane_shapes(self.height, self.width, self.chroma)
        return sum(rows * columns for rows, columns in shapes) * (1 if self.depth == 8 else 2)


class _Input:
    """Bytes from chunks; what lies in one chunk is not copied."""

    def __init__(self, chunks):
        self._chunks, self._held, self.offset = iter(chunks), memoryview(b""), 0

    def take(self, count):
        """The next bytes; fewer at the end."""
        parts, missing = [], count
        while missing:
            if not self._held:
                chunk = next(self._chunks, None)
                if chunk is None:
                    break
                self._held = memoryview(chunk)
            parts.append(self._held[:missing])
            self._held = self._held[missing:]
            missing -= len(parts[-1])
        self.offset += count - missing
        return parts[0] if len(parts) == 1 else memoryview(b"".join(parts))

    def line(self):
        """The next line, or None if none ends within `HEADER_BYTES`."""
        found = bytearray()
        while len(found) < HEADER_BYTES:
            byte = self.take(1)
            if not byte:
                return None
            if byte[0] == 10:
                return bytes(found)
            found += byte
        return None


def read(chunks, limits):
    """The Stream of an iterable of bytes, which is read as its frames are asked for.

    Raises
    ------
    BitstreamError, TruncatedError, UnsupportedError, LimitError
        Those in frames when they are asked for.
    """
    source = _Input(chunks)
    line = source.line()
    if line is None:
        raise BitstreamError(f"no end of line in the first {HEADER_BYTES} bytes", layer="YUV4MPEG2 header", offset=0)
    words = line.decode("ascii", "replace").split(" ")[1:]
    tags = {word[0]: word[1:] for word in words if word and word[0] != "X"}
    height, width, fps = _number(tags, "H"), _number(tags, "W"), _rate(tags)
    chroma, depth = _colour(tags.get("C", "420"))
    limits.check_pixels(width, height)
    return Stream(
        width,
        height,
        fps,
        chroma,
        depth,
        "XCOLORRANGE=FULL" in words,
        tags.get("I", "p") in ("t", "b", "m"),
        _aspect(tags.get("A", "")),
        _frames(source, plane_shapes(height, width, chroma), depth),
    )


def _number(tags, name):
    text = tags.get(name, "")
    if not re.fullmatch(r"[0-9]{1,9}", text) or not int(text):
        raise BitstreamError(f"{name} must be a positive number, not {text!r}", layer="YUV4MPEG2 header", offset=0)
    return int(text)


def _rate(tags):
    parts = re.fullmatch(r"([0-9]{1,9}):([0-9]{1,9})", tags.get("F", ""))
    if not parts or not int(parts[1]) or not int(parts[2]):
        raise BitstreamError(
            f"F must be a frame rate such as 30:1, not {tags.get('F', '')!r}: a bit rate needs one",
            layer="YUV4MPEG2 header",
            offset=0,
        )
    return Fraction(int(parts[1]), int(parts[2]))


def _aspect(tag):
    parts = re.fullmatch(r"([0-9]{1,5}):([0-9]{1,5})", tag)
    return (int(parts[1]), int(parts[2])) if parts and int(parts[1]) and int(parts[2]) else (0, 0)


def _colour(tag):
    parts = COLOURS.fullmatch(tag)
    if not parts:
        raise UnsupportedError(
            f"YUV4MPEG2 with C{tag} is not supported: use C420, C422, C444 or Cmono, with 8 bits or p9 to p16"
        )
    name = parts[1]
    return "4:0:0" if name == "mono" else ":".join(name), int(parts[2] or 8)


def _frames(source, shapes, depth):
    dtype = np.dtype(np.uint8 if depth == 8 else "<u2")
    size, number = sum(rows * columns for rows, columns in shapes) * dtype.itemsize, 0
    while True:
        at = source.offset
        head = source.take(5)
        if not head:
            break
        if head != b"FRAME" or source.line() is None:
            raise BitstreamError(f"no FRAME line before frame {number}", layer="YUV4MPEG2 frame", offset=at)
        at = source.offset
        data = source.take(size)
        if len(data) < size:
            raise TruncatedError(
                f"the data ends in frame {number}, which takes {size} bytes", layer="YUV4MPEG2 frame", offset=at
            )
        yield _planes(data, at, shapes, dtype, depth)
        number += 1
    if not number:
        raise BitstreamError("there are no frames", layer="YUV4MPEG2 frame", offset=source.offset)


def _planes(data, offset, shapes, dtype, depth):
    """Planes of a frame: views of 8-bit data; deeper samples are copied and checked."""
    planes, at = [], 0
    for rows, columns in shapes:
        plane = np.frombuffer(data, dtype, rows * columns, at).reshape(rows, columns)
        if depth > 8 and plane.max() >> depth:
            raise BitstreamError(
                f"a sample of {plane.max()} does not fit {depth} bits", layer="YUV4MPEG2 frame", offset=offset + at
            )
        planes.append(plane if depth == 8 else plane.astype(np.uint16))
        at += plane.nbytes
    return tuple(planes)
