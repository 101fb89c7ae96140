"""Convert images passed by callers to one array shape, for encoders of 8-bit samples."""

from __future__ import annotations

import os
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt


# Pillow modes without an array of the same meaning, and the mode that has one.
CONVERTED_MODES = {"1": "L", "P": "RGB", "YCbCr": "RGB", "HSV": "RGB", "RGBX": "RGB"}
ALPHA_MODES = ("RGBA", "LA", "PA", "La", "RGBa")
BAND_PIXELS = 1 << 16
SAMPLE_MODES = ("I", "F")  # and I;16 in any byte order: gray, with a dtype that says so


def plain(image: Any, *, alpha: bool = True, inks: bool = False) -> Any:
    """A Pillow image as one whose array is gray, RGB or RGBA; arrays and everything else unchanged.

    Parameters
    ----------
    image : object
    alpha : bool
        Whether the caller can use transparency.
    inks : bool
        Whether the caller can use CMYK.

    Raises
    ------
    ParameterError
        For an image that has no such array, with the remedy.
    """
    if not (hasattr(image, "getbands") and hasattr(image, "convert")):
        return image
    mode, kind = image.mode, f"a Pillow image of mode {image.mode!r}"
    clear = mode in ALPHA_MODES or (mode == "P" and "transparency" in image.info)
    if clear and not alpha:
        raise ParameterError(f"{kind} with transparency, which JPEG lacks: pass image.convert('RGB')")
    if mode in ("La", "RGBa"):  # Pillow converts premultiplied samples only to these
        image = image.convert(mode.upper())
    if clear:
        return image if mode == "RGBA" else image.convert("RGBA")
    if mode in CONVERTED_MODES:
        return image.convert(CONVERTED_MODES[mode])
    if mode in ("L", "RGB") or mode.startswith(SAMPLE_MODES) or (mode == "CMYK" and inks):
        return image
    raise ParameterError(f"{kind}: pass image.convert('RGB')")


def eight_bits(samples: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """uint16 samples over 0..65535 as uint8 over 0..255, rounded; others as they are.

    >>> import numpy as np
    >>> from codec.pixels import eight_bits
    >>> eight_bits(np.array([0, 128, 129, 65535], np.uint16)).tolist()
    [0, 0, 1, 255]
    """
    if samples.dtype != np.uint16:
        return samples
    return ((samples.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def as_array(values: npt.ArrayLike, name: str, dtype: npt.DTypeLike | None = None) -> npt.NDArray[Any]:
    """np.asarray, of Pillow images by their colours (`plain`). What is no array, such as a ragged list, is a
    ParameterError.

    >>> from codec.pixels import as_array
    >>> as_array([[1, 2]], "image").shape
    (1, 2)
    """
    values = plain(values)
    refuse_masked(values, name)
    try:
        return np.asarray(values, dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise ParameterError(f"{name} must be an array of numbers: {error}") from None


def refuse_masked(array: Any, name: str) -> None:
    """ParameterError if values are masked: what is behind the mask would be used like all others."""
    if not isinstance(array, np.ndarray) or type(array) is np.ndarray or not isinstance(array, np.ma.MaskedArray):
        return
    masked = int(np.ma.count_masked(array))
    if masked:
        raise ParameterError(
            f"{name} has {masked} masked values: pass {name}.compressed(), the others in one dimension, or "
            f"{name}.filled(...) with a number for them"
        )


def bands(height: int, width: int) -> Iterator[slice]:
    """Slices of rows, from the top, of about BAND_PIXELS pixels each: what is computed band by band takes memory that
    does not grow with the picture.

    >>> from codec.pixels import bands
    >>> list(bands(5, 1 << 15))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, BAND_PIXELS // width)
    return (slice(begin, min(begin + step, height)) for begin in range(0, height, step))


def uint8_pixels(image: npt.ArrayLike, reason: str) -> npt.NDArray[np.uint8]:
    """An image as (H, W, channels) uint8, without a copy, so that its size can be checked first.

    Parameters
    ----------
    image : array-like of uint8, (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), any strides
        A Pillow image of another mode than L, RGB and CMYK is converted where its colours stay, or refused; callers
        that can use its alpha pass it through `plain` first.
    reason : str
        Why other dtypes are refused, for the message.

    Raises
    ------
    ParameterError
        For anything else, with the remedy.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.pixels import uint8_pixels
    >>> uint8_pixels(np.zeros((4, 6), np.uint8), "samples have 8 bits").shape
    (4, 6, 1)
    """
    # "B" is uint8; a comparison with np.uint8 would make a dtype of it first
    array = image if type(image) is np.ndarray and image.dtype.char == "B" else _as_uint8(image, reason)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or not is_picture(array):
        raise ParameterError(
            f"image must have the shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), not {np.shape(image)}"
        )
    return array


def _as_uint8(image, reason):
    """The array of `uint8_pixels`, of any shape."""
    image = plain(image, alpha=False, inks=True)
    if isinstance(image, (str, bytes, bytearray, os.PathLike)) or callable(getattr(image, "read", None)):
        raise ParameterError(
            f"image is a {type(image).__name__}, and this takes an array of pixels: codec.read reads a JPEG file, "
            "np.asarray(PIL.Image.open(path).convert('RGB')) other formats"
        )
    mode = getattr(image, "mode", "")
    if isinstance(mode, str) and mode.startswith(SAMPLE_MODES):
        raise ParameterError(
            f"a Pillow image of mode {mode!r}: {reason}; scale it to 0..255 first, since .convert('RGB') may clip it"
        )
    refuse_masked(image, "image")
    try:
        array = np.asarray(image)
    except ValueError:
        raise ParameterError("image must be a uint8 array, not a ragged list") from None
    if array.dtype.kind == "f":
        extra = " (it holds NaN)" if np.isnan(array).any() else ""
        remedy = "scale it to 0..255, then image.round().clip(0, 255).astype(np.uint8)"
        if array.size and 0 <= array.min() <= array.max() <= 1:
            remedy = "its values are within 0..1: pass (image * 255).round().astype(np.uint8)"
        raise ParameterError(f"image must be uint8, not {array.dtype}{extra}: {remedy}")
    if array.dtype != np.uint8:
        raise ParameterError(f"image must be uint8, not {_kind(image, array)}: {_uint8_of(array, reason)}")
    return array


def _kind(image, array):
    return type(image).__name__ if array.dtype == object and type(image) is not np.ndarray else array.dtype


def _uint8_of(array, reason):
    """How to make an array of integers or truth values one of uint8."""
    if array.dtype == bool:
        return "pass image.astype(np.uint8) * 255"
    if array.dtype.kind not in "iu":
        return "this takes an array of pixels"
    if array.size and 0 <= array.min() and array.max() <= 255:
        return "its values are within 0..255: pass np.asarray(image).astype(np.uint8)"
    return f"{reason}; scale it to 0..255 first"


def is_picture(array: npt.NDArray[Any]) -> bool:
    """Whether the shape is that of one picture: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); others may be several.

    >>> import numpy as np
    >>> from codec.pixels import is_picture
    >>> is_picture(np.zeros((4, 6, 3))), is_picture(np.zeros((9, 4, 6, 3)))
    (True, False)
    """
    return array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))


def as_png(pixels: npt.NDArray[Any]) -> bytes:
    """PNG of (H, W), (H, W, 3) RGB or (H, W, 4) RGBA uint8, for notebooks.

    >>> import numpy as np
    >>> from codec.pixels import as_png
    >>> as_png(np.zeros((2, 3), np.uint8))[1:4]
    b'PNG'
    """
    height, width, channels = (*pixels.shape, 1)[:3]
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # each begins with its filter, 0: none
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    body = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)
