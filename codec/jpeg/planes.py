"""The component planes of a picture, as they are coded: no colour conversion, no upsampling."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParameterError, UnsupportedError
from ..executors import checked_threads, useful_threads
from ..frame import CHROMA_STEPS, Frame, plane_shapes
from ..sources.files import read_bytes
from ._stream_read import pixels_of_levels
from .decoder import Decoder, checked_reading
from .view import View, checked_view

if TYPE_CHECKING:
    from fractions import Fraction

    from .._types import Source
    from ..limits import Limits


class _PlaneDecoder(Decoder):
    """A Decoder whose planes become samples, each as a gray picture; `keeps_levels` stops it before pixels."""

    keeps_levels = True

    def check_frame(self, end):
        super().check_frame(end)
        frame, color, chroma = self.headers.frame, self.headers.color(), self.headers.info().subsampling
        if color not in ("gray", "ycbcr", "rgb") or chroma not in CHROMA_STEPS or frame.P not in range(8, 17):
            raise UnsupportedError(
                f"no Frame holds the planes of a picture in {color} {chroma} of {frame.P} bits; "
                "`decode` gives its pixels"
            )
        down, across = CHROMA_STEPS[chroma] or (1, 1)
        if self.view and self.view.region and (self.view.region[0] % across or self.view.region[1] % down):
            raise ParameterError(
                f"region {self.view.region} begins between samples of chrominance in {chroma}: x must be a multiple of "
                f"{across}, y of {down}"
            )

    def finish(self):
        frame, chroma = self.headers.frame, self.headers.info().subsampling
        view = self.view or View()
        x, y, width, height = view.region or (0, 0, *reversed(view.size(frame)))
        samples = self.lossless_samples if frame.lossless else self.samples_of_levels()
        planes = []
        for i, (rows, columns) in enumerate(plane_shapes(height, width, chroma)):
            down, across = CHROMA_STEPS[chroma] if i else (1, 1)
            planes.append(samples(i, view._replace(region=(x // across, y // down, columns, rows))))
        if self.headers.color() != "rgb":
            return Frame(tuple(planes), chroma, frame.P, matrix="BT.601", full_range=True, type="I", key=True)
        planes = [planes[1], planes[2], planes[0]]
        return Frame(tuple(planes), chroma, frame.P, matrix="GBR", full_range=True, type="I", key=True)

    def lossless_samples(self, i, view):
        plane = view.of_pixels(self.planes[i])
        return plane.astype(np.uint8) if self.headers.frame.P <= 8 else plane

    def samples_of_levels(self):
        """A function of a component's number and its view."""
        frame, (planes, steps) = self.headers.frame, self.smoothed()
        settings = dict(precision=frame.P, threads=useful_threads(self.threads, frame.X * frame.Y))

        def samples(i, view):
            c = frame.components[i]
            height, width = -(-frame.Y * c.V // frame.Vmax), -(-frame.X * c.H // frame.Hmax)
            alone = replace(frame, Y=height, X=width, components=(c._replace(H=1, V=1),))
            window, corner = view.window(alone, "gray")
            made = pixels_of_levels([planes[i]], [steps[i]], "gray", [(1, 1)], height, width, window=window, **settings)
            return view.of_window(made, corner)

        return samples


def decode_planes(
    source: Source,
    *,
    limits: Limits | None = None,
    threads: int = 1,
    scale: float | Fraction = 1,
    region: tuple[int, int, int, int] | None = None,
) -> Frame:
    """Read the planes of a JPEG: what `decode` converts to RGB.

    Parameters
    ----------
    source : path, bytes, bytearray, memoryview or binary file object
    limits : Limits, optional
    threads : int, default 1
        As of `decode`. Bits are read by one; the others transform.
    scale : 1/8, 2/8, ... 7/8 or 1 (default)
        Part of width and height of each plane, rounded up, as of `decode`.
    region : (x, y, width, height), default all
        The samples of luminance to give, of the picture at `scale`, and those of chrominance there. x and y are even
        where chrominance is subsampled.

    Returns
    -------
    Frame
        `planes` are (Y, Cb, Cr) of full range and matrix BT.601 (T.871), chroma at its coded size; (Y,) for gray;
        (G, B, R), matrix "GBR", where RGB is coded. uint8, or uint16 above 8 bits. `codec.encode_video` takes it.

    Raises
    ------
    BitstreamError, TruncatedError, LimitError
        As `decode`; damage is not concealed.
    ParameterError
        As `decode`; and a region that begins between samples of chrominance.
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
    checked_threads(threads)
    view = checked_view(scale, region, "auto")
    return _PlaneDecoder(read_bytes(source, limits), False, limits, threads, view).run()
