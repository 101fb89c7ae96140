"""Structural similarity, in its published variants."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import cpu
from ..errors import ParameterError
from ..pixels import as_array, plain
from ._ssim import ssim_means, sums_of_four
from .luma import check_luma, luma
from .pairs import check_data_range, check_pair, refuse_not_finite

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

    from .._types import SsimPresetName

KERNEL_TAPS = 11


@dataclass(frozen=True)
class SsimPreset:
    """The constants of a variant of SSIM.

    Attributes
    ----------
    name : str
        The name of the variant.
    taps : int
        Side of the square window, in pixels.
    sigma : float or None
        Standard deviation of the Gaussian window, in pixels; None: a flat window.
    K1, K2 : float
        Stabilisers of the luminance and of the contrast-structure term, as fractions of the data range.
    sample_variance : bool
        Divide variances by N - 1 instead of N.
    """

    name: str
    taps: int
    sigma: float | None
    K1: float
    K2: float
    sample_variance: bool = False

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """The window along one axis: `taps` float64 weights that sum to 1; the square window is its outer product."""
        if self.sigma is None:
            return np.full(self.taps, 1 / self.taps)
        x = np.arange(self.taps) - (self.taps - 1) / 2
        w = np.exp(-x * x / (2 * self.sigma * self.sigma))
        return w / w.sum()


wang2004 = SsimPreset("wang2004", taps=11, sigma=1.5, K1=0.01, K2=0.03)
skimage = SsimPreset("skimage", taps=7, sigma=None, K1=0.01, K2=0.03, sample_variance=True)
# Windows of 8 x 8 pixels at every fourth row and column, sample variances, rounded constants, as FFmpeg's filter `ssim`
# and x264 report.
ffmpeg = SsimPreset("ffmpeg", taps=8, sigma=None, K1=0.01, K2=0.03, sample_variance=True)
PRESETS = {preset.name: preset for preset in (wang2004, skimage, ffmpeg)}


def _preset(preset):
    if isinstance(preset, SsimPreset):
        return preset
    if not isinstance(preset, str) or preset not in PRESETS:
        raise ParameterError(f"preset must be one of {', '.join(map(repr, PRESETS))}, not {preset!r}")
    return PRESETS[preset]


def _checked(
    a: npt.ArrayLike, b: npt.ArrayLike, least: int, what: str, instead: str = "psnr"
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    a, b = check_pair(a, b)
    if min(a.shape[:2]) < least:
        raise ParameterError(
            f"{what} needs at least {least} x {least} pixels, and shape {a.shape} is {a.shape[1]} wide and "
            f"{a.shape[0]} high: use {instead}, or put channels last"
        )
    return (a, b) if a.ndim == 3 else (a[:, :, np.newaxis], b[:, :, np.newaxis])


def _integers(planes: tuple[npt.NDArray[Any], npt.NDArray[Any]]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Refuse floats: the preset `ffmpeg` is defined on integer sums."""
    if planes[0].dtype.kind != "u":
        raise ParameterError(
            f"preset='ffmpeg' is defined for integer samples, not {planes[0].dtype}: use 'wang2004', or convert"
        )
    return planes


def _single(dtype, data_range, preset):
    """Whether single precision suffices: no sample exceeds twice the data range, and rounding errors of the taps do not
    add up.

    Seven taps of 1/7 all round the same way: their relative error is 1e-7 and that of the mean of `skimage` 4e-7.
    """
    return preset is wang2004 and dtype.kind == "u" and np.iinfo(dtype).max <= 2 * data_range


def _means(a, b, preset, data_range, single, maps=None):
    """[(SSIM, contrast-structure)] per channel of two (H, W, C) pictures."""
    margin = (KERNEL_TAPS - preset.taps) // 2
    if margin:  # outer taps are zero, so the padding does not matter
        a, b = (np.pad(x, ((margin, margin), (margin, margin), (0, 0)), mode="edge") for x in (a, b))
    half = np.pad(preset.weights, margin)[: KERNEL_TAPS // 2 + 1]
    n = preset.taps**2
    correction = n / (n - 1) if preset.sample_variance else 1.0
    return ssim_means(
        a,
        b,
        half,
        data_range / 2,
        (preset.K1 * data_range) ** 2,
        (preset.K2 * data_range) ** 2,
        correction,
        cpu.level_index(),
        single,
        maps,
    )


def _cells(plane):
    """Sums over the whole 4 x 4 cells, then over 2 x 2 cells at every cell: windows of 8 x 8."""
    high, wide = plane.shape[0] // 4, plane.shape[1] // 4
    cells = plane[: 4 * high, : 4 * wide].reshape(high, 4, wide, 4, -1).sum((1, 3))
    return cells[:-1, :-1] + cells[1:, :-1] + cells[:-1, 1:] + cells[1:, 1:]


def _ffmpeg_map(a, b, data_range):
    """SSIM of the 8 x 8 windows of the preset `ffmpeg`, (rows, columns, channels), from integer sums."""
    a, b = a.astype(np.int64), b.astype(np.int64)
    s1, s2, squares, product = _cells(a), _cells(b), _cells(a * a + b * b), _cells(a * b)
    C1 = int((ffmpeg.K1 * data_range) ** 2 * 64 + 0.5)
    C2 = int((ffmpeg.K2 * data_range) ** 2 * 64 * 63 + 0.5)
    variances, covariance = 64 * squares - s1 * s1 - s2 * s2, 64 * product - s1 * s2
    return (2 * s1 * s2 + C1) / (s1 * s1 + s2 * s2 + C1) * ((2 * covariance + C2) / (variances + C2))


def _mean(values, a, b):
    mean = sum(values) / len(values)
    if not math.isfinite(mean):
        refuse_not_finite(a, b)
    return mean


def ssim(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    data_range: float | None = None,
    preset: SsimPresetName | SsimPreset = "wang2004",
) -> float:
    """Mean structural similarity, by default as published by Wang et al. in 2004.

    Parameters
    ----------
    a, b : ndarray, (H, W) or (H, W, C)
        uint8, uint16, float32 or float64, of the same shape and dtype, with any strides; at least 11 x 11 pixels.
    data_range : float, optional
        The distance from black to white. Default: 255 for uint8, 65535 for uint16; required for floats.
    preset : "wang2004" (default), "skimage", "ffmpeg" or SsimPreset
        Which published variant. "skimage" is scikit-image's default: a flat 7 x 7 window, sample variances. "ffmpeg" is
        the filter `ssim` of FFmpeg, for one plane: flat 8 x 8 windows at every fourth pixel, integer samples only.

    Returns
    -------
    float
        From -1 to 1; exactly 1.0 for equal pictures. Bit-identical when a and b are swapped.

    Raises
    ------
    ParameterError
        If shapes or dtypes differ, a dtype is unsupported, a side is shorter than 11, a sample is NaN or infinite, or
        `data_range` is missing for floats, not positive, or less than half of the span of the values.

    Notes
    -----
    Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image Quality Assessment: From Error Visibility to Structural
    Similarity", IEEE Transactions on Image Processing 13(4), 2004: an 11 x 11 Gaussian window of sigma 1.5 whose
    weights sum to 1, weighted population variances, K1 = 0.01, K2 = 0.03, only windows wholly inside the picture, the
    mean of the map, no prior downsampling. The paper covers gray pictures; here a colour picture scores the mean of its
    channels.

    Computed in double precision, in one pass over the rows, with bounded memory; the GIL is released.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.metrics import ssim
    >>> ramp = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (32, 1))
    >>> ssim(ramp, ramp)
    1.0
    >>> round(ssim(ramp, ramp // 2), 4)
    0.6795
    """
    preset = _preset(preset)
    planes = _checked(a, b, preset.taps, "SSIM")
    data_range = check_data_range(*planes, data_range)
    if preset is ffmpeg:
        return float(_ffmpeg_map(*_integers(planes), data_range).mean())
    means = _means(*planes, preset, data_range, _single(planes[0].dtype, data_range, preset))
    return _mean([mean for mean, _ in means], np.asarray(a), np.asarray(b))


def ssim_map(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    data_range: float | None = None,
    preset: SsimPresetName | SsimPreset = "wang2004",
) -> npt.NDArray[np.float64]:
    """SSIM of every window wholly inside the picture: a map of where two pictures differ.

    Parameters
    ----------
    a, b, data_range, preset
        As for `ssim`.

    Returns
    -------
    ndarray, float64
        (H - taps + 1, W - taps + 1), or with channels last for colour pictures; [y, x] is the window whose upper left
        pixel is at [y, x] (at [4y, 4x] for the preset "ffmpeg", whose map is smaller). Its mean is `ssim`.

    Raises
    ------
    ParameterError
        As `ssim`.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.metrics import ssim_map
    >>> ssim_map(np.zeros((16, 20), np.uint8), np.zeros((16, 20), np.uint8)).shape
    (6, 10)
    """
    a, b = plain(a), plain(b)
    preset = _preset(preset)
    planes = _checked(a, b, preset.taps, "SSIM")
    if preset is ffmpeg:
        scores = _ffmpeg_map(*_integers(planes), check_data_range(*planes, data_range))
        return scores if np.ndim(a) == 3 else scores[..., 0]
    height, width, channels = planes[0].shape
    maps = np.empty((channels, height - preset.taps + 1, width - preset.taps + 1))
    means = _means(*planes, preset, check_data_range(*planes, data_range), False, maps)
    _mean([mean for mean, _ in means], np.asarray(a), np.asarray(b))
    return np.moveaxis(maps, 0, 2) if np.ndim(a) == 3 else maps[0]


def ssim_y(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    data_range: float | None = None,
    preset: SsimPresetName | SsimPreset = "wang2004",
) -> float:
    """SSIM of luma (T.871, unrounded); for gray pictures, of the samples themselves. Most codec studies report this
    figure.

    Parameters
    ----------
    a, b, data_range, preset
        As for `ssim`; RGB where there are 3 channels.

    Returns
    -------
    float
        As `ssim`.

    Raises
    ------
    ParameterError
        As `ssim`.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.metrics import ssim_y
    >>> ssim_y(np.zeros((16, 16, 3), np.uint8), np.zeros((16, 16, 3), np.uint8))
    1.0
    """
    a, b = check_pair(a, b)
    check_luma(a, "ssim_y")
    if a.ndim == 2 or a.shape[2] == 1:
        return ssim(a, b, data_range=data_range, preset=preset)
    data_range = check_data_range(a, b, data_range)
    return ssim(luma(a), luma(b), data_range=data_range, preset=preset)


# Exponents of the five scales, finest first (Wang, Simoncelli, Bovik 2003, section 3.2).
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


BAND_ROWS = 64  # rows of any scale scored at a time; even, so that no 2x2 square straddles two bands
SHARED_ROWS = wang2004.taps - 1  # rows of the previous band that the first windows of a band reach into


class _Scale:
    """One scale of two pictures that arrive from top to bottom: scores their windows and passes them, halved, to the
    next scale.

    2x2 sums replace means (an odd last row or column is repeated), and the data range grows fourfold instead. This is
    exact in integers: 255 x 4^4 fits 16 bits, and 65535 x 4^4 fits a double. A scale keeps one band.
    """

    def __init__(self, shape, dtype, data_range, single, coarser):
        """shape: (H, W, C) of this scale. dtype: for 2x2 sums. single: single precision suffices. coarser: number of
        scales that follow.
        """
        height, width, channels = shape
        self.single, self.data_range, self.sums, self.windows = single, data_range, np.zeros((channels, 2)), 0
        self.bands = [
            np.empty((SHARED_ROWS + BAND_ROWS, width, channels), dtype) for _ in range(2)
        ]  # not touched at the finest scale
        self.shared, self.filled, self.left = 0, 0, height
        half = ((height + 1) // 2, (width + 1) // 2, channels)
        self.next = _Scale(half, dtype, 4 * data_range, single, coarser - 1) if coarser else None

    def put(self, a, b):
        """Take the next rows of the finer scale."""
        count = (a.shape[0] + 1) // 2
        for finer, band in zip((a, b), self.bands):
            sums_of_four(finer, band[self.filled : self.filled + count])
        self.filled += count
        self.left -= count
        if self.filled - self.shared == BAND_ROWS or not self.left:
            self.score(*(band[: self.filled] for band in self.bands), self.shared)
            for band in self.bands:
                band[:SHARED_ROWS] = band[self.filled - SHARED_ROWS : self.filled]
            self.shared = self.filled = SHARED_ROWS

    def score(self, a, b, shared):
        """Add the windows of a band whose first `shared` rows were in the previous one too."""
        count = a.shape[0] - SHARED_ROWS
        self.sums += count * np.array(_means(a, b, wang2004, self.data_range, self.single))
        self.windows += count
        if self.next:
            self.next.put(a[shared:], b[shared:])


def _means_of_scales(a, b, data_range):
    """Yield the (C, 2) means of SSIM and of contrast-structure of each scale, finest first."""
    wide = np.uint16 if a.dtype == np.uint8 else np.float64
    scale = _Scale(a.shape, wide, data_range, _single(a.dtype, data_range, wang2004), len(MS_SSIM_WEIGHTS) - 1)
    for top in range(0, a.shape[0], BAND_ROWS):
        shared = SHARED_ROWS if top else 0
        scale.score(*(x[top - shared : top + BAND_ROWS] for x in (a, b)), shared)
    while scale:
        yield scale.sums / scale.windows
        scale = scale.next


def ms_ssim(a: npt.ArrayLike, b: npt.ArrayLike, *, data_range: float | None = None) -> float:
    """Multi-scale structural similarity (Wang, Simoncelli and Bovik 2003), five scales.

    Parameters
    ----------
    a, b : ndarray, (H, W) or (H, W, C)
        uint8, uint16, float32 or float64, of the same shape and dtype, any strides; at least 161 x 161 pixels, so that
        the coarsest scale has a window.
    data_range : float, optional
        As for `ssim`.

    Returns
    -------
    float
        From 0 to 1; exactly 1.0 for equal pictures.

    Raises
    ------
    ParameterError
        As `ssim`; also for sides shorter than 161 pixels.

    Notes
    -----
    Z. Wang, E. P. Simoncelli, A. C. Bovik, "Multiscale structural similarity for image quality assessment", Asilomar
    2003: the product of the mean contrast-structure of scales 1 to 4 and the mean SSIM of scale 5, each to its
    published exponent; 2x2 means between scales. A negative mean counts as 0. A colour picture scores the mean of its
    channels. All scales are processed together, band by band, so memory grows with the width of the picture only.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.metrics import ms_ssim
    >>> ramp = np.tile(np.arange(0, 250, dtype=np.uint8), (200, 1))
    >>> ms_ssim(ramp, ramp)
    1.0
    >>> round(ms_ssim(ramp, ramp // 16 * 16), 4)
    0.8918
    """
    first, second = as_array(a, "a"), as_array(b, "b")
    least = (wang2004.taps - 1) * 2 ** (len(MS_SSIM_WEIGHTS) - 1) + 1  # so that the fifth scale holds a window
    a, b = _checked(a, b, least, "MS-SSIM", "ssim")
    data_range = check_data_range(a, b, data_range)
    scores = np.ones(a.shape[2])
    for scale, (means, weight) in enumerate(zip(_means_of_scales(a, b, data_range), MS_SSIM_WEIGHTS), 1):
        scores *= means[:, 0 if scale == len(MS_SSIM_WEIGHTS) else 1].clip(0) ** weight
    return float(_mean(scores.tolist(), first, second))
