"""The quantized levels of a JPEG as arrays, read and written without a transform."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Optional, Tuple

import numpy as np

from .._core import ZIGZAG
from ..errors import BitstreamError, ParameterError, UnsupportedError
from ..sources.files import read_bytes
from . import markers
from .assemble import assemble
from .decoder import Damage, Decoder, checked_reading
from .info import subsampling_name
from .metadata import APP2, MPF, SEGMENT_MAX
from .multipicture import index_distance, moved_index
from .scans import ScanSpec, arithmetic_script, search_script, sequential_script

if TYPE_CHECKING:
    import numpy.typing as npt

    from .._types import OnError, Source
    from ..limits import Limits

SEARCH_EFFORT = 9  # of the progressive script
# DC of 12-bit samples with steps of 1; differences then have at most 15 bits (T.81 Table F.1)
LOWEST = -16384
HIGHEST = 16383
MCU_BLOCKS = 10  # of an interleaved scan, B.2.3


def _check_range(levels, i):
    if not LOWEST <= levels.min() <= levels.max() <= HIGHEST:
        raise ParameterError(
            f"levels[{i}] reach {levels.min()}..{levels.max()}; {LOWEST}..{HIGHEST} can be coded (T.81 Table F.1)"
        )


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Everything in a JPEG before the inverse transform.

    Attributes
    ----------
    width, height : int
        Samples per line, lines.
    levels : tuple of int16 arrays (blocks_high, blocks_wide, 8, 8)
        Quantized DCT coefficients of each component, natural order: `levels[0][y, x, v, u]` has vertical frequency v
        and horizontal frequency u. Only blocks that hold samples: ceil(height V / (8 Vmax)) by ceil(width H / (8
        Hmax)). -16384..16383.
    matrices : tuple of uint16 arrays (8, 8)
        Quantization steps of each component, natural order; level times step is the coefficient.
    sampling : tuple of (H, V)
        Sampling factors of each component (T.81 A.1.1).
    ids : tuple of int
        Identifiers of the components; 1, 2, 3 ... where those of the file repeat.
    color : str
        "gray", "ycbcr", "rgb", "cmyk" or "ycck": the meaning of the components by `segments` and `ids`.
    precision : int
        8 or 12 bits per sample.
    process : str
        Process of the file that was read.
    segments : tuple of (marker code, bytes)
        Application and comment segments in file order, JFIF and Adobe's among them.
    trailer : bytes
        The bytes after EOI: gain maps, further pictures, films.
    index_distance : int or None
        Bytes from the multi-picture index (MPF) to the trailer; writing the file moves its entries accordingly.
    warnings, doubts, damage
        As in `DecodedImage`.

    Notes
    -----
    Frozen; `dataclasses.replace(coefficients, levels=...)` makes a changed copy and checks it again.
    """

    width: int
    height: int
    levels: Tuple[npt.NDArray[np.int16], ...] = field(repr=False)
    matrices: Tuple[npt.NDArray[np.uint16], ...] = field(repr=False)
    sampling: Tuple[Tuple[int, int], ...]
    ids: Tuple[int, ...]
    color: str
    precision: int = 8
    process: str = "baseline"
    segments: Tuple[Tuple[int, bytes], ...] = field(default=(), repr=False)
    trailer: bytes = field(default=b"", repr=False)
    index_distance: Optional[int] = field(default=None, repr=False)
    warnings: Tuple[str, ...] = ()
    doubts: Tuple[str, ...] = ()
    damage: Optional[Damage] = None

    def __post_init__(self) -> None:
        n = len(self.levels)
        if n not in (1, 3, 4) or not n == len(self.matrices) == len(self.sampling) == len(self.ids):
            raise ParameterError(
                f"1, 3 or 4 components need as many levels, matrices, sampling factors and ids, not {n}, "
                f"{len(self.matrices)}, {len(self.sampling)}, {len(self.ids)}"
            )
        if self.precision not in (8, 12) or not (1 <= self.width <= 65535 and 1 <= self.height <= 65535):
            raise ParameterError(
                f"{self.width}x{self.height} with {self.precision} bits: 1..65535 on a side and 8 or 12 bits are "
                "possible (T.81 B.2.2)"
            )
        if (
            not all(1 <= H <= 4 and 1 <= V <= 4 for H, V in self.sampling)
            or len({i for i in self.ids if 0 <= i <= 255}) != n
        ):
            raise ParameterError(
                f"sampling factors {self.sampling} and ids {self.ids}: 1..4, and different ones of 0..255 (T.81 B.2.2)"
            )
        for i, (levels, matrix) in enumerate(zip(self.levels, self.matrices)):
            shape = (*self.frame.blocks(self.frame.components[i]), 8, 8)
            if getattr(levels, "dtype", None) != np.int16 or levels.shape != shape:
                raise ParameterError(
                    f"levels[{i}] must be int16 of shape {shape}, not "
                    f"{getattr(levels, 'dtype', type(levels).__name__)} {np.shape(levels)}"
                )
            _check_range(levels, i)
            if getattr(matrix, "dtype", None) != np.uint16 or matrix.shape != (8, 8) or not matrix.all():
                raise ParameterError(f"matrices[{i}] must be uint16 of shape (8, 8) without zeros (T.81 B.2.4.1)")
        for code, payload in self.segments:
            if not (0xE0 <= code <= 0xEF or code == 0xFE) or len(payload) > SEGMENT_MAX:
                raise ParameterError(
                    f"a segment of marker {code:#x} and {len(payload)} bytes; application segments and comments of up "
                    f"to {SEGMENT_MAX} are kept"
                )

    @property
    def subsampling(self) -> str:
        """ "4:2:0" ..., as in `ImageInfo`."""
        return subsampling_name(self.frame.components)

    @property
    def frame(self) -> markers.Frame:
        """The frame header for a sequential file; equal matrices share a destination Tq."""
        tables = []
        for matrix in self.matrices:
            if not any(np.array_equal(matrix, other) for other in tables):
                tables.append(matrix)
        Tq = [next(j for j, other in enumerate(tables) if np.array_equal(matrix, other)) for matrix in self.matrices]
        SOFn = markers.SOF0 if self.precision == 8 and max(int(m.max()) for m in tables) < 256 else markers.SOF1
        chroma = (1, 2) if self.color in ("ycbcr", "ycck") else ()
        return markers.Frame(
            SOFn,
            self.precision,
            self.height,
            self.width,
            tuple(markers.FrameComponent(C, H, V, T) for C, (H, V), T in zip(self.ids, self.sampling, Tq)),
            tuple(int(i in chroma) for i in range(len(Tq))),
        )

    def same_levels(self, other: Coefficients) -> bool:
        """Whether `other` has the same levels, matrices, sampling and size: every decoder shows the same pixels."""
        same = all(
            getattr(self, name) == getattr(other, name)
            for name in ("width", "height", "precision", "sampling", "ids", "color")
        )
        return same and all(
            np.array_equal(a, b)
            for name in ("levels", "matrices")
            for a, b in zip(getattr(self, name), getattr(other, name))
        )


class _Reader(Decoder):
    """The decoder, stopped before the inverse transform."""

    keeps_levels = True

    def check_frame(self, end):
        frame = self.headers.frame
        if frame.SOFn & 3 == 3:
            raise UnsupportedError(
                "a lossless JPEG (T.81 Annex H) holds samples and no coefficients; decode it instead"
            )
        super().check_frame(end)

    def matrix(self, i):
        component = self.headers.frame.components[i]
        steps = self.steps.get(i)
        if steps is None:  # no scan held the component: a doubt, and nothing to copy
            if not self.conceal:
                raise BitstreamError(
                    f"no scan holds component {component.C}; on_error='conceal' makes it mid-gray",
                    layer="image",
                    clause="T.81 B.2.1",
                )
            steps = self.headers.quant_tables.get(component.Tq, np.ones(64, np.uint16))
        return steps.reshape(8, 8)

    def finish(self):
        frame, headers = self.headers.frame, self.headers
        for plane in self.planes:
            if not LOWEST <= plane.min() <= plane.max() <= HIGHEST:
                if not self.conceal:
                    raise BitstreamError(
                        f"levels of {plane.min()}..{plane.max()}; {LOWEST}..{HIGHEST} are possible",
                        layer="entropy-coded data",
                        clause="T.81 Table F.1",
                    )
                np.clip(plane, LOWEST, HIGHEST, out=plane)
        ids = tuple(c.C for c in frame.components)
        return Coefficients(
            frame.X,
            frame.Y,
            tuple(plane.reshape(*plane.shape[:2], 8, 8) for plane in self.planes),
            tuple(self.matrix(i) for i in range(len(self.planes))),
            tuple((c.H, c.V) for c in frame.components),
            ids if len(set(ids)) == len(ids) else tuple(range(1, len(ids) + 1)),
            headers.color(),
            frame.P,
            markers.PROCESS[frame.SOFn],
            tuple(headers.application),
            bytes(self.data[self.end :]),
            index_distance(self.data, self.end, self.limits),
            tuple(self.warnings),
            tuple(self.doubts),
            self.damage(),
        )


def read_coefficients(source: Source, *, limits: Limits | None = None, on_error: OnError = "raise") -> Coefficients:
    """Read the quantized levels of a JPEG and everything needed to write it again.

    Parameters
    ----------
    source : path, bytes, bytearray, memoryview or binary file object
    limits : Limits, optional
    on_error : "raise" (default) or "conceal"
        As of `decode`.

    Returns
    -------
    Coefficients

    Raises
    ------
    BitstreamError, TruncatedError, LimitError
        As `decode`; also if a component has no scan, or levels are beyond those of T.81.
    UnsupportedError
        Processes that `decode` does not read, and lossless ones.

    Examples
    --------
    >>> import numpy as np, codec
    >>> levels = codec.jpeg.read_coefficients(codec.encode(np.full((16, 24), 200, np.uint8), quality=50))
    >>> levels.levels[0].shape, int(levels.levels[0][0, 0, 0, 0]) * int(levels.matrices[0][0, 0]) // 8 + 128
    ((2, 3, 8, 8), 200)
    """
    limits = checked_reading(on_error, limits)
    return _Reader(read_bytes(source, limits), on_error == "conceal", limits).run()


def _script(coefficients, frame, planes):
    """The scans; those with more than ten blocks in an MCU (B.2.3) are split."""
    n = len(planes)
    if frame.progressive:
        script = (
            arithmetic_script(n, coefficients.color)
            if frame.arithmetic
            else search_script(planes, coefficients.color, SEARCH_EFFORT, frame)
        )
    else:
        script = sequential_script(n)
    if n == 1 or sum(H * V for H, V in coefficients.sampling) <= MCU_BLOCKS:
        return script
    return tuple(ScanSpec((i,), spec.Ss, spec.Se, spec.Ah, spec.Al) for spec in script for i in spec.components)


def _with_moved_index(coefficients, picture):
    """The picture with the offsets of its multi-picture index set for the trailer's new place; its size stays."""
    at = 2
    for code, payload in coefficients.segments:
        if code == APP2 and payload.startswith(MPF) and coefficients.index_distance is not None:
            payload_at = at + 4
            moved = moved_index(
                payload,
                coefficients.index_distance,
                len(picture) - payload_at - len(MPF),
                len(picture),
            )
            return picture[:payload_at] + moved + picture[payload_at + len(payload) :]
        at += 4 + len(payload)
    return picture


def write_coefficients(
    coefficients: Coefficients,
    *,
    progressive: bool = True,
    arithmetic: bool = False,
    optimize: bool = True,
    restart_interval: int = 0,
) -> bytes:
    """Write a JPEG from quantized levels.

    Parameters
    ----------
    coefficients : Coefficients
    progressive : bool, default True
        Progressive scans, or sequential ones: baseline where it can be, else extended (12 bits, steps above 255).
    arithmetic : bool, default False
        Arithmetic coding (T.81 Annex D) instead of Huffman tables: smaller, and read by fewer programs.
    optimize : bool, default True
        Make Huffman tables for the picture; False: those of T.81 Annex K, for sequential scans of 8 bits.
    restart_interval : 0 (default: none) to 65535

    Returns
    -------
    bytes
        Segments and trailer as given; the offsets of a multi-picture index (MPF) are moved with the trailer.

    Raises
    ------
    ParameterError
        An option is wrong, or Annex K has no code for a level.
    BitstreamError
        The multi-picture index is damaged, so that it cannot be moved.

    Examples
    --------
    >>> import numpy as np, codec
    >>> data = codec.encode(np.arange(4096, dtype=np.uint16).reshape(64, 64).astype(np.uint8), progressive=False)
    >>> again = codec.jpeg.write_coefficients(codec.jpeg.read_coefficients(data), progressive=True)
    >>> np.array_equal(codec.decode(again), codec.decode(data))
    True
    """
    if progressive and not optimize and not arithmetic:
        raise ParameterError(
            "progressive scans have no fixed Huffman tables: leave optimize=True, or pass progressive=False"
        )
    if (
        isinstance(restart_interval, bool)
        or not isinstance(restart_interval, int)
        or not 0 <= restart_interval <= 65535
    ):
        raise ParameterError(f"restart_interval must be an integer in 0..65535, not {restart_interval!r}")
    frame = coefficients.frame
    steps = {c.Tq: matrix.reshape(64) for c, matrix in zip(frame.components, coefficients.matrices)}
    if progressive or arithmetic:
        frame = replace(frame, SOFn=(markers.SOF10 if progressive else markers.SOF9) if arithmetic else markers.SOF2)
    planes = [np.take(levels.reshape(*levels.shape[:2], 64), ZIGZAG, axis=2) for levels in coefficients.levels]
    for i, plane in enumerate(planes):  # copies: the caller's arrays may have changed since they were checked
        _check_range(plane, i)
    picture = assemble(
        frame,
        planes,
        steps,
        _script(coefficients, frame, planes),
        optimize=optimize,
        restart_interval=restart_interval,
        segments=[("metadata", code, payload) for code, payload in coefficients.segments],
    )
    return _with_moved_index(coefficients, picture.data) + coefficients.trailer
