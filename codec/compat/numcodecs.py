"""Compressors of numcodecs, for the chunks of Zarr 2 arrays: JPEG, lossy and lossless.

    zarr.create_array(store, shape=(1000, 1000, 3), chunks=(256, 256, 3), dtype="u1", zarr_format=2,
                      compressors=codec.compat.numcodecs.Jpeg(quality=90))

numcodecs finds both by entry points, so that readers need this package installed, and no import. For Zarr 3 arrays
see `codec.compat.zarr`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import MissingPackageError
from . import _chunks

try:
    from numcodecs.abc import Codec
    from numcodecs.compat import ensure_contiguous_ndarray, ndarray_copy
    from numcodecs.registry import register_codec
except ImportError as error:
    raise MissingPackageError("codec.compat.numcodecs needs numcodecs: pip install numcodecs") from error


class Jpeg(Codec):
    """Chunks of uint8 as lossy JPEG: what is read is near to what was written, not equal.

    Parameters
    ----------
    channels : 1, 3 or None (default)
        Whether the last axis is colour, RGB. None: if the chunk has three axes or more, and the last has 3 entries. The
        axis before, or the last one, are the columns; all others are rows of one picture.
    **options
        Of `codec.encode`: quality, subsampling, effort, tune, target, chroma_quality, progressive. They are stored with
        the array.

    Raises
    ------
    ParameterError
        Unknown options; chunks that are not uint8, or have more than 65535 rows or columns. A ValueError too.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.compat.numcodecs import Jpeg
    >>> compressor = Jpeg(quality=90)
    >>> compressor.decode(compressor.encode(np.full((4, 16, 16), 200, np.uint8))).shape
    (64, 16)
    """

    codec_id = "codec_jpeg"

    def __init__(self, *, channels: int | None = None, **options: Any) -> None:
        self.channels, self.options = _chunks.checked_channels(channels), _chunks.checked_options(options)

    def encode(self, buf: Any) -> bytes:
        """The JPEG of a chunk."""
        return _chunks.encoded(_as_stored(buf), self.channels, self.options)

    def decode(self, buf: Any, out: Any = None) -> Any:
        """Samples of a JPEG, as a picture, or in `out`."""
        return _decoded(buf, out)

    def get_config(self) -> dict[str, Any]:
        """What is stored with the array."""
        return {"id": self.codec_id, "channels": self.channels, **self.options}


class LosslessJpeg(Codec):
    """Chunks of uint8 or uint16 as lossless JPEG (T.81 Annex H).

    Parameters
    ----------
    channels : 1, 3 or None (default)
        As for `Jpeg`.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.compat.numcodecs import LosslessJpeg
    >>> chunk = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000
    >>> bool((LosslessJpeg().decode(LosslessJpeg().encode(chunk)) == chunk).all())
    True
    """

    codec_id = "codec_jpeg_lossless"

    def __init__(self, *, channels: int | None = None) -> None:
        self.channels = _chunks.checked_channels(channels)

    def encode(self, buf: Any) -> bytes:
        """The JPEG of a chunk."""
        return _chunks.encoded_lossless(_as_stored(buf), self.channels)

    def decode(self, buf: Any, out: Any = None) -> Any:
        """Samples of a JPEG, as a picture, or in `out`."""
        return _decoded(buf, out)

    def get_config(self) -> dict[str, Any]:
        """What is stored with the array."""
        return {"id": self.codec_id, "channels": self.channels}


def _as_stored(buf: Any) -> Any:
    """The chunk with its axes in the order of its memory: numcodecs restores bytes, and Zarr the order of axes."""
    chunk = np.asarray(buf)
    return chunk.T if chunk.flags.f_contiguous and not chunk.flags.c_contiguous else chunk


def _decoded(buf: Any, out: Any) -> Any:
    pixels = _chunks.decoded(ensure_contiguous_ndarray(buf).tobytes())
    return pixels if out is None else ndarray_copy(np.ascontiguousarray(pixels), out)


register_codec(Jpeg)
register_codec(LosslessJpeg)
