"""quantize_colors and PaletteQuantizer: choose a palette, assign pixels to it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParameterError
from ..pixels import is_picture, plain, uint8_pixels
from .assign import FEW_COLORS, assign, opaque, with_channels
from .choose import METHODS, choose
from .dither import DITHERS
from .fixed import MOST_COLORS, as_palette
from .histogram import color_set, count_colors
from .importance import as_importance
from .result import Quantized
from .spaces import SPACES
from .target import fewest_colors

if TYPE_CHECKING:
    from typing import Any, Literal

    import numpy.typing as npt

    from .._types import Dither, PaletteMethod, PaletteSpace

# Error diffusion, measured on photographs (docs/palette.md). Passing on more than 0.7 of the error (0.8 with few
# colours) costs more in noise than it gains in colour.
STRENGTH_FEW, STRENGTH_MANY = 0.8, 0.7


def as_pixels(image: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """A non-empty image as (H, W, channels) uint8."""
    image = plain(image)
    if hasattr(image, "getbands") and image.mode == "RGBA":
        image = np.asarray(image)
    array = uint8_pixels(image, "palettes have 8 bits per sample")
    if array.size == 0:
        raise ParameterError(f"image is empty: its shape is {np.shape(image)}")
    return np.ascontiguousarray(array)


def own_pixels(image: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """`as_pixels` in memory that the caller cannot change."""
    pixels = as_pixels(image)
    fresh = hasattr(image, "getbands") or (isinstance(image, np.ndarray) and not np.may_share_memory(pixels, image))
    return pixels if fresh else pixels.copy()


def _known(name, value, known):
    if not (value is None or isinstance(value, str)) or value not in known:
        near = difflib.get_close_matches(str(value), [entry for entry in known if entry], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(map(str, known))}"
        raise ParameterError(f"unknown {name} {value!r}: {hint}")


class PaletteQuantizer:
    """One palette for many pictures: `fit` chooses it, `predict` applies it.

    Parameters
    ----------
    colors, method, space, dither, dither_strength, palette, seed
        As for `quantize_colors`.

    Attributes
    ----------
    palette_ : (n, 3) or (n, 4) uint8
        After `fit`.

    Raises
    ------
    ParameterError
        If an argument is invalid.

    Examples
    --------
    >>> import codec, numpy as np
    >>> frames = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)
    >>> quantizer = codec.PaletteQuantizer(32, dither=None).fit(frames)
    >>> quantizer.palette_.shape, quantizer.predict(frames[1]).indices.shape
    ((32, 3), (16, 16))
    """

    def __init__(
        self,
        colors: int = 256,
        *,
        method: PaletteMethod = "kmeans",
        space: PaletteSpace = "oklab",
        dither: Dither | None = "floyd-steinberg",
        dither_strength: float | None = None,
        palette: npt.ArrayLike | None = None,
        seed: int = 0,
    ) -> None:
        if isinstance(colors, bool) or not isinstance(colors, (int, np.integer)) or not 1 <= colors <= MOST_COLORS:
            raise ParameterError(f"colors must be an integer within 1..{MOST_COLORS}, not {colors!r}")
        _known("method", method, METHODS)
        _known("space", space, SPACES)
        _known("dither", dither, (None, *DITHERS))
        if dither_strength is not None and not (
            isinstance(dither_strength, (int, float, np.number)) and 0 <= dither_strength <= 1
        ):
            raise ParameterError(f"dither_strength must be within 0..1, not {dither_strength!r}")
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
            raise ParameterError(f"seed must be an integer that is not negative, not {seed!r}")
        self.colors, self.method, self.space, self.dither, self.seed = int(colors), method, space, dither, int(seed)
        self.dither_strength = dither_strength
        self.palette = None if palette is None else as_palette(palette)
        if self.palette is not None:
            self.palette_ = self.palette

    def fit(
        self,
        images: npt.NDArray[np.uint8] | Iterable[npt.ArrayLike],
        importance: npt.NDArray[Any] | Literal["contrast"] | Iterable[npt.ArrayLike | None] | None = None,
    ) -> PaletteQuantizer:
        """Choose one palette for all of the pictures.

        Parameters
        ----------
        images : iterable of uint8 arrays, or one array
            As for `quantize_colors`; a (N, H, W, channels) array is N pictures, (H, W) and (H, W, 3 or 4) are one.
            Gray, colour and alpha may be mixed. A generator may fill the same array again.
        importance : optional
            As for `quantize_colors`: for one picture, or a list with one for each.

        Returns
        -------
        PaletteQuantizer
            This object.
        """
        if hasattr(images, "getbands"):  # a Pillow image
            images = np.asarray(plain(images))
        if isinstance(images, np.ndarray) and is_picture(images):
            images, importance = [images], None if importance is None else [importance]
        if not isinstance(images, Iterable):
            raise ParameterError(f"images must be an iterable of arrays, not {type(images).__name__}")
        taken = as_pixels if isinstance(images, (list, tuple, np.ndarray)) else own_pixels
        pictures = [taken(image) for image in images]
        if not pictures:
            raise ParameterError("fit needs at least one image")
        masks = [importance] * len(pictures) if importance is None or isinstance(importance, str) else list(importance)
        if len(masks) != len(pictures):
            raise ParameterError(f"{len(masks)} importance masks for {len(pictures)} images")
        channels = max(opaque(picture).shape[2] for picture in pictures)
        histogram = None
        for picture, mask in zip(pictures, masks):
            histogram, _ = count_colors(with_channels(picture, channels), as_importance(mask, picture), histogram)
        self._choose(color_set(histogram), max(picture.shape[2] for picture in pictures))
        return self

    def predict(self, image: npt.ArrayLike) -> Quantized:
        """Assign the pixels of a picture to the palette.

        Parameters
        ----------
        image : (H, W), (H, W, 3) or (H, W, 4) uint8

        Returns
        -------
        Quantized

        Raises
        ------
        ParameterError
            Wrong shape or dtype, or no palette yet: call `fit` first.
        """
        if not hasattr(self, "palette_"):
            raise ParameterError("this PaletteQuantizer has no palette yet: call fit first")
        pixels = own_pixels(image)
        return self._paint(pixels, *count_colors(opaque(pixels)))

    def _choose(self, colors, channels):
        """Set palette_ from a `ColorSet`; with alpha if the pictures have it."""
        if self.palette is None:
            chosen = choose(colors, self.colors, self.method, self.space, self.seed, self._strength(self.colors))
            self.palette_ = with_channels(chosen[:, None], max(channels, 3))[:, 0]

    def _strength(self, colors):
        if self.dither is None:
            return 0
        if self.dither_strength is None:
            return STRENGTH_FEW if colors <= FEW_COLORS else STRENGTH_MANY
        return float(self.dither_strength)

    def _paint(self, pixels, histogram, entries):
        """Assign `pixels` to palette_. The histogram and entries belong to the same picture, with or without its opaque
        alpha.
        """
        painted = assign(
            opaque(pixels),
            histogram,
            entries,
            self.palette_,
            self.space,
            self.dither,
            self._strength(len(self.palette_)),
        )
        return Quantized(painted, self.palette_, pixels)


def quantize_colors(
    image: npt.ArrayLike,
    colors: int = 256,
    *,
    method: PaletteMethod = "kmeans",
    space: PaletteSpace = "oklab",
    dither: Dither | None = "floyd-steinberg",
    dither_strength: float | None = None,
    palette: npt.ArrayLike | None = None,
    importance: npt.ArrayLike | None = None,
    target: str | None = None,
    floor: str | None = None,
    seed: int = 0,
) -> Quantized:
    """Reduce a picture to few colours.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) uint8
        Gray, RGB, or RGB and alpha (not premultiplied). (H, W, 1) is gray.
    colors : int
        At most this many colours, 1..256. A picture with no more keeps them exactly.
    method : str
        How they are chosen: "kmeans" (best), "median-cut" (boxes of least variance), "wu", "heckbert" (median cut of
        1982), "octree".
    space : str
        Where errors are measured: "oklab" (default, perceptual), "srgb" (highest PSNR), "linear" light, "ycbcr".
    dither : str or None
        "floyd-steinberg", "jarvis-judice-ninke", "stucki", "atkinson", "sierra", "bayer", "blue-noise", "riemersma";
        None: each pixel gets the nearest colour.
    dither_strength : float, optional
        0..1. Default: 0.7, 0.8 for at most 32 colours.
    palette : optional
        Use these colours instead: (n, 3) or (n, 4) integers, a list of "#rrggbb", or "web-safe", "ega", "gray",
        "gray-16", "black-white". `colors`, `method` and `importance` are then ignored.
    importance : (H, W) array or "contrast", optional
        Weight of each pixel when colours are chosen, not negative; "contrast": lower weights where the picture is busy.
    target : str, optional
        A score such as "psnr:40" or "ssimulacra2:85": use the fewest colours, at most `colors`, that reach it.
    floor : str, optional
        A score that is still accepted if `colors` do not reach the target.
    seed : int
        0 starts k-means from boxes, other values from randomly drawn colours. The result depends on the arguments only.

    Returns
    -------
    Quantized
        With `indices` (H, W) uint8, `palette` (n, 3 or 4) uint8, `counts`, `mse`, `image()`, `error_map()`.

    Raises
    ------
    ParameterError
        If an argument is invalid, the image is empty or not uint8, or the target cannot be reached.

    Notes
    -----
    With alpha, the error of a colour is the mean of its errors over black and over white. All that is transparent
    becomes one entry.

    Examples
    --------
    >>> import codec, numpy as np
    >>> slope = np.arange(64, dtype=np.uint8).repeat(64).reshape(64, 64)
    >>> result = codec.quantize_colors(slope, 4, dither=None, space="srgb")
    >>> result.palette[:, 0], result.counts
    (array([ 8, 24, 40, 56], dtype=uint8), array([1088, 1024, 1024,  960]))
    """
    pixels = own_pixels(image)
    histogram, entries = count_colors(opaque(pixels), as_importance(importance, pixels))
    found = color_set(histogram)

    def make(most):
        quantizer = PaletteQuantizer(
            most, method=method, space=space, dither=dither, dither_strength=dither_strength, palette=palette, seed=seed
        )
        quantizer._choose(found, pixels.shape[2])
        return quantizer._paint(pixels, histogram, entries)

    if target is None:
        if floor is not None:
            raise ParameterError(f"floor={floor!r} needs a target")
        return make(colors)
    if palette is not None:
        raise ParameterError("target chooses a number of colours; palette has fixed ones: pass one of them")
    return fewest_colors(make, colors, target, floor, pixels)
