"""Frames from what callers pass: arrays, `Frame`s, generators of them, or a clip."""

from __future__ import annotations

import os
from collections.abc import Iterable

import numpy as np

from ...color import default_matrix
from ...errors import ParameterError, UnsupportedError
from ...frame import Frame, unchecked_frame
from ...pixels import as_array
from ...sources.light import colour_of, light_of
from ...sources.planar import pyav_frame
from ...sources.reduced import reduced
from ...sources.streaming import Clip, stream
from .parameters import H264_CHROMA, rate_of

CLIP_TYPES = (str, os.PathLike, bytes, bytearray, memoryview)


class Intake:
    """Makes `Frame`s of what is passed, and sees that all have the format of the first.

    Parameters
    ----------
    lossless : bool, default False
        RGB is kept as it is, and 4:4:4 is taken.
    """

    def __init__(self, lossless=False):
        self._count, self._first, self._lossless = 0, None, lossless  # first: the format of frame 0

    def __call__(self, frame):
        """The frame as a `Frame` that nobody else changes: of arrays that may be written, a copy. Others are read where
        they are, and must not change until their picture is delivered."""
        number, frame = self._count, _as_frame(frame, self._count, self._lossless)
        found = _format_of(frame)
        if found != self._first:
            _check(frame, number, self._lossless)
            if self._first:
                raise ParameterError(
                    f"frame {number} is {_described(found)}, and frame 0 {_described(self._first)}: all frames of a "
                    "video have one format"
                )
            self._first = found
        self._count += 1
        if any(plane.flags.writeable for plane in frame.planes):  # a camera fills one buffer again and again
            frame = unchecked_frame(**{**vars(frame), "planes": tuple(plane.copy() for plane in frame.planes)})
        return frame


def clip_of(source, fps, lossless=False) -> Clip:
    """The frames of a source and its times.

    Parameters
    ----------
    source : see `encode_video`
    fps : fractions.Fraction or None
        None: that of a clip.
    lossless : bool, default False
        A clip is read without conversions; otherwise it is `reduced`.
    """
    if isinstance(source, Clip):
        return source
    if callable(source):  # opens the Clip of the command, once for each pass
        return source()
    if isinstance(source, CLIP_TYPES) or callable(getattr(source, "read", None)):
        clip = stream(source, fps=fps, exact=lossless)
        return clip if lossless else reduced(clip)
    if isinstance(source, np.ndarray) and source.ndim not in (3, 4):
        raise ParameterError(f"an array of frames is (N, H, W, 3) or (N, H, W), not {source.shape}")
    if isinstance(source, np.ndarray) and source.ndim == 3 and source.shape[2] == 3:
        raise ParameterError(
            f"an array of shape {source.shape} is one RGB frame, or gray frames 3 samples wide: pass [array] for one "
            "frame, list(array) for gray frames"
        )
    if not isinstance(source, Iterable):
        raise ParameterError(
            "frames are arrays, Frames, frames that PyAV decodes, a path, bytes or a binary file, not "
            f"{type(source).__name__}"
        )
    return Clip(iter(source), rate_of(fps))


def told(frame, display):
    """(`Display`, warnings): with what the first frame of a video says of its colours and light, if it is PyAV's."""
    if not _of_pyav(frame):
        return display, []
    light, warnings = light_of(frame)
    return display._replace(colour=colour_of(frame), light=light), warnings


def _of_pyav(frame):
    return type(frame).__module__.startswith("av.")


def _as_frame(frame, number, lossless):
    """Frames as they are, also PyAV's; (H, W, 3) RGB as 4:2:0, or as its own planes, (H, W) gray as 4:0:0, in full
    range then."""
    if _of_pyav(frame):
        frame = pyav_frame(frame)
    if isinstance(frame, Frame):
        return frame
    pixels = as_array(frame, f"frame {number}")
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)) or not pixels.size:
        raise ParameterError(
            f"frame {number} has shape {pixels.shape} and type {pixels.dtype}; a frame is (H, W, 3) RGB or (H, W) "
            "gray, uint8, or a Frame"
        )
    if lossless and pixels.ndim == 3:
        return Frame(tuple(np.ascontiguousarray(pixels[..., i]) for i in (1, 2, 0)), "4:4:4", 8, "GBR", True)
    if lossless:
        return Frame((np.array(pixels),), "4:0:0", 8, default_matrix(pixels.shape[0]), True)
    return Frame.from_rgb(
        pixels, chroma="4:0:0" if pixels.ndim == 2 else "4:2:0", matrix=default_matrix(pixels.shape[0])
    )


def _check(frame, number, lossless):
    if frame.matrix == "GBR" and frame.chroma == "4:2:0":
        raise UnsupportedError(f"frame {number} is GBR in 4:2:0, and H.264 has GBR in 4:4:4 alone (E.2.1)")
    if lossless and (frame.bit_depth != 8 or frame.chroma not in H264_CHROMA):
        raise UnsupportedError(
            f"frame {number} has {frame.chroma} and {frame.bit_depth} bits; without loss the encoder takes "
            "4:4:4, 4:2:0 and 4:0:0 with 8 bits"
        )
    if frame.bit_depth != 8 or frame.chroma not in H264_CHROMA or (frame.chroma == "4:4:4" and not lossless):
        raise UnsupportedError(
            f"frame {number} has {frame.chroma} and {frame.bit_depth} bits; the encoder takes 4:2:0 and 4:0:0 with 8 "
            "bits, and 4:4:4 only without loss: convert it first (to_rgb, scaled to uint8, then Frame.from_rgb)"
        )


def _format_of(frame):
    """What all frames of a video have in common."""
    shape = frame.planes[0].shape
    return shape, frame.chroma, frame.bit_depth, frame.matrix, frame.full_range, frame.rotation


def _described(found):
    """A format in words."""
    (height, width), chroma, _, matrix, full_range, rotation = found
    turned = f" turned by {rotation} degrees" if rotation else ""
    return f"{width}x{height} {chroma} {matrix}{' full range' if full_range else ''}{turned}"
