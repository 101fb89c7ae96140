"""Chunks of arrays as JPEG, for numcodecs and Zarr.

A chunk is one picture: its last axis are the columns, or, with 3 channels, its last two are columns and channels; all
axes before are rows. So the slices of a volume stand below each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import jpeg
from ..errors import BitstreamError, ParameterError

if TYPE_CHECKING:
    import numpy.typing as npt

OPTIONS = ("quality", "subsampling", "effort", "tune", "target", "chroma_quality", "progressive")


def checked_channels(channels: int | None) -> int | None:
    """1, 3 or None."""
    if channels not in (None, 1, 3) or isinstance(channels, bool):
        raise ParameterError(f"channels must be 1, 3 or None, not {channels!r}")
    return channels


def checked_options(options: dict[str, Any]) -> dict[str, Any]:
    """A copy of the options of `codec.encode`, once they are known to be possible."""
    for name in options:
        if name not in OPTIONS:
            raise ParameterError(f"unknown option {name!r}: there are {', '.join(OPTIONS)}")
    jpeg.EncodeOptions(**options)
    return dict(options)


def picture_of(chunk: npt.ArrayLike, channels: int | None) -> npt.NDArray[Any]:
    """(H, W) or (H, W, 3) of a chunk; `channels` None: 3 where the last axis has 3."""
    chunk = np.asarray(chunk)
    if not chunk.ndim or not chunk.size:
        raise ParameterError(f"a chunk of shape {chunk.shape} is not a picture")
    if channels is None:
        channels = 3 if chunk.ndim >= 3 and chunk.shape[-1] == 3 else 1
    if channels == 1:
        return chunk.reshape(-1, chunk.shape[-1])
    if chunk.ndim < 2 or chunk.shape[-1] != 3:
        raise ParameterError(f"the last axis of a chunk with 3 channels has 3 entries; the shape is {chunk.shape}")
    return chunk.reshape(-1, chunk.shape[-2], 3)


def encoded(chunk: npt.ArrayLike, channels: int | None, options: dict[str, Any]) -> bytes:
    """The chunk as JPEG, with options of `codec.encode`."""
    return jpeg.encode(picture_of(chunk, channels), **options).data


def encoded_lossless(chunk: npt.ArrayLike, channels: int | None) -> bytes:
    """The chunk as lossless JPEG."""
    return jpeg.encode_lossless(picture_of(chunk, channels)).data


def decoded(data: Any, shape: tuple[int, ...] | None = None) -> npt.NDArray[Any]:
    """Samples of a chunk, in its shape if that is known."""
    pixels: npt.NDArray[Any] = jpeg.decode(bytes(data)).pixels
    if shape is None:
        return pixels
    if pixels.size != np.prod(shape, dtype=np.int64):
        raise BitstreamError(f"the JPEG has {pixels.size} samples, and the chunk has the shape {tuple(shape)}")
    return pixels.reshape(shape)
