"""Lossless JPEG: the predictive process of T.81 Annex H, with Huffman coding (SOF3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .._core import optimal_huffman
from ..errors import ParameterError
from ..pixels import as_array, plain
from . import markers
from ._lossless_write import count_differences, encode_lossless_scan
from .metadata import Metadata
from .params import _integer
from .pipeline import application_segments

if TYPE_CHECKING:
    from typing import Literal

    import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class LosslessImage:
    """A written lossless JPEG and the choices made.

    Attributes
    ----------
    data : bytes
        The file.
    width, height : int
    bits : int
        Precision, 2 to 16.
    predictor : int
        1 to 7, of T.81 Table H.1.
    """

    data: bytes = field(repr=False)
    width: int
    height: int
    bits: int
    predictor: int

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)

    @property
    def bpp(self) -> float:
        """Bits per pixel, everything counted."""
        return 8 * len(self.data) / (self.width * self.height)


def _samples(image, bits):
    """(H, W, 1 or 3) uint16, and the precision."""
    array = as_array(plain(image, alpha=False), "image")
    if array.dtype not in (np.uint8, np.uint16):
        raise ParameterError(
            f"image must be uint8 or uint16, not {array.dtype}: lossless JPEG holds integers of 2 to 16 bits"
        )
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3):
        raise ParameterError(f"image must have the shape (H, W), (H, W, 1) or (H, W, 3), not {np.shape(image)}")
    height, width = array.shape[:2]
    if not (1 <= height <= 65535 and 1 <= width <= 65535):
        raise ParameterError(f"image is {width}x{height}; a JPEG has 1..65535 samples on a side (T.81 B.2.2)")
    bits = _integer(8 * array.dtype.itemsize if bits is None else bits, 2, 16, "bits")
    if array.max() >> bits:
        raise ParameterError(f"image holds {array.max()}, more than bits={bits} can hold: {(1 << bits) - 1}")
    return np.ascontiguousarray(array, np.uint16), bits


def _tables(counts):
    """Optimal tables for the categories of each channel, and the bits of tables and differences."""
    tables, size = [], 0
    for channel in counts:
        BITS, HUFFVAL = optimal_huffman(np.concatenate((channel, np.zeros(239, np.uint32))))
        lengths = dict(zip(HUFFVAL, np.repeat(np.arange(1, 17), BITS).tolist()))
        size += sum(int(count) * (lengths[category] + category % 16) for category, count in enumerate(channel) if count)
        tables.append((BITS, HUFFVAL))
    return tables, size


def encode_lossless(
    image: npt.ArrayLike,
    *,
    predictor: Literal["auto"] | int = "auto",
    bits: int | None = None,
    point_transform: int = 0,
    restart_rows: int = 0,
    metadata: Metadata | None = None,
) -> LosslessImage:
    """Write a JPEG that restores every sample exactly.

    Parameters
    ----------
    image : (H, W), (H, W, 1) or (H, W, 3) uint8 or uint16
        Gray or RGB, coded without a colour transform. Any strides. A Pillow image of another mode is converted where
        its colours stay, or refused with the conversion to use; I;16 has 16 bits.
    predictor : "auto" (default) or 1..7
        How a sample is predicted from its left, upper and upper left neighbours (T.81 Table H.1). "auto": the one that
        takes the fewest bits.
    bits : 2..16, optional
        Precision; default 8 for uint8, 16 for uint16.
    point_transform : 0 (default) to bits - 1
        Low bits of each sample to drop; the file is lossless only with 0 (T.81 A.4).
    restart_rows : 0 (default: none)
        Lines between restart markers; damage then stays within them. Width x restart_rows is at most 65535 (T.81
        B.2.4.4, H.1.1).
    metadata : Metadata, optional

    Returns
    -------
    LosslessImage

    Raises
    ------
    ParameterError
        Wrong shape, dtype or range, or a sample that `bits` cannot hold.

    Notes
    -----
    T.81 Annex H, process 14 (SOF3): one interleaved scan, an optimal Huffman table for each component. Browsers do not
    show such files; libjpeg-turbo 3, DICOM and raw converters read them.

    Examples
    --------
    >>> import numpy as np, codec
    >>> image = np.arange(12 * 16, dtype=np.uint16).reshape(12, 16) * 21
    >>> result = codec.jpeg.encode_lossless(image, bits=12)
    >>> np.array_equal(codec.decode(result.data), image), result.predictor
    (True, 4)
    """
    samples, bits = _samples(image, bits)
    height, width, channels = samples.shape
    point_transform = _integer(point_transform, 0, bits - 1, "point_transform")
    restart_rows = _integer(restart_rows, 0, 65535 // width, "restart_rows")
    if predictor != "auto":
        predictor = _integer(predictor, 1, 7, "predictor ('auto' or 1..7)")
    if not isinstance(metadata, (Metadata, type(None))):
        raise ParameterError(f"metadata must be a codec.jpeg.Metadata, not {type(metadata).__name__}")
    samples = samples >> point_transform
    settings = dict(bits=bits - point_transform, restart_rows=restart_rows)
    candidates = [
        (*_tables(count_differences(samples, Ss, **settings)), Ss)
        for Ss in (range(1, 8) if predictor == "auto" else (predictor,))
    ]
    tables, _, Ss = min(candidates, key=lambda candidate: candidate[1])
    ids = b"RGB" if channels == 3 else b"\1"
    frame = markers.Frame(markers.SOF3, bits, height, width, tuple(markers.FrameComponent(C, 1, 1, 0) for C in ids))
    scan = markers.Scan(tuple(markers.ScanComponent(C, c, 0) for c, C in enumerate(ids)), Ss, 0, 0, point_transform)
    data = b"".join(
        (
            markers.write_marker(markers.SOI),
            *(
                markers.write_segment(code, payload)
                for _, code, payload in application_segments(metadata, "rgb" if channels == 3 else "gray")
            ),
            markers.write_frame(frame),
            *([markers.write_restart_interval(width * restart_rows)] if restart_rows else []),
            markers.write_huffman_tables([(0, c, *table) for c, table in enumerate(tables)]),
            markers.write_scan(scan),
            encode_lossless_scan(samples, Ss, tables, **settings),
            markers.write_marker(markers.EOI),
        )
    )
    return LosslessImage(data, width, height, bits, Ss)
