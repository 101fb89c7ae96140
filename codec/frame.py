"""Moving pictures as planes of samples: what a video codec takes and gives, and how its samples become colours."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from .errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import numpy.typing as npt

    from ._types import Buffer, Chroma, Samples

# Samples of luma per sample of chroma, down and across.
CHROMA_STEPS = {"4:0:0": None, "4:2:0": (2, 2), "4:2:2": (1, 2), "4:4:4": (1, 1)}
# Weights of red and blue in luma, H.273 table 4 (H.264 Table E-5); BT.2020 with non-constant luminance.
MATRICES = {
    "BT.601": (0.299, 0.114), "BT.709": (0.2126, 0.0722), "BT.2020": (0.2627, 0.0593), "FCC": (0.3, 0.11), "SMPTE 240M": (0.212, 0.087),
}  # fmt: skip
# What is no weighted sum: planes that are G, B and R themselves; and (R + 2G + B) / 4 with its two differences.
OTHER_MATRICES = ("GBR", "YCgCo")
HD_ROWS = 720  # from here on BT.709 is what a picture means that does not say


def default_matrix(height: int) -> str:
    """Matrix of a picture that does not name one: BT.709 from 720 rows on, BT.601 below."""
    return "BT.709" if height >= HD_ROWS else "BT.601"


def plane_shapes(height: int, width: int, chroma: str) -> list[tuple[int, int]]:
    """[(rows, columns)] of the planes."""
    steps = CHROMA_STEPS[chroma]
    return [(height, width)] + ([(-(-height // steps[0]), -(-width // steps[1]))] * 2 if steps else [])


# ---------------------------------------------------------------- samples and colours


def _levels(depth, full_range):
    """(black, span of luma, span of chroma): what the samples 0 to 1 and -1/2 to 1/2 stand for."""
    unit = 1 << (depth - 8)
    return (0, 256 * unit - 1, 256 * unit - 1) if full_range else (16 * unit, 219 * unit, 224 * unit)


def _stretched(plane, shape, chroma):
    """A plane of chroma at the size of luma: samples are repeated."""
    down, across = CHROMA_STEPS[chroma]
    return np.repeat(np.repeat(plane, down, 0), across, 1)[: shape[0], : shape[1]]


def _rounded(plane, top, dtype):
    return np.rint(plane).clip(0, top).astype(dtype)


def as_shown(planes: tuple[Samples, ...], chroma: str, depth: int, matrix: str, full_range: bool) -> Samples:
    """Planes of a frame as it is shown: (H, W, 3) RGB, or (H, W) gray; uint8, or uint16 over 0..65535 above 8 bits.

    In float32: single operations of IEEE 754, the same on every machine; 24 bits hold 16 with eight to spare. Chroma samples are repeated.
    What lies outside of the colours that R, G and B can say is clipped.
    """
    top, dtype = (255, np.uint8) if depth == 8 else (65535, np.uint16)
    black, luma_span, chroma_span = _levels(depth, full_range)
    y = (planes[0].astype(np.float32) - np.float32(black)) * np.float32(top / luma_span)
    if len(planes) == 1:
        return _rounded(y, top, dtype)
    if matrix == "GBR":
        g, b, r = (
            (_stretched(plane, y.shape, chroma).astype(np.float32) - np.float32(black)) * np.float32(top / luma_span)
            for plane in planes
        )
        return np.stack([_rounded(plane, top, dtype) for plane in (r, g, b)], axis=2)
    middle = np.float32(128 << (depth - 8))
    cb, cr = ((plane.astype(np.float32) - middle) * np.float32(top / chroma_span) for plane in planes[1:])
    if matrix == "YCgCo":  # cb is Cg, cr is Co
        red, green, blue = cr - cb, cb, -cb - cr
    else:
        # R - Y = 2 (1 - kr) Cr, B - Y = 2 (1 - kb) Cb, and Y = kr R + kg G + kb B gives G.
        kr, kb = MATRICES[matrix]
        red, blue = cr * np.float32(2 * (1 - kr)), cb * np.float32(2 * (1 - kb))
        green = red * np.float32(-kr / (1 - kr - kb)) + blue * np.float32(-kb / (1 - kr - kb))
    return np.stack(
        [_rounded(y + _stretched(plane, y.shape, chroma), top, dtype) for plane in (red, green, blue)], axis=2
    )


def from_shown(pixels, chroma, matrix, full_range):
    """Planes of 8 bits of a picture, (H, W, 3) RGB or (H, W) gray, uint8: the inverse of `as_shown`; chroma is the mean of the pixels that
    share it.
    """
    black, luma_span, chroma_span = _levels(8, full_range)
    p = pixels.astype(np.float32) / np.float32(255)
    luma_of = lambda plane: _rounded(plane * np.float32(luma_span) + np.float32(black), 255, np.uint8)
    if pixels.ndim == 2:
        flat = [np.full(shape, 128, np.uint8) for shape in plane_shapes(*pixels.shape, chroma)[1:]]
        return (luma_of(p), *flat)
    r, g, b = p[..., 0], p[..., 1], p[..., 2]
    kr, kb = MATRICES[matrix]
    y = r * np.float32(kr) + g * np.float32(1 - kr - kb) + b * np.float32(kb)
    if CHROMA_STEPS[chroma] is None:
        return (luma_of(y),)
    both = ((b - y) / np.float32(2 * (1 - kb)), (r - y) / np.float32(2 * (1 - kr)))
    return luma_of(y), *(
        _rounded(_mean(plane, *CHROMA_STEPS[chroma]) * np.float32(chroma_span) + np.float32(128), 255, np.uint8)
        for plane in both
    )


def _mean(plane, down, across):
    """Of blocks of down x across; those of the last row and column repeat it."""
    plane = np.pad(plane, ((0, -plane.shape[0] % down), (0, -plane.shape[1] % across)), "edge")
    return sum(plane[i::down, j::across] for i in range(down) for j in range(across)) / np.float32(down * across)


# ---------------------------------------------------------------- one frame


@dataclass(frozen=True, eq=False)
class Damage:
    """Why a frame may be wrong, and which parts of it were lost and filled in.

    Attributes
    ----------
    macroblocks : (rows, columns) bool array
        One entry for 16x16 luma samples of the coded frame: True where nothing was decoded. All False if the frame is
        only predicted from missing or damaged ones.
    errors : tuple of str
        What was wrong, with the index of the NAL unit and the offset in bytes.
    offsets : tuple of int
        Of each error, in bytes from the start of the stream.
    """

    macroblocks: npt.NDArray[np.bool_]
    errors: tuple[str, ...] = ()
    offsets: tuple[int, ...] = ()

    @property
    def fraction(self) -> float:
        """Part of the picture that is lost, 0 to 1."""
        return float(self.macroblocks.mean()) if self.macroblocks.size else 0.0


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a video, cropped to what is shown.

    Attributes
    ----------
    planes : tuple of arrays
        (Y, Cb, Cr), or (Y,) for 4:0:0; each (rows, columns), uint8, or uint16 where `bit_depth` is above 8.
    chroma : str
        "4:0:0", "4:2:0", "4:2:2" or "4:4:4".
    bit_depth : int
        Bits per sample, 8 to 16.
    matrix : str
        What the planes are of R, G and B: "BT.601", "BT.709", "BT.2020", "FCC", "SMPTE 240M", "GBR" or "YCgCo".
    full_range : bool
        Whether black is 0 and white the largest sample, instead of 16 and 235 (times 2^(bit_depth - 8)).
    poc : int
        Picture order count, which starts again with each IDR picture.
    type : str
        "I", "P" or "B": the most that a slice of it may do. "" where that is not known.
    key : bool
        Whether decoding can start here: an IDR picture.
    timestamp : fractions.Fraction, int or None
        In seconds where a container gave one; else whatever was given together with the data.
    damage : Damage or None
        None if everything was decoded, and the frames that this one is predicted from are not damaged.
    side_data : dict or None
        Arrays by name, where they were asked for.
    user_data : tuple of (int, bytes)
        SEI messages of user data: (payloadType, payload).

    Raises
    ------
    ParameterError
        If the planes do not fit each other or the fields.
    """

    planes: tuple[Samples, ...]
    chroma: str = "4:2:0"
    bit_depth: int = 8
    matrix: str = "BT.601"
    full_range: bool = False
    poc: int = 0
    type: str = ""
    key: bool = False
    timestamp: Any = None
    damage: Damage | None = None
    side_data: dict[str, npt.NDArray[Any]] | None = None
    user_data: tuple[tuple[int, bytes], ...] = ()

    def __post_init__(self) -> None:
        if (
            self.chroma not in CHROMA_STEPS
            or self.matrix not in (*MATRICES, *OTHER_MATRICES)
            or not 8 <= self.bit_depth <= 16
        ):
            raise ParameterError(f"no frame has chroma {self.chroma}, matrix {self.matrix} and {self.bit_depth} bits")
        _check_planes(self.planes, self.chroma, self.bit_depth, "the frame")

    @property
    def width(self) -> int:
        """Luma samples of a row."""
        return self.planes[0].shape[1]

    @property
    def height(self) -> int:
        """Rows of luma."""
        return self.planes[0].shape[0]

    @classmethod
    def from_yuv420(cls, data: Buffer, width: int, height: int, **fields: Any) -> Frame:
        """A frame of 8 bits, 4:2:0, from its planes one after the other.

        Parameters
        ----------
        data : bytes-like
            Y, Cb, Cr: width * height + 2 * ceil(width / 2) * ceil(height / 2) bytes.
        width, height : int
        **fields
            Of `Frame`.

        Examples
        --------
        >>> import codec
        >>> codec.Frame.from_yuv420(bytes(6), 2, 2).to_rgb().shape
        (2, 2, 3)
        """
        shapes, at, planes = plane_shapes(height, width, "4:2:0"), 0, []
        samples = np.frombuffer(data, np.uint8)
        if width < 1 or height < 1 or samples.size != sum(rows * columns for rows, columns in shapes):
            raise ParameterError(f"{samples.size} bytes are no 4:2:0 frame of {width}x{height}")
        for rows, columns in shapes:
            planes.append(samples[at : at + rows * columns].reshape(rows, columns))
            at += rows * columns
        return cls(tuple(planes), **fields)

    @classmethod
    def from_rgb(
        cls,
        pixels: npt.ArrayLike,
        *,
        chroma: Chroma = "4:2:0",
        matrix: str | None = None,
        full_range: bool = False,
        **fields: Any,
    ) -> Frame:
        """A frame of 8 bits from an (H, W, 3) RGB or (H, W) gray uint8 array.

        Parameters
        ----------
        pixels : (H, W, 3) or (H, W) uint8
        chroma : "4:2:0" (default), "4:2:2", "4:4:4" or "4:0:0"
            A chroma sample is the mean of the pixels that share it.
        matrix : str, optional
            Default: BT.709 from 720 rows on, BT.601 below; not "GBR" or "YCgCo".
        full_range : bool, default False
            Luma 0..255 instead of 16..235.
        **fields
            Other fields of `Frame`.

        Raises
        ------
        ParameterError
            Wrong shape or dtype, unknown chroma or matrix.

        Examples
        --------
        >>> import numpy as np, codec
        >>> frame = codec.Frame.from_rgb(np.full((4, 6, 3), 255, np.uint8))
        >>> int(frame.planes[0][0, 0]), frame.planes[1].shape, int(frame.planes[1][0, 0])
        (235, (2, 3), 128)
        """
        pixels = np.asarray(pixels)
        if (
            pixels.dtype != np.uint8
            or pixels.ndim not in (2, 3)
            or pixels.shape[2:] not in ((), (3,))
            or not pixels.size
        ):
            raise ParameterError(f"a picture is (H, W, 3) or (H, W) uint8, not {pixels.shape} {pixels.dtype}")
        matrix = matrix or default_matrix(pixels.shape[0])
        if chroma not in CHROMA_STEPS or matrix not in MATRICES:
            known = f"chroma is one of {', '.join(CHROMA_STEPS)} and matrix one of {', '.join(MATRICES)}"
            raise ParameterError(f"{known}, not {chroma!r} and {matrix!r}")
        return cls(from_shown(pixels, chroma, matrix, full_range), chroma, 8, matrix, full_range, **fields)

    def to_rgb(self) -> Samples:
        """(H, W, 3) RGB, or (H, W) gray for 4:0:0; uint8, or uint16 over 0..65535 above 8 bits.

        Examples
        --------
        >>> import numpy as np, codec
        >>> frame = codec.Frame.from_rgb(np.full((4, 4, 3), (200, 100, 50), np.uint8), chroma="4:4:4")
        >>> frame.to_rgb()[0, 0].tolist()
        [200, 101, 50]
        """
        return as_shown(self.planes, self.chroma, self.bit_depth, self.matrix, self.full_range)


def unchecked_frame(**fields):
    """A Frame of all its fields, which are known to fit each other: what a decoder makes itself it need not check for each frame."""
    frame = object.__new__(Frame)
    vars(frame).update(fields)
    return frame


def _check_planes(planes, chroma, depth, name):
    """Raise ParameterError where shapes or types do not agree with each other."""
    dtype = np.dtype(np.uint8 if depth == 8 else np.uint16)
    wanted = plane_shapes(*planes[0].shape, chroma)
    found = [plane.shape for plane in planes]
    if found != wanted or any(plane.dtype != dtype for plane in planes):
        raise ParameterError(f"{name} has planes {found} of {planes[0].dtype}, not {wanted} of {dtype}")


# ---------------------------------------------------------------- a whole clip


@dataclass(frozen=True, eq=False)
class Video:
    """A clip in memory.

    Attributes
    ----------
    frames : tuple
        In display order; each a tuple of planes, (Y,) or (Y, Cb, Cr): (H, W) arrays, uint8, or uint16 where `depth` is above 8. Chroma
        planes have ceil(H / steps) x ceil(W / steps) samples.
    chroma : str
        "4:0:0", "4:2:0", "4:2:2" or "4:4:4".
    fps : fractions.Fraction
        Frames per second.
    depth : int
        Bits per sample, 8 to 16.
    matrix : str
        "BT.601", "BT.709" or "BT.2020": what Y, Cb and Cr are of R, G and B.
    full_range : bool
        Whether black is 0 and white the largest sample, instead of 16 and 235 (times 2^(depth - 8)).
    warnings : tuple of str
        What was lost or guessed when it was read.

    Raises
    ------
    ParameterError
        If there are no frames, or these do not fit each other or the fields.
    """

    frames: tuple[tuple[Samples, ...], ...]
    chroma: str
    fps: Fraction
    depth: int = 8
    matrix: str = "BT.601"
    full_range: bool = False
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (
            self.chroma not in CHROMA_STEPS
            or self.matrix not in MATRICES
            or not 8 <= self.depth <= 16
            or not self.fps > 0
        ):
            raise ParameterError(
                f"no video has chroma {self.chroma}, matrix {self.matrix}, {self.depth} bits and {self.fps} frames per second"
            )
        if not self.frames:
            raise ParameterError("a video without frames: there is nothing to encode or compare")
        wanted = self.frames[0][0].shape
        for number, planes in enumerate(self.frames):
            if planes[0].shape != wanted:
                raise ParameterError(f"frame {number} is {planes[0].shape}, not {wanted} as the first one")
            _check_planes(planes, self.chroma, self.depth, f"frame {number}")

    plane_shapes = staticmethod(plane_shapes)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the planes: uint8, or uint16 above 8 bits."""
        return np.dtype(np.uint8 if self.depth == 8 else np.uint16)

    @property
    def height(self) -> int:
        """Rows of luma."""
        return self.frames[0][0].shape[0]

    @property
    def width(self) -> int:
        """Luma samples of a row."""
        return self.frames[0][0].shape[1]

    def luma(self) -> Iterator[Samples]:
        """Y of every frame as it is coded, one after the other: (H, W), uint8; deeper samples are spread over 0..65535."""
        for planes in self.frames:
            yield planes[0] if self.depth == 8 else self._spread(planes[0])

    def _spread(self, plane):
        top = (1 << self.depth) - 1
        return ((plane.astype(np.uint32) * 65535 + top // 2) // top).astype(np.uint16)  # at most 65535^2 + 2^15 < 2^32

    def pictures(self) -> Iterator[Samples]:
        """Every frame as it is shown, one after the other: (H, W, 3) RGB, or (H, W) gray; uint8, or uint16 over 0..65535 above 8 bits.

        Chroma samples are repeated. What lies outside of the colours that R, G and B can say is clipped.
        """
        for planes in self.frames:
            yield as_shown(planes, self.chroma, self.depth, self.matrix, self.full_range)
