"""Frames from what callers pass: arrays, `Frame`s, generators of them, or a clip."""

from __future__ import annotations

import os
from collections.abc import Iterable

import numpy as np

from ...color import default_matrix
from ...errors import ParameterError, UnsupportedError
from ...frame import Frame
from ..pictures._picture import Picture

CLIP_TYPES = (str, os.PathLike, bytes, bytearray, memoryview)
H264_CHROMA = {"4:0:0": 0, "4:2:0": 1}


def frames_of(source):
    """Yield the source's frames as `Frame`s, of one format."""
    first = None
    for number, frame in enumerate(_items(source)):
        frame = _as_frame(frame, number)
        _check(frame, number)
        first = first or frame
        if _format(frame) != _format(first):
            raise ParameterError(
                f"frame {number} is {_described(frame)}, and frame 0 {_described(first)}: all frames of a video have "
                "one format"
            )
        yield frame


def _items(source):
    if isinstance(source, np.ndarray):
        if source.ndim not in (3, 4):
            raise ParameterError(f"an array of frames is (N, H, W, 3) or (N, H, W), not {source.shape}")
        return iter(source)
    if isinstance(source, CLIP_TYPES):
        from ...sources import clips

        clip = clips.load(source)
        return (Frame(planes, clip.chroma, clip.depth, clip.matrix, clip.full_range) for planes in clip.frames)
    if not isinstance(source, Iterable):
        raise ParameterError(f"frames are arrays, Frames or a path, not {type(source).__name__}")
    return iter(source)


def _as_frame(frame, number):
    """Frames as they are; (H, W, 3) RGB as 4:2:0, (H, W) gray as 4:0:0."""
    if isinstance(frame, Frame):
        return frame
    pixels = np.asarray(frame)
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)) or not pixels.size:
        raise ParameterError(
            f"frame {number} has shape {pixels.shape} and type {pixels.dtype}; a frame is (H, W, 3) RGB or (H, W) "
            "gray, uint8, or a Frame"
        )
    return Frame.from_rgb(
        pixels, chroma="4:0:0" if pixels.ndim == 2 else "4:2:0", matrix=default_matrix(pixels.shape[0])
    )


def _check(frame, number):
    if frame.bit_depth != 8 or frame.chroma not in H264_CHROMA:
        raise UnsupportedError(
            f"frame {number} has {frame.chroma} and {frame.bit_depth} bits; the encoder takes 4:2:0 and 4:0:0 with 8 "
            "bits: convert it first (to_rgb, then Frame.from_rgb)"
        )


def _format(frame):
    return frame.width, frame.height, frame.chroma, frame.matrix, frame.full_range


def _described(frame):
    return f"{frame.width}x{frame.height} {frame.chroma} {frame.matrix}" + (" full range" if frame.full_range else "")


def fill_picture(picture: Picture, frame: Frame) -> None:
    """Copy the planes, their last column and row repeated up to whole macroblocks."""
    for buffer, plane in zip(picture.planes(), frame.planes):
        out = np.asarray(buffer)
        rows, columns = plane.shape
        out[:rows, :columns] = plane
        out[:rows, columns:] = plane[:, -1:]
        out[rows:] = out[rows - 1]
