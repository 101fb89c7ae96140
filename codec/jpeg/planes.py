"""The component planes of a picture, as they are coded: no colour conversion, no upsampling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import UnsupportedError
from ..frame import CHROMA_STEPS, Frame, plane_shapes
from ..sources.files import read_bytes
from ._reduced import samples_of
from .decoder import Decoder, checked_reading

if TYPE_CHECKING:
    from .._types import Source
    from ..limits import Limits


class _PlaneDecoder(Decoder):
    """A Decoder whose planes become samples; `keeps_levels` stops it before pixels."""

    keeps_levels = True

    def finish(self):
        frame, color = self.headers.frame, self.headers.color()
        planes = self.planes
        if not frame.lossless:
            planes = [samples_of(*each, 8, frame.P) for each in zip(*self.smoothed())]
        elif frame.P <= 8:
            planes = [plane.astype(np.uint8) for plane in planes]
        chroma = self.headers.info().subsampling
        if color not in ("gray", "ycbcr", "rgb") or chroma not in CHROMA_STEPS or frame.P not in range(8, 17):
            raise UnsupportedError(
                f"no Frame holds the planes of a picture in {color} {chroma} of {frame.P} bits; "
                "`decode` gives its pixels"
            )
        shapes = plane_shapes(frame.Y, frame.X, chroma)
        planes = [np.ascontiguousarray(plane[:rows, :columns]) for plane, (rows, columns) in zip(planes, shapes)]
        if color == "rgb":
            planes = [planes[1], planes[2], planes[0]]
        matrix = "GBR" if color == "rgb" else "BT.601"
        return Frame(tuple(planes), chroma, frame.P, matrix=matrix, full_range=True, type="I", key=True)


def decode_planes(source: Source, *, limits: Limits | None = None) -> Frame:
    """Read the planes of a JPEG: what `decode` converts to RGB.

    Parameters
    ----------
    source : path, bytes, bytearray, memoryview or binary file object
    limits : Limits, optional

    Returns
    -------
    Frame
        `planes` are (Y, Cb, Cr) of full range and matrix BT.601 (T.871), chroma at its coded size; (Y,) for gray;
        (G, B, R), matrix "GBR", where RGB is coded. uint8, or uint16 above 8 bits. `codec.encode_video` takes it.

    Raises
    ------
    BitstreamError, TruncatedError, LimitError
        As `decode`; damage is not concealed.
    UnsupportedError
        As `decode`; and chroma other than 4:0:0, 4:2:0, 4:2:2 and 4:4:4, four components, and fewer than 8 bits, which
        no Frame holds.

    Examples
    --------
    >>> import numpy as np, codec
    >>> frame = codec.decode_planes(codec.encode(np.full((16, 24, 3), 200, np.uint8)))
    >>> frame.chroma, [plane.shape for plane in frame.planes], int(frame.planes[0][0, 0])
    ('4:2:0', [(16, 24), (8, 12), (8, 12)], 200)
    """
    limits = checked_reading("raise", limits)
    decoder = _PlaneDecoder(read_bytes(source, limits), False, limits)
    return decoder.run()
