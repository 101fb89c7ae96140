"""imread, imwrite, imencode and imdecode with the conventions of OpenCV: BGR, its flags, its parameters.

    from codec.compat import cv2
    ok, buffer = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])

OpenCV itself is not needed. The numbers of flags and parameters are those of OpenCV 4 (imgcodecs).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import jpeg
from ..api import JPEG_SUFFIXES, encode
from ..errors import BitstreamError, ParameterError, UnsupportedError
from ..jpeg.geometry import ORIENTATIONS
from ..pixels import as_array
from ..sources.files import read_bytes, write_atomic

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

IMREAD_UNCHANGED = -1
IMREAD_GRAYSCALE = 0
IMREAD_COLOR = IMREAD_COLOR_BGR = 1
IMREAD_ANYDEPTH = 2
IMREAD_ANYCOLOR = 4
IMREAD_IGNORE_ORIENTATION = 128
IMREAD_COLOR_RGB = 256

IMWRITE_JPEG_QUALITY = 1
IMWRITE_JPEG_PROGRESSIVE = 2
IMWRITE_JPEG_OPTIMIZE = 3
IMWRITE_JPEG_RST_INTERVAL = 4
IMWRITE_JPEG_LUMA_QUALITY = 5
IMWRITE_JPEG_CHROMA_QUALITY = 6
IMWRITE_JPEG_SAMPLING_FACTOR = 7
IMWRITE_JPEG_SAMPLING_FACTOR_411 = 0x411111
IMWRITE_JPEG_SAMPLING_FACTOR_420 = 0x221111
IMWRITE_JPEG_SAMPLING_FACTOR_422 = 0x211111
IMWRITE_JPEG_SAMPLING_FACTOR_440 = 0x121111
IMWRITE_JPEG_SAMPLING_FACTOR_444 = 0x111111

SUBSAMPLING = {
    IMWRITE_JPEG_SAMPLING_FACTOR_420: "4:2:0",
    IMWRITE_JPEG_SAMPLING_FACTOR_422: "4:2:2",
    IMWRITE_JPEG_SAMPLING_FACTOR_440: "4:4:0",
    IMWRITE_JPEG_SAMPLING_FACTOR_444: "4:4:4",
}
QUALITY = 95  # OpenCV's default
KNOWN_FLAGS = (
    IMREAD_COLOR | IMREAD_ANYDEPTH | IMREAD_ANYCOLOR | IMREAD_IGNORE_ORIENTATION | IMREAD_COLOR_RGB
)  # the others reduce the size, or choose another library


def imencode(ext: str, img: npt.ArrayLike, params: Sequence[int] = ()) -> tuple[bool, npt.NDArray[np.uint8]]:
    """Encode a picture as JPEG.

    Parameters
    ----------
    ext : ".jpg", ".jpeg", ".jpe" or ".jfif"
    img : (H, W), (H, W, 1) gray or (H, W, 3) BGR, uint8
    params : flat sequence of parameter, value, ...
        `IMWRITE_JPEG_QUALITY` 0..100 (default 95; 0 counts as 1), `IMWRITE_JPEG_PROGRESSIVE` 0 (default) or 1,
        `IMWRITE_JPEG_RST_INTERVAL` in MCUs, `IMWRITE_JPEG_LUMA_QUALITY`, `IMWRITE_JPEG_CHROMA_QUALITY`,
        `IMWRITE_JPEG_SAMPLING_FACTOR` (all but 411). `IMWRITE_JPEG_OPTIMIZE` changes nothing: tables are optimised.

    Returns
    -------
    (True, (N,) uint8)

    Raises
    ------
    ParameterError
        A picture, suffix or parameter that is not listed above. OpenCV drops the alpha of BGRA without a word; here it
        is refused.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.compat import cv2
    >>> ok, buffer = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 80])
    >>> ok, buffer.dtype, cv2.imdecode(buffer, cv2.IMREAD_COLOR).shape
    (True, dtype('uint8'), (8, 8, 3))
    """
    if not isinstance(ext, str) or ext.lower() not in JPEG_SUFFIXES:
        raise ParameterError(f"ext is {ext!r}: only JPEG is written here, {', '.join(JPEG_SUFFIXES)}")
    pixels, options = _checked(img), _options(params)
    if pixels.shape[2:] != (3,):
        del options["subsampling"]
    data = encode(_other_order(pixels), **options)
    return True, np.frombuffer(bytearray(data), np.uint8)


def imwrite(filename: str | os.PathLike[str], img: npt.ArrayLike, params: Sequence[int] = ()) -> bool:
    """Write a picture to a JPEG file, completely or not at all; see `imencode`.

    Returns
    -------
    bool
        False if the file cannot be written.

    Raises
    ------
    ParameterError
        As `imencode`.
    """
    _, data = imencode(os.path.splitext(os.fsdecode(filename))[1], img, params)
    try:
        write_atomic(filename, data.tobytes())
    except OSError:
        return False
    return True


def imdecode(buf: Any, flags: int = IMREAD_COLOR) -> npt.NDArray[Any] | None:
    """Decode a JPEG.

    Parameters
    ----------
    buf : bytes-like, or uint8 array
    flags : int, default `IMREAD_COLOR`
        `IMREAD_COLOR`: (H, W, 3) BGR. `IMREAD_COLOR_RGB`: RGB. `IMREAD_GRAYSCALE`: (H, W), the luminance as it is
        stored. `IMREAD_ANYCOLOR`: gray or BGR, as stored. `IMREAD_UNCHANGED`: that, and never turned.
        `IMREAD_ANYDEPTH`: samples of more than 8 bits as uint16; implied by `IMREAD_UNCHANGED`. Pictures are turned by
        their EXIF orientation unless `IMREAD_IGNORE_ORIENTATION` is added.

    Returns
    -------
    array, or None if the data is not a JPEG, is damaged or incomplete

    Raises
    ------
    UnsupportedError
        CMYK, whose appearance depends on the press; more than 8 bits without `IMREAD_ANYDEPTH`; lossless and
        hierarchical processes that are not read.
    LimitError
        More pixels than `codec.Limits` allow.
    ParameterError
        Other flags, such as those that reduce the size.
    """
    if flags != IMREAD_UNCHANGED and (not isinstance(flags, int) or flags & ~KNOWN_FLAGS):
        raise ParameterError(f"flags={flags} are not supported: reduce the size after decoding")
    data = bytes(buf) if isinstance(buf, (bytes, bytearray, memoryview)) else as_array(buf, "buf").tobytes()
    if not data.startswith(b"\xff\xd8"):
        return None
    try:
        info = jpeg.probe(data)
        wants_color = flags > 0 and flags & (IMREAD_COLOR | IMREAD_COLOR_RGB)
        if not (wants_color or flags == IMREAD_UNCHANGED or flags & IMREAD_ANYCOLOR) and info.color == "ycbcr":
            data = jpeg.transcode(data, grayscale=True, trailer="drop", verify=False).data
        pixels = jpeg.decode(data).pixels
    except BitstreamError:
        return None
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        raise UnsupportedError("it is CMYK, whose appearance depends on the press: convert it with its ICC profile")
    if pixels.dtype != np.uint8 and flags != IMREAD_UNCHANGED and not flags & IMREAD_ANYDEPTH:
        raise UnsupportedError(f"it has {info.precision} bits: add IMREAD_ANYDEPTH to get uint16")
    if flags != IMREAD_UNCHANGED and not flags & IMREAD_IGNORE_ORIENTATION:
        pixels = ORIENTATIONS[info.orientation].of_pixels(pixels)
    return _as_asked(pixels, flags, wants_color)


def imread(filename: str | os.PathLike[str], flags: int = IMREAD_COLOR) -> npt.NDArray[Any] | None:
    """Read a JPEG file; see `imdecode`.

    Returns
    -------
    array, or None if the file cannot be read, is not a JPEG, is damaged or incomplete
    """
    try:
        data = read_bytes(filename)
    except (OSError, EOFError):
        return None
    return imdecode(data, flags)


def _as_asked(pixels: npt.NDArray[Any], flags: int, wants_color: int) -> npt.NDArray[Any]:
    gray = flags != IMREAD_UNCHANGED and not wants_color and not flags & IMREAD_ANYCOLOR
    if gray and pixels.ndim == 3:  # stored as RGB: T.871 clause 7
        return np.rint(pixels @ np.array([0.299, 0.587, 0.114])).astype(pixels.dtype)
    if wants_color and pixels.ndim == 2:
        return np.dstack([pixels] * 3)
    rgb = flags > 0 and flags & IMREAD_COLOR_RGB
    return pixels if pixels.ndim == 2 or rgb else np.ascontiguousarray(pixels[..., ::-1])


def _checked(img: npt.ArrayLike) -> npt.NDArray[Any]:
    pixels = as_array(img, "img")
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        raise ParameterError("img is BGRA and a JPEG has no alpha: pass img[..., :3], or lay it on a colour")
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (1,), (3,)):
        raise ParameterError(
            f"img must be (H, W) gray or (H, W, 3) BGR with uint8 samples, not {pixels.shape} {pixels.dtype}"
        )
    return pixels


def _other_order(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return pixels[..., ::-1] if pixels.ndim == 3 else pixels


def _options(params: Sequence[int]) -> dict[str, Any]:
    """Options of `codec.encode` for a flat list of parameters and values."""
    try:
        given = [int(value) for value in np.asarray(params).reshape(-1)]
    except (TypeError, ValueError):
        raise ParameterError(f"params must be pairs of parameter and value, not {params!r}") from None
    if len(given) % 2:
        raise ParameterError(f"params must be pairs of parameter and value, not {len(given)} numbers")
    found = dict(zip(given[::2], given[1::2]))
    quality = found.pop(IMWRITE_JPEG_QUALITY, QUALITY)
    luma = found.pop(IMWRITE_JPEG_LUMA_QUALITY, -1)
    chroma = found.pop(IMWRITE_JPEG_CHROMA_QUALITY, -1)
    options: dict[str, Any] = {
        "quality": _percent(luma if luma >= 0 else quality),
        "progressive": bool(found.pop(IMWRITE_JPEG_PROGRESSIVE, 0)),
        "restart_interval": found.pop(IMWRITE_JPEG_RST_INTERVAL, 0),
    }
    found.pop(IMWRITE_JPEG_OPTIMIZE, None)
    if chroma >= 0 or luma >= 0:
        options["chroma_quality"] = _percent(chroma if chroma >= 0 else quality)
    factors = found.pop(IMWRITE_JPEG_SAMPLING_FACTOR, IMWRITE_JPEG_SAMPLING_FACTOR_420)
    if factors not in SUBSAMPLING:
        raise ParameterError(f"the sampling factor {factors:#x} is none of 420, 422, 440, 444")
    options["subsampling"] = SUBSAMPLING[factors]
    if found:
        raise ParameterError(f"unknown parameter {next(iter(found))}: there are those of IMWRITE_JPEG_")
    return options


def _percent(quality: int) -> int:
    return min(max(quality, 1), 100)
