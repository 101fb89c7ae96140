"""The main API for still pictures: JPEG from and to arrays. `codec.jpeg` has the details."""

from __future__ import annotations

import os
import warnings
from contextlib import closing
from typing import TYPE_CHECKING

from . import jpeg
from .errors import CodecError, DamageWarning, ParameterError
from .executors import checked_threads, outcomes
from .jpeg.decoder import checked_reading, decoded
from .jpeg.encoder import encode_bytes
from .jpeg.geometry import ORIENTATIONS
from .jpeg.params import EncodeOptions, takes_encode_options
from .jpeg.view import checked_view
from .signatures import JPEG_SUFFIXES
from .sources import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from fractions import Fraction
    from typing import Any, Literal

    import numpy.typing as npt
    from typing_extensions import Unpack

    from ._types import BinaryWriter, Errors, OnError, Path, Samples, Source
    from .jpeg.params import EncodeKeywords
    from .limits import Limits


@takes_encode_options
def encode(image: npt.ArrayLike, quality: float | None = None, **options: Unpack[EncodeKeywords]) -> bytes:
    """Write a standard JPEG.

    Parameters
    ----------
    image : (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) uint8
        Gray, RGB, or CMYK with 0 = no ink (`color="cmyk"`). 1 to 65535 rows and columns, any strides. Of a Pillow image
        its pixels as they are stored: `PIL.ImageOps.exif_transpose` turns it first.
    quality : 1..100, default 75
        Scale of the quantization tables, like that of the Independent JPEG Group. Fractions are rounded to 1/64.
    subsampling : "auto" (default), "4:4:4", "4:2:2", "4:4:0", "4:2:0"
        "auto": 4:2:0, but 4:4:4 from quality 98 on, from 75 on for graphics whose colours have sharp edges.
    effort : 1..9, default 5
        1 is fastest, 9 is smallest: 1-2 fixed Huffman tables, 3 optimised ones, 4 progressive, 5-9 rate-distortion
        optimised levels.
    tune : "ssimulacra2" (default), "ssim", "psnr", "flat", "annex-k"
        The metric that tables and levels are optimised for; the last two are plain tables.
    target : str, in place of `quality`
        "size:200kB", "bpp:1.0": the best file within that size. "psnr:40", "ssim:0.98", "ssimulacra2:85": the smallest
        with that score.
    threads : int, default 1
        How many encode the picture side by side; 0: one per processor. The bytes do not depend on it. The default
        suits programs that encode several pictures at a time, in processes or threads of their own.
    chroma_quality, progressive, color, quant_tables, restart_interval, metadata, coding
        See `codec.jpeg.EncodeOptions`.

    Returns
    -------
    bytes
        `codec.jpeg.encode` returns the same bytes with the choices made.

    Raises
    ------
    ParameterError
        Wrong shape, dtype or range, an unknown option, or a target that cannot be reached.

    Examples
    --------
    >>> import numpy as np, codec
    >>> data = codec.encode(np.zeros((32, 32, 3), np.uint8), quality=85)
    >>> data[:2].hex()
    'ffd8'
    """
    return encode_bytes(image, EncodeOptions.from_keywords(quality, options))


def decode(
    source: Source,
    *,
    on_error: OnError = "raise",
    upright: bool = False,
    limits: Limits | None = None,
    threads: int = 1,
    scale: float | Fraction = 1,
    region: tuple[int, int, int, int] | None = None,
    color: Literal["auto", "gray"] = "auto",
    out: Samples | None = None,
) -> Samples:
    """Read a JPEG into an array.

    Parameters
    ----------
    source : path, bytes, bytearray, memoryview or binary file object
        `str` is a path, `bytes` is data.
    on_error : "raise" (default) or "conceal"
        "raise": damaged data raises an error that names the byte. "conceal": it is decoded as far as possible, with a
        `DamageWarning`. Doubtful data, such as a picture with missing last scans, is decoded with a `DamageWarning`
        either way. `codec.jpeg.decode` returns a report instead.
    upright : bool, default False
        Turn the picture by its EXIF orientation (`codec.probe(source).orientation`), as viewers do.
    limits : Limits, optional
    threads : int, default 1
        How many decode the picture side by side; 0: one per processor. The pixels do not depend on it. The default
        suits programs that decode several pictures at a time, in processes or threads of their own.
    scale : 1/8, 2/8, ... 7/8 or 1 (default)
        Part of width and height to decode, rounded up.
    region : (x, y, width, height), default all
        The pixels to make, of the picture at `scale`, before `upright` turns it. Data that no pixel needs, with
        `scale` and "gray" as well, may go unread: damage there is no error.
    color : "auto" (default) or "gray"
        "gray": the luminance as it is coded, of gray and YCbCr pictures.
    out : array, default a new one
        Where the pixels go, C-contiguous; not with `upright`. `codec.jpeg.decode` says more about these four.

    Returns
    -------
    (H, W) or (H, W, 3 or 4) array
        Gray, RGB, or CMYK with 0 = no ink; uint8, or uint16 for samples of more than 8 bits (0..4095 for 12).

    Raises
    ------
    BitstreamError, TruncatedError, UnsupportedError, LimitError, FileError
        All are `CodecError`.

    Examples
    --------
    >>> import numpy as np, codec
    >>> codec.decode(codec.encode(np.full((5, 7), 200, np.uint8))).shape
    (5, 7)
    """
    if not isinstance(upright, bool):
        raise ParameterError(f"upright must be True or False, not {upright!r}")
    if upright and out is not None:
        raise ParameterError("out takes the picture as it is stored: leave out upright, or turn a copy")
    pixels, info, _, doubts, damage = decoded(source, on_error, limits, threads, scale, region, color, out)
    if damage or doubts:
        report = ([damage.report] if damage else []) + list(doubts)
        warnings.warn("; ".join(report), DamageWarning, stacklevel=2)
    return ORIENTATIONS[info.orientation].of_pixels(pixels) if upright else pixels


probe = jpeg.probe


def read(
    path: Source,
    *,
    on_error: OnError = "raise",
    upright: bool = False,
    limits: Limits | None = None,
    threads: int = 1,
    scale: float | Fraction = 1,
    region: tuple[int, int, int, int] | None = None,
    color: Literal["auto", "gray"] = "auto",
    out: Samples | None = None,
) -> Samples:
    """Read a JPEG file into an array: `decode`, named to match `write`."""
    view: dict[str, Any] = dict(scale=scale, region=region, color=color, out=out)
    return decode(path, on_error=on_error, upright=upright, limits=limits, threads=threads, **view)


@takes_encode_options
def write(
    path: Path | BinaryWriter, image: npt.ArrayLike, quality: float | None = None, **options: Unpack[EncodeKeywords]
) -> None:
    """Write an image to a JPEG file, completely or not at all: temporary file, fsync, rename.

    Parameters
    ----------
    path : str, os.PathLike or binary file object
        An existing file is replaced. The name ends in .jpg, .jpeg, .jpe or .jfif, or has no suffix. A file object is
        written to, and left open.
    image, quality, **options
        As for `encode`.

    Raises
    ------
    ParameterError
        As `encode`; the name of another format. An existing file is unchanged.
    FileError
        The file cannot be written; an existing file is unchanged.
    """
    if callable(getattr(path, "write", None)):
        files.write_stream(path, encode(image, quality, **options))
        return
    name = os.fsdecode(path) if isinstance(path, (str, os.PathLike)) else ""
    if os.path.splitext(name)[1].lower() not in ("", *JPEG_SUFFIXES):
        raise ParameterError(
            f"{name}: codec.write writes JPEG, whose names end in {', '.join(JPEG_SUFFIXES)}; "
            "codec.palette.write_png writes PNG of at most 256 colours, PIL.Image.fromarray(image).save other formats"
        )
    files.write_atomic(path, encode(image, quality, **options))


def encode_many(
    images: Iterable[npt.ArrayLike],
    quality: float | None = None,
    *,
    errors: Errors = "raise",
    **options: Unpack[EncodeKeywords],
) -> Iterator[bytes | CodecError]:
    """Write many JPEGs, several at a time: an iterator over their files, in the order of the images.

    Parameters
    ----------
    images : iterable of images as `encode` takes them
        Taken as they are needed: at most 16 small ones, or one large, per place of a queue of two places per thread. Do
        not change an image before its file has come.
    errors : "raise" (default) or "return"
        What an image that cannot be encoded causes: its error is raised in its turn, which ends the iteration; or it
        stands for the file.
    threads : int, default 0
        How many images are encoded side by side; 0: one per processor. The files do not depend on it.
    quality, **options
        As for `encode`, the same for all images. Checked at once.

    Yields
    ------
    bytes, or CodecError with errors="return"

    Raises
    ------
    ParameterError
        As `encode`.

    Examples
    --------
    >>> import numpy as np, codec
    >>> images = [np.zeros((32, 32), np.uint8), np.zeros((8, 8, 4), np.uint8)]
    >>> files = list(codec.encode_many(images, 80, effort=1, errors="return"))
    >>> [type(file).__name__ for file in files]
    ['bytes', 'ParameterError']
    """
    shape: tuple[int, ...] = getattr(images, "shape", ())
    if len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4)):
        raise ParameterError(f"images is one image of shape {tuple(shape)}: pass a list, [image]")
    workers = checked_threads(options.pop("threads", 0))
    checked = EncodeOptions.from_keywords(quality, options)
    size_of = lambda image: getattr(image, "nbytes", 1 << 30)
    return _each(
        outcomes(lambda image: encode_bytes(image, checked), images, size_of, workers), _checked_errors(errors)
    )


def decode_many(
    sources: Iterable[Source],
    *,
    errors: Errors = "raise",
    threads: int = 0,
    on_error: OnError = "raise",
    upright: bool = False,
    limits: Limits | None = None,
    scale: float | Fraction = 1,
    region: tuple[int, int, int, int] | None = None,
    color: Literal["auto", "gray"] = "auto",
) -> Iterator[Samples | CodecError]:
    """Read many JPEGs, several at a time: an iterator over their pixels, in the order of the sources.

    Parameters
    ----------
    sources : iterable of sources as `decode` takes them
        Taken as they are needed, as by `encode_many`. What the iterable itself raises ends the iteration at once.
    errors : "raise" (default) or "return"
        What a source that cannot be decoded causes: its error is raised in its turn, which ends the iteration; or it
        stands for the pixels.
    threads : int, default 0
        How many sources are decoded side by side; 0: one per processor.
    on_error, upright, limits, scale, region, color
        As for `decode`, the same for all sources.

    Yields
    ------
    array as from `decode`, or CodecError with errors="return"

    Raises
    ------
    BitstreamError, TruncatedError, UnsupportedError, LimitError, FileError, ParameterError
        As `decode`.

    Examples
    --------
    >>> import numpy as np, codec
    >>> files = [codec.encode(np.full((5, 7), 200, np.uint8)), b"no JPEG"]
    >>> [getattr(pixels, "shape", pixels.__class__.__name__) for pixels in codec.decode_many(files, errors="return")]
    [(5, 7), 'BitstreamError']
    """
    if isinstance(sources, (str, os.PathLike, bytes, bytearray, memoryview)):
        raise ParameterError(f"sources is one source, of type {type(sources).__name__}: pass a list, [source]")
    workers = checked_threads(threads)
    checked_reading(on_error, limits)
    checked_view(scale, region, color)
    options: dict[str, Any] = dict(
        on_error=on_error, upright=upright, limits=limits, scale=scale, region=region, color=color
    )
    one = lambda source: decode(source, **options)
    size_of = lambda source: len(source) if isinstance(source, (bytes, bytearray, memoryview)) else 1 << 30
    return _each(outcomes(one, sources, size_of, workers), _checked_errors(errors))


def _checked_errors(errors):
    if not isinstance(errors, str) or errors not in ("raise", "return"):
        raise ParameterError(f"errors must be 'raise' or 'return', not {errors!r}")
    return errors


def _each(results, errors):
    with closing(results):  # here, not when the garbage collector finds them
        for result in results:
            if errors == "raise" and isinstance(result, CodecError):
                try:
                    raise result
                finally:
                    del result  # its traceback holds this frame
            yield result
