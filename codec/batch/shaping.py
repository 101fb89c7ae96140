"""Pictures scaled down to fit a frame."""

from dataclasses import replace
from functools import cache

import numpy as np

from ..color import linear_light
from ..errors import ParameterError
from ..jpeg.exif import TIFF_HEADERS, ExifNumbers, upright_orientation


@cache
def srgb_light():
    """8-bit sRGB to linear light."""
    return linear_light(np.arange(256) / 255).astype(np.float32)


@cache
def srgb_bounds():
    """And back: where a value of light rounds to the next level."""
    return linear_light((np.arange(255) + 0.5) / 255).astype(np.float32)


def as_size(value):
    """(width, height) from "1600x1200", "1600" or 1600 (a square frame), or a pair of integers.

    >>> from codec.batch.shaping import as_size
    >>> as_size("1600x1200"), as_size("1600")
    ((1600, 1200), (1600, 1600))
    """
    try:
        parts = str(value).lower().split("x") if isinstance(value, (str, int)) else list(value)
        width, height = (int(part) for part in (parts if len(parts) == 2 else parts * 2))
    except (TypeError, ValueError):
        parts, width = (), 0
    if len(parts) > 2 or width < 1 or height < 1:
        raise ParameterError(f"{value!r} is no size of a frame: write it as 1600x1200 or 1600, from 1 pixel on")
    return width, height


def fitting(width, height, frame, orientation=1):
    """(width, height) of a picture scaled down, sides in proportion, so that it fits the frame when it is upright.

    >>> from codec.batch.shaping import fitting
    >>> fitting(4000, 3000, (1600, 1600)), fitting(800, 600, (1600, 1600)), fitting(4000, 3000, (1000, 2000), 6)
    ((1600, 1200), (800, 600), (1333, 1000))
    """
    most = frame[::-1] if orientation >= 5 else frame
    scale = min(most[0] / width, most[1] / height, 1)
    return max(1, round(width * scale)), max(1, round(height * scale))


def exceeds(width, height, frame, exif):
    """Whether a picture with such Exif data does not fit a frame, if there is one."""
    return frame is not None and fitting(width, height, frame, upright_orientation(exif)) != (width, height)


def scaled(pixels, size):
    """Pixels of another size, by Pillow's Lanczos filter (a = 3) in linear light of sRGB; other samples than 8-bit gray
    and RGB as they are.

    Parameters
    ----------
    pixels : (H, W[, C]) uint8 or uint16
    size : (width, height)

    Returns
    -------
    ndarray of the same dtype and channels
    """
    height, width = pixels.shape[:2]
    if (width, height) == tuple(size):
        return pixels
    planes = [pixels] if pixels.ndim == 2 else [pixels[..., channel] for channel in range(pixels.shape[2])]
    made = [_plane(plane, size, in_light=pixels.dtype == np.uint8 and len(planes) != 4) for plane in planes]
    return made[0] if pixels.ndim == 2 else np.stack(made, axis=2)


def _resized(values, size):
    from PIL import Image

    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.LANCZOS))


def _plane(plane, size, in_light):
    made = _resized(srgb_light()[plane] if in_light else np.ascontiguousarray(plane, np.float32), size)
    if in_light:
        return np.searchsorted(srgb_bounds(), made).astype(np.uint8)
    peak = np.iinfo(plane.dtype).max
    return np.clip(np.rint(made), 0, peak).astype(plane.dtype)


def fit(pixels, metadata, frame):
    """(pixels, metadata) scaled down to a frame: the Exif tags of the size follow, a thumbnail goes."""
    height, width = pixels.shape[:2]
    size = fitting(width, height, frame, upright_orientation(metadata.exif))
    if size == (width, height):
        return pixels, metadata
    if metadata.exif and metadata.exif[:4] in TIFF_HEADERS:
        block = ExifNumbers(metadata.exif)
        block.drop_thumbnail()
        block.set_size(*size)
        metadata = replace(metadata, exif=bytes(block.tiff))
    return scaled(pixels, size), metadata


def fit_shown(pixels, frame):
    """Pixels as they are shown, (H, W), (H, W, 3) or (H, W, 4) RGBA, uint8, scaled down to a frame (None: as they are).

    Colours weigh by their alpha: a transparent pixel has none.
    """
    height, width = pixels.shape[:2]
    size = fitting(width, height, frame) if frame else (width, height)
    if size == (width, height) or pixels.ndim == 2 or pixels.shape[2] == 3:
        return scaled(pixels, size)
    weight = pixels[..., 3].astype(np.float32)
    alpha = _resized(weight, size)
    light = [_resized(srgb_light()[pixels[..., channel]] * weight, size) for channel in range(3)]
    colors = [np.searchsorted(srgb_bounds(), plane / np.maximum(alpha, 1)) for plane in light]
    return np.stack([*colors, np.clip(np.rint(alpha), 0, 255)], axis=2).astype(np.uint8)
