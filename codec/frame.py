"""Video frames and clips as planes of samples, and their conversion to and from RGB."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from .color import MATRICES, OTHER_MATRICES, default_matrix, from_rgb, levels, minus_luma
from .errors import ParameterError
from .pixels import as_array, as_png

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import numpy.typing as npt

    from ._types import Buffer, Chroma, Samples

# Samples of luma per sample of chroma, down and across.
CHROMA_STEPS = {"4:0:0": None, "4:2:0": (2, 2), "4:2:2": (1, 2), "4:4:4": (1, 1)}


def plane_shapes(height: int, width: int, chroma: str) -> list[tuple[int, int]]:
    """[(rows, columns)] of each plane."""
    steps = CHROMA_STEPS[chroma]
    return [(height, width)] + ([(-(-height // steps[0]), -(-width // steps[1]))] * 2 if steps else [])


# ---------------------------------------------------------------- samples and colours


def _stretched(plane, shape, chroma):
    """A chroma plane at the size of luma, by repeating samples."""
    down, across = CHROMA_STEPS[chroma]
    return np.repeat(np.repeat(plane, down, 0), across, 1)[: shape[0], : shape[1]]


def _rounded(plane, top, dtype):
    return np.rint(plane).clip(0, top).astype(dtype)


def as_shown(planes: tuple[Samples, ...], chroma: str, depth: int, matrix: str, full_range: bool) -> Samples:
    """Convert planes to (H, W, 3) RGB or (H, W) gray; uint8, or uint16 over 0..65535 above 8 bits.

    Computed in float32 with single IEEE 754 operations, the same on every machine; 24 bits hold 16 with eight to spare.
    Chroma samples are repeated. Colours outside the RGB gamut are clipped.
    """
    top, dtype = (255, np.uint8) if depth == 8 else (65535, np.uint16)
    black, luma_span, chroma_span = levels(depth, full_range)
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
    offsets = (_stretched(plane, y.shape, chroma) for plane in minus_luma(cb, cr, matrix))
    return np.stack([_rounded(y + offset, top, dtype) for offset in offsets], axis=2)


def from_shown(pixels, chroma, matrix, full_range):
    """Convert (H, W, 3) RGB or (H, W) gray uint8 to 8-bit planes: the inverse of `as_shown`. A chroma sample is the
    mean of its pixels.
    """
    black, luma_span, chroma_span = levels(8, full_range)
    p = pixels.astype(np.float32) / np.float32(255)
    luma_of = lambda plane: _rounded(plane * np.float32(luma_span) + np.float32(black), 255, np.uint8)
    if pixels.ndim == 2:
        flat = [np.full(shape, 128, np.uint8) for shape in plane_shapes(*pixels.shape, chroma)[1:]]
        return (luma_of(p), *flat)
    y, *both = from_rgb(p[..., 0], p[..., 1], p[..., 2], matrix)
    if CHROMA_STEPS[chroma] is None:
        return (luma_of(y),)
    return luma_of(y), *(
        _rounded(_mean(plane, *CHROMA_STEPS[chroma]) * np.float32(chroma_span) + np.float32(128), 255, np.uint8)
        for plane in both
    )


def _mean(plane, down, across):
    """Means of blocks of down x across samples; the last row and column are repeated to fill partial blocks."""
    plane = np.pad(plane, ((0, -plane.shape[0] % down), (0, -plane.shape[1] % across)), "edge")
    return sum(plane[i::down, j::across] for i in range(down) for j in range(across)) / np.float32(down * across)


def spread(plane, depth):
    """The samples of a plane as they are with 8 bits, else scaled to 0..65535."""
    if depth == 8:
        return plane
    top = (1 << depth) - 1
    return ((plane.astype(np.uint32) * 65535 + top // 2) // top).astype(np.uint16)  # at most 65535^2 + 2^15 < 2^32


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
        The errors, with the index of the NAL unit and the offset in bytes.
    offsets : tuple of int
        Position of each error, in bytes from the start of the stream.
    """

    macroblocks: npt.NDArray[np.bool_]
    errors: tuple[str, ...] = ()
    offsets: tuple[int, ...] = ()

    def __repr__(self) -> str:
        lost = int(np.sum(self.macroblocks))
        return f"Damage({lost} of {np.size(self.macroblocks)} macroblocks, {len(self.errors)} errors)"

    @property
    def fraction(self) -> float:
        """Fraction of the picture that is lost, 0 to 1."""
        return float(self.macroblocks.mean()) if self.macroblocks.size else 0.0


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a video, cropped for display.

    Attributes
    ----------
    planes : tuple of arrays
        (Y, Cb, Cr), or (Y,) for 4:0:0; each (rows, columns), uint8, or uint16 where `bit_depth` is above 8.
    chroma : str
        "4:0:0", "4:2:0", "4:2:2" or "4:4:4".
    bit_depth : int
        Bits per sample, 8 to 16.
    matrix : str
        How the planes derive from R, G and B: "BT.601", "BT.709", "BT.2020", "FCC", "SMPTE 240M", "GBR" or "YCgCo".
    full_range : bool
        Whether black is 0 and white the largest sample, instead of 16 and 235 (times 2^(bit_depth - 8)).
    poc : int
        Picture order count, which restarts at each IDR picture.
    type : str
        "I", "P" or "B": the most general slice type in it. "" if unknown.
    key : bool
        Whether decoding can start here: an IDR picture.
    timestamp : fractions.Fraction, int or None
        In seconds from a container; otherwise whatever was passed with the data.
    damage : Damage or None
        None if everything was decoded, and the frames that this one is predicted from are not damaged.
    side_data : dict or None
        Arrays by name, if requested.
    user_data : tuple of (int, bytes)
        User data SEI messages: (payloadType, payload).
    rotation : int
        Degrees counterclockwise to turn the picture for display, as the container says: 0, 90, 180 or 270. Planes and
        `to_rgb` are not turned.

    Raises
    ------
    ParameterError
        If the planes are inconsistent with each other or with the fields.
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
    rotation: int = 0

    def __post_init__(self) -> None:
        if (
            self.chroma not in CHROMA_STEPS
            or self.matrix not in (*MATRICES, *OTHER_MATRICES)
            or not 8 <= self.bit_depth <= 16
        ):
            raise ParameterError(f"no frame has chroma {self.chroma}, matrix {self.matrix} and {self.bit_depth} bits")
        _check_planes(self.planes, self.chroma, self.bit_depth, "the frame")

    def __repr__(self) -> str:
        facts = [f"{self.width}x{self.height}", self.chroma, f"{self.bit_depth} bits", self.matrix]
        facts += ["full range"] * self.full_range + [f"type {self.type}"] * bool(self.type) + ["key"] * self.key
        facts += [f"poc={self.poc}"] + [f"timestamp={self.timestamp}"] * (self.timestamp is not None)
        return f"Frame({', '.join(facts + [repr(self.damage)] * (self.damage is not None))})"

    def _repr_png_(self) -> bytes:  # shown by notebooks
        shown = self.to_rgb()
        return as_png(shown if shown.dtype == np.uint8 else (shown >> 8).astype(np.uint8))

    @property
    def width(self) -> int:
        """Luma samples per row."""
        return self.planes[0].shape[1]

    @property
    def height(self) -> int:
        """Rows of luma."""
        return self.planes[0].shape[0]

    @classmethod
    def from_yuv420(cls, data: Buffer, width: int, height: int, **fields: Any) -> Frame:
        """An 8-bit 4:2:0 frame from consecutive planes.

        Parameters
        ----------
        data : bytes-like
            Y, Cb, Cr: width * height + 2 * ceil(width / 2) * ceil(height / 2) bytes.
        width, height : int
        **fields
            Other fields of `Frame`.

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
        """An 8-bit frame from an (H, W, 3) RGB or (H, W) gray uint8 array.

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
        pixels = as_array(pixels, "pixels")
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
    """A Frame from all of its fields without checks, for decoders whose output is known to be consistent."""
    frame = object.__new__(Frame)
    vars(frame).update(fields)
    return frame


def _check_planes(planes, chroma, depth, name):
    """Raise ParameterError if shapes or types are inconsistent."""
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
        In display order; each a tuple of planes, (Y,) or (Y, Cb, Cr): (H, W) arrays, uint8, or uint16 if `depth` is
        above 8. Chroma planes have ceil(H / steps) x ceil(W / steps) samples.
    chroma : str
        "4:0:0", "4:2:0", "4:2:2" or "4:4:4".
    fps : fractions.Fraction
        Frames per second; the mean if their durations differ.
    depth : int
        Bits per sample, 8 to 16.
    matrix : str
        "BT.601", "BT.709", "BT.2020", ...: how Y, Cb and Cr derive from R, G and B.
    full_range : bool
        Whether black is 0 and white the largest sample, instead of 16 and 235 (times 2^(depth - 8)).
    warnings : tuple of str
        What was lost or guessed in reading it.
    seconds : tuple of fractions.Fraction
        Duration of each frame if they differ, else empty.
    rotation : int
        Degrees counterclockwise to turn the frames for display: 0, 90, 180 or 270. Planes and `pictures` are not
        turned.

    Raises
    ------
    ParameterError
        If there are no frames, or they are inconsistent with each other or with the fields.
    """

    frames: tuple[tuple[Samples, ...], ...]
    chroma: str
    fps: Fraction
    depth: int = 8
    matrix: str = "BT.601"
    full_range: bool = False
    warnings: tuple[str, ...] = ()
    seconds: tuple[Fraction, ...] = ()
    rotation: int = 0

    def __post_init__(self) -> None:
        if (
            self.chroma not in CHROMA_STEPS
            or self.matrix not in MATRICES
            or not 8 <= self.depth <= 16
            or not self.fps > 0
        ):
            raise ParameterError(
                f"no video has chroma {self.chroma}, matrix {self.matrix}, {self.depth} bits and {self.fps} "
                "frames per second"
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
        """Yield the coded luma of every frame: (H, W) uint8, or uint16 with samples scaled to 0..65535."""
        for planes in self.frames:
            yield spread(planes[0], self.depth)

    def pictures(self) -> Iterator[Samples]:
        """Yield every frame as (H, W, 3) RGB or (H, W) gray; uint8, or uint16 over 0..65535 above 8 bits.

        Chroma samples are repeated. Colours outside the RGB gamut are clipped.
        """
        for planes in self.frames:
            yield as_shown(planes, self.chroma, self.depth, self.matrix, self.full_range)
