"""Older perceptual metrics: PSNR-HVS-M and CIEDE2000; PSNR of Y, Cb and Cr."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..color import YCBCR, linear_light
from ..errors import ParameterError
from ..pixels import plain
from .fidelity import psnr
from .luma import check_luma, luma
from .pairs import check_data_range, check_pair, refuse_not_finite

if TYPE_CHECKING:
    import numpy.typing as npt

# Contrast sensitivity of the DCT basis functions, natural order (Egiazarian et al. 2006, the table of psnrhvsm.m).
CSF = np.array(
    [
        [1.608443, 2.339554, 2.573509, 1.608443, 1.072295, 0.643377, 0.504610, 0.421887],
        [2.144591, 2.144591, 1.838221, 1.354478, 0.989811, 0.443708, 0.428918, 0.467911],
        [1.838221, 1.979622, 1.608443, 1.072295, 0.643377, 0.451493, 0.372972, 0.459555],
        [1.838221, 1.513829, 1.169777, 0.887417, 0.504610, 0.295806, 0.321689, 0.415082],
        [1.429727, 1.169777, 0.695543, 0.459555, 0.378457, 0.236102, 0.249855, 0.334222],
        [1.072295, 0.735288, 0.467911, 0.402111, 0.317717, 0.247453, 0.227744, 0.279729],
        [0.525206, 0.402111, 0.329937, 0.295806, 0.249855, 0.212687, 0.214459, 0.254803],
        [0.357432, 0.279729, 0.270896, 0.262603, 0.229778, 0.257351, 0.249855, 0.259950],
    ]
)
# Contrast masking (Ponomarenko et al. 2007): (10 / q)^2 for the steps q of T.81 Table K.1, as psnrhvsm.m has them, to
# six places.
MASK = np.array(
    [
        [0.390625, 0.826446, 1.000000, 0.390625, 0.173611, 0.062500, 0.038447, 0.026874],
        [0.694444, 0.694444, 0.510204, 0.277008, 0.147929, 0.029727, 0.027778, 0.033058],
        [0.510204, 0.591716, 0.390625, 0.173611, 0.062500, 0.030779, 0.021004, 0.031888],
        [0.510204, 0.346021, 0.206612, 0.118906, 0.038447, 0.013212, 0.015625, 0.026015],
        [0.308642, 0.206612, 0.073046, 0.031888, 0.021626, 0.008417, 0.009426, 0.016866],
        [0.173611, 0.081633, 0.033058, 0.024414, 0.015242, 0.009246, 0.007831, 0.011815],
        [0.041649, 0.024414, 0.016437, 0.013212, 0.009426, 0.006830, 0.006944, 0.009803],
        [0.019290, 0.011815, 0.011080, 0.010412, 0.007972, 0.010000, 0.009426, 0.010203],
    ]
)
DCT = np.array(
    [
        [(math.sqrt(1 / 8) if u == 0 else 0.5) * math.cos((2 * x + 1) * u * math.pi / 16) for x in range(8)]
        for u in range(8)
    ]
)
BAND_ROWS = 64  # rows processed at a time, a multiple of 8


def _gray_or_rgb(a, b, what, least=1):
    a, b = check_pair(a, b)
    if a.ndim == 3 and a.shape[2] not in (1, 3):
        raise ParameterError(f"{what} takes gray or RGB pictures, and the shape is {a.shape}")
    if min(a.shape[:2]) < least:
        raise ParameterError(
            f"{what} needs at least {least} x {least} pixels, and the shape is {a.shape}: use psnr, or put "
            "channels last"
        )
    return a, b


def _scatter(blocks):
    """Sample variance times the number of samples, over the last two axes."""
    n = blocks.shape[-1] * blocks.shape[-2]
    return blocks.var((-2, -1)) * n * n / (n - 1)


def _masking(blocks, coefficients):
    """Contrast masking per block: weighted energy times evenness of its spread (Ponomarenko et al. 2007, eq. 2-4)."""
    energy = (coefficients**2 * MASK).sum((-2, -1)) - coefficients[..., 0, 0] ** 2 * MASK[0, 0]
    whole = _scatter(blocks)
    quarters = sum(_scatter(blocks[..., i : i + 4, j : j + 4]) for i in (0, 4) for j in (0, 4))
    spread = np.divide(quarters, whole, out=np.zeros_like(whole), where=whole > 0)
    return np.sqrt(np.maximum(energy, 0) * spread) / 32


def _visible_energy(a, b):
    """Sum over 8x8 blocks of the squared, weighted coefficient differences above the masking threshold."""
    high, wide = a.shape[0] // 8, a.shape[1] // 8
    cut = lambda plane: plane[: 8 * high, : 8 * wide].reshape(high, 8, wide, 8).swapaxes(1, 2)
    blocks = cut(a), cut(b)
    coefficients = [DCT @ x @ DCT.T for x in blocks]
    mask = np.maximum(*map(_masking, blocks, coefficients))[..., None, None]
    difference = np.abs(coefficients[0] - coefficients[1])
    visible = np.maximum(difference - mask / MASK, 0)
    visible[..., 0, 0] = difference[..., 0, 0]
    return float(((visible * CSF) ** 2).sum())


def psnr_hvs_m(a: npt.ArrayLike, b: npt.ArrayLike, *, data_range: float | None = None) -> float:
    """PSNR-HVS-M: PSNR of luma in decibels, over 8x8 DCT blocks, with contrast sensitivity weights and contrast
    masking.

    Parameters
    ----------
    a, b : ndarray, (H, W), (H, W, 1) or (H, W, 3)
        Gray or RGB; uint8, uint16, float32 or float64, of the same shape and dtype; at least 8 x 8 pixels. Columns and
        rows beyond the last whole block are ignored, as in the authors' program.
    data_range : float, optional
        The distance from black to white. Default: 255 for uint8, 65535 for uint16; required for floats.

    Returns
    -------
    float
        Decibels; inf if the model sees no difference.

    Raises
    ------
    ParameterError
        As `ssim`.

    Notes
    -----
    N. Ponomarenko et al., "On between-coefficient contrast masking of DCT basis functions", VPQM 2007; K. Egiazarian et
    al., VPQM 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.metrics import psnr_hvs_m
    >>> ramp = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64, 1))
    >>> round(psnr_hvs_m(ramp, ramp + np.uint8(2)), 2)
    37.98
    """
    a, b = _gray_or_rgb(a, b, "PSNR-HVS-M", 8)
    data_range = check_data_range(a, b, data_range)
    scale = 255 / data_range
    total = 0.0
    for y in range(0, a.shape[0] // 8 * 8, BAND_ROWS):
        total += _visible_energy(luma(a[y : y + BAND_ROWS]) * scale, luma(b[y : y + BAND_ROWS]) * scale)
    if not math.isfinite(total):
        refuse_not_finite(a, b)
    pixels = (a.shape[0] // 8 * 8) * (a.shape[1] // 8 * 8)
    return 10 * math.log10(255**2 * pixels / total) if total else math.inf


# Linear sRGB to XYZ over the D65 white (IEC 61966-2-1; white is the sum of each row).
RGB_TO_XYZ = np.array(
    [
        [0.41239079926595923, 0.357584339383878, 0.1804807884018343],
        [0.21263900587151022, 0.715168678767756, 0.07219231536073371],
        [0.019330818715591818, 0.11919477979462598, 0.9505321522496607],
    ]
)


def lab(rgb):
    """CIELAB (D65) of sRGB values within 0..1: (..., 3) float64 -> (..., 3) L, a, b."""
    linear = linear_light(rgb)
    t = linear @ (RGB_TO_XYZ / RGB_TO_XYZ.sum(1, keepdims=True)).T
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def delta_e_2000(lab1, lab2):
    """CIEDE2000 colour difference of CIELAB values, (..., 3) -> (...): ISO/CIE 11664-6, with the details of Sharma, Wu
    and Dalal 2005.
    """
    (L1, a1, b1), (L2, a2, b2) = np.moveaxis(lab1, -1, 0), np.moveaxis(lab2, -1, 0)
    degrees = lambda a, b: np.where((a == 0) & (b == 0), 0, np.degrees(np.arctan2(b, a)) % 360)
    share = lambda C: np.sqrt(C**7 / (C**7 + 25.0**7))
    stretch = 1 + 0.5 * (1 - share((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2))
    C1 = np.hypot(stretch * a1, b1)
    C2 = np.hypot(stretch * a2, b2)
    h1 = degrees(stretch * a1, b1)
    h2 = degrees(stretch * a2, b2)
    gray = C1 * C2 == 0
    dL, dC = L2 - L1, C2 - C1
    dh = np.where(gray, 0, (h2 - h1 + 180) % 360 - 180)
    dh = np.where(~gray & (h2 - h1 == 180), 180, dh)
    dH = 2 * np.sqrt(C1 * C2) * np.sin(np.radians(dh / 2))
    L, C, total = (L1 + L2) / 2, (C1 + C2) / 2, h1 + h2
    h = np.where(
        gray, total, np.where(np.abs(h1 - h2) <= 180, total, np.where(total < 360, total + 360, total - 360)) / 2
    )
    cosine = lambda x: np.cos(np.radians(x))
    T = 1 - 0.17 * cosine(h - 30) + 0.24 * cosine(2 * h) + 0.32 * cosine(3 * h + 6) - 0.20 * cosine(4 * h - 63)
    RT = -np.sin(np.radians(60 * np.exp(-(((h - 275) / 25) ** 2)))) * 2 * share(C)
    SL, SC, SH = 1 + 0.015 * (L - 50) ** 2 / np.sqrt(20 + (L - 50) ** 2), 1 + 0.045 * C, 1 + 0.015 * C * T
    return np.sqrt((dL / SL) ** 2 + (dC / SC) ** 2 + (dH / SH) ** 2 + RT * (dC / SC) * (dH / SH))


def ciede2000(a: npt.ArrayLike, b: npt.ArrayLike, *, data_range: float | None = None) -> float:
    """Mean CIEDE2000 colour difference over all pixels. Lower is better; about 1 is just visible side by side.

    Parameters
    ----------
    a, b : ndarray, (H, W), (H, W, 1) or (H, W, 3)
        Gray or RGB, sRGB-coded; uint8, uint16, float32 or float64, of one shape and dtype.
    data_range : float, optional
        As for `ssim`.

    Returns
    -------
    float
        0 for equal pictures.

    Raises
    ------
    ParameterError
        As `ssim`.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.metrics import ciede2000
    >>> gray = np.full((4, 4, 3), 128, np.uint8)
    >>> round(ciede2000(gray, gray + np.uint8(3)), 3)
    1.125
    """
    a, b = _gray_or_rgb(a, b, "CIEDE2000")
    data_range = check_data_range(a, b, data_range)
    total = 0.0
    for y in range(0, a.shape[0], BAND_ROWS):
        rgb = [
            np.broadcast_to(
                x[y : y + BAND_ROWS].reshape(-1, x.shape[2] if x.ndim == 3 else 1) / data_range,
                (len(x[y : y + BAND_ROWS]) * x.shape[1], 3),
            )
            for x in (a, b)
        ]
        total += float(delta_e_2000(*map(lab, rgb)).sum())
    if not math.isfinite(total):
        refuse_not_finite(a, b)
    return total / (a.shape[0] * a.shape[1])


def psnr_ycbcr(a: npt.ArrayLike, b: npt.ArrayLike, *, data_range: float | None = None) -> dict[str, float]:
    """PSNR of Y, Cb and Cr (T.871, unrounded) of two RGB pictures, and their 6:1:1 mean.

    Parameters
    ----------
    a, b : ndarray, (H, W, 3)
        RGB; uint8, uint16, float32 or float64, of one shape and dtype.
    data_range : float, optional
        As for `psnr`.

    Returns
    -------
    dict
        "Y", "Cb", "Cr" and "6:1:1", in decibels; the last is (6 Y + Cb + Cr) / 8, as usual in video coding; inf for
        equal planes.

    Raises
    ------
    ParameterError
        As `psnr`; also for pictures that are not RGB.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.metrics import psnr_ycbcr
    >>> black = np.zeros((8, 8, 3), np.uint8)
    >>> round(psnr_ycbcr(black, black + np.uint8([0, 0, 5]))["Y"], 2)
    53.01
    """
    a, b = check_pair(a, b)
    if a.ndim != 3 or a.shape[2] != 3:
        raise ParameterError(f"psnr_ycbcr takes RGB pictures (H, W, 3), and the shape is {a.shape}: use psnr for gray")
    data_range = check_data_range(a, b, data_range)
    squares = np.zeros(3)
    matrix = np.array(YCBCR["BT.601"]).T
    for y in range(0, a.shape[0], BAND_ROWS):
        difference = (a[y : y + BAND_ROWS].astype(np.float64) - b[y : y + BAND_ROWS]) @ matrix
        squares += (difference**2).sum((0, 1))
    if not np.isfinite(squares).all():
        refuse_not_finite(a, b)
    pixels = a.shape[0] * a.shape[1]
    values = {
        name: 10 * math.log10(data_range**2 * pixels / s) if s else math.inf
        for name, s in zip(("Y", "Cb", "Cr"), squares.tolist())
    }
    return {**values, "6:1:1": (6 * values["Y"] + values["Cb"] + values["Cr"]) / 8}


def psnr_y(a: npt.ArrayLike, b: npt.ArrayLike, *, data_range: float | None = None) -> float:
    """PSNR of luma: the "Y" of `psnr_ycbcr`; for gray pictures, of the samples themselves.

    Parameters
    ----------
    a, b : ndarray, (H, W) or (H, W, C)
        RGB where C is 3; uint8, uint16, float32 or float64, of one shape and dtype.
    data_range : float, optional
        As for `psnr`.

    Returns
    -------
    float
        In decibels; `inf` for equal pictures.

    Raises
    ------
    ParameterError
        As `psnr`.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.metrics import psnr_y
    >>> round(psnr_y(np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 5, np.uint8)), 2)
    34.15
    """
    a, b = check_pair(plain(a), plain(b))
    check_luma(a, "psnr_y")
    if a.ndim == 3 and a.shape[2] == 3:
        return psnr_ycbcr(a, b, data_range=data_range)["Y"]
    return psnr(a, b, data_range=data_range)
