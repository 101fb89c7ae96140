"""Codecs of Zarr 3 arrays: chunks as JPEG, lossy and lossless.

    zarr.create_array(store, shape=(1000, 1000, 3), chunks=(256, 256, 3), dtype="u1", zarr_format=3,
                      serializer=codec.compat.zarr.JpegCodec(quality=90), compressors=None)

Zarr finds both by entry points, so that readers need this package installed, and no import. The names in the metadata
of an array are codec_jpeg and codec_jpeg_lossless; no specification of Zarr registers them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import MissingPackageError, ParameterError
from . import _chunks

try:
    from zarr.abc.codec import ArrayBytesCodec
    from zarr.registry import register_codec
except ImportError as error:
    raise MissingPackageError("codec.compat.zarr needs Zarr 3: pip install 'zarr>=3'") from error

if TYPE_CHECKING:
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer, NDBuffer


class _Chunks(ArrayBytesCodec):
    """What both codecs share: chunks to pictures and back, in a thread."""

    is_fixed_size = False
    name = ""
    dtypes: tuple[type[np.generic], ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Any:
        """The codec of an array, by its metadata."""
        if data.get("name") != cls.name:
            raise ParameterError(f"the name is {data.get('name')!r}, not {cls.name!r}")
        return cls(**data.get("configuration", {}))

    def validate(self, *, shape: Any, dtype: Any, chunk_grid: Any) -> None:
        """Refuse arrays of other types when they are created."""
        kind = dtype.to_native_dtype() if hasattr(dtype, "to_native_dtype") else np.dtype(dtype)
        if kind not in [np.dtype(known) for known in self.dtypes]:
            known = " or ".join(known.__name__ for known in self.dtypes)
            raise ParameterError(f"{self.name} stores {known}, not {kind}")

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Not known before the chunk is encoded."""
        raise NotImplementedError

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        pixels = await asyncio.to_thread(_chunks.decoded, chunk_bytes.to_bytes(), chunk_spec.shape)
        return chunk_spec.prototype.nd_buffer.from_numpy_array(pixels)

    async def _encode_single(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> Buffer | None:
        data = await asyncio.to_thread(self._encoded, chunk_array.as_numpy_array())
        return chunk_spec.prototype.buffer.from_bytes(data)

    def _encoded(self, chunk: Any) -> bytes:
        raise NotImplementedError


@dataclass(frozen=True)
class JpegCodec(_Chunks):
    """Chunks of uint8 as lossy JPEG. Parameters, errors and the meaning of the axes as for
    `codec.compat.numcodecs.Jpeg`.
    """

    name, dtypes = "codec_jpeg", (np.uint8,)

    channels: int | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def __init__(self, *, channels: int | None = None, **options: Any) -> None:
        object.__setattr__(self, "channels", _chunks.checked_channels(channels))
        object.__setattr__(self, "options", _chunks.checked_options(options))

    def to_dict(self) -> dict[str, Any]:
        """Metadata of the array."""
        return {"name": self.name, "configuration": {"channels": self.channels, **self.options}}

    def _encoded(self, chunk: Any) -> bytes:
        return _chunks.encoded(chunk, self.channels, self.options)


@dataclass(frozen=True)
class LosslessJpegCodec(_Chunks):
    """Chunks of uint8 or uint16 as lossless JPEG (T.81 Annex H).

    Parameters
    ----------
    channels : 1, 3 or None (default)
        As for `codec.compat.numcodecs.Jpeg`.
    """

    name, dtypes = "codec_jpeg_lossless", (np.uint8, np.uint16)

    channels: int | None = None

    def __post_init__(self) -> None:
        _chunks.checked_channels(self.channels)

    def to_dict(self) -> dict[str, Any]:
        """Metadata of the array."""
        return {"name": self.name, "configuration": {"channels": self.channels}}

    def _encoded(self, chunk: Any) -> bytes:
        return _chunks.encoded_lossless(chunk, self.channels)


register_codec(JpegCodec.name, JpegCodec)
register_codec(LosslessJpegCodec.name, LosslessJpegCodec)
