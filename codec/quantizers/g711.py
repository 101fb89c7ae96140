"""Companded 8-bit telephony codes, ITU-T G.711: mu-law and A-law."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..pixels import as_array
from .protocol import Quantizer, checked_codes, choice, real_values

if TYPE_CHECKING:
    from typing import Self

    import numpy.typing as npt

LOWEST, HIGHEST = -32768, 32767


class G711(Quantizer):
    """G.711 codes of 16-bit samples.

    Parameters
    ----------
    law : "mu" or "a"
        mu-law takes the upper 14 bits of a sample, A-law the upper 13.
    variant : "itu" or "ffmpeg"
        How samples become codes. "itu": the arithmetic of ITU-T G.191 (STL), and of audioop for A-law. "ffmpeg":
        borders midway between decoded values and the same for both signs, as FFmpeg's pcm_mulaw and pcm_alaw; it never
        gives the mu-law code 0x7F. The two differ at 964 of the 65,536 samples in either law. Decoding is the same.

    Notes
    -----
    Codes are the bytes of a G.711 stream, so `levels`, in the order of codes, are not ascending: 0xFF is 0 and 0x00 is
    -32124 in mu-law, 0xD5 is 8 and 0x55 is -8 in A-law, which has no 0. Values are rounded to integers, halves to even,
    and clipped to 16 bits; samples between -1 and 1 must be multiplied by 32768 first.

    References
    ----------
    ITU-T G.711 (11/88), tables 1a to 2b; ITU-T G.191 (03/2023), module G711.

    Examples
    --------
    >>> from codec.quantizers import G711
    >>> q = G711("mu")
    >>> q.encode([0, 1000, -1000]).tolist(), q.decode([0xFF, 0x00]).tolist()
    ([255, 206, 78], [0, -32124])
    """

    name = "g711"

    def __init__(self, law: Literal["mu", "a"] = "mu", *, variant: Literal["itu", "ffmpeg"] = "itu") -> None:
        self._law = choice(law, ("mu", "a"), "law")
        self._variant = choice(variant, ("itu", "ffmpeg"), "variant")

    def fit(self, x: npt.ArrayLike) -> Self:
        """Only check the data: there is nothing to choose."""
        real_values(x)
        return self

    def encode(self, x: npt.ArrayLike) -> npt.NDArray[np.uint8]:
        """The code of each sample, uint8."""
        array = as_array(x, "x")
        if array.dtype != np.int16 or array.size == 0:
            values = real_values(array)
            array = np.clip(np.rint(values), LOWEST, HIGHEST).astype(np.int16)
        return encoder(self._law, self._variant)[array.view(np.uint16)]

    def decode(self, codes: npt.ArrayLike) -> npt.NDArray[np.int16]:
        """The sample of each code, int16."""
        return decoder(self._law)[checked_codes(codes, 0, 255)]

    @property
    def code_range(self) -> tuple[int, int]:
        """(0, 255)."""
        return 0, 255

    @property
    def levels(self) -> npt.NDArray[np.float64]:
        """(256,) float64 in the order of codes; not ascending."""
        return decoder(self._law).astype(np.float64)

    @property
    def thresholds(self) -> npt.NDArray[np.float64]:
        """(n,) float64, ascending: midway between neighbouring samples of different codes."""
        codes = encoder(self._law, self._variant)[np.arange(LOWEST, HIGHEST + 1).astype(np.int16).view(np.uint16)]
        return np.flatnonzero(codes[1:] != codes[:-1]).astype(np.float64) + (LOWEST + 0.5)

    def settings(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"law": self._law, "variant": self._variant}


@lru_cache(None)
def decoder(law: str) -> npt.NDArray[np.int16]:
    """(256,) int16: the samples of all codes."""
    codes = np.arange(256)
    if law == "mu":  # all bits are sent inverted
        u = ~codes
        magnitude = ((((u & 15) << 3) + 132) << (u >> 4 & 7)) - 132
        return np.where(u & 128, -magnitude, magnitude).astype(np.int16)
    a = codes ^ 0x55  # every second bit is sent inverted
    mantissa, exponent = 2 * (a & 15) + 1, a >> 4 & 7
    magnitude = np.where(exponent > 0, (mantissa + 32) << (np.maximum(exponent, 1) + 2), mantissa << 3)
    return np.where(a & 128, magnitude, -magnitude).astype(np.int16)


@lru_cache(None)
def encoder(law: str, variant: str) -> npt.NDArray[np.uint8]:
    """(65536,) uint8: the code of each sample; negative samples in the upper half."""
    x = np.arange(65536).astype(np.uint16).view(np.int16).astype(np.int64)
    return (_itu if variant == "itu" else _midway)(law, x).astype(np.uint8)


def _itu(law, x):
    """Sign, segment and position within the segment. Negative samples are complemented, so -1 counts as 0."""
    size, sign = np.where(x < 0, ~x, x), np.where(x < 0, 0, 128)
    if law == "mu":
        size = np.minimum((size >> 2) + 33, 8191)  # 33..8191: segments begin at 32, 64, ... 4096
        segment = np.floor(np.log2(size)).astype(int) - 5
        return sign | ((segment << 4 | (size >> (segment + 1) & 15)) ^ 127)
    size >>= 4  # 0..2047: two segments of step 1, then steps of 2, 4, ... 64
    segment = np.maximum(np.floor(np.log2(np.maximum(size, 1))).astype(int) - 3, 0)
    return (sign | segment << 4 | (size >> np.maximum(segment - 1, 0) & 15)) ^ 0x55


def _midway(law, x):
    """By magnitudes in units of 4, 0..8191: borders midway between decoded values."""
    flips = 255 if law == "mu" else 0xD5
    positive = decoder(law)[np.arange(128) ^ flips].astype(np.int64)
    borders = (positive[:-1] + positive[1:] + 4) >> 3
    unit = (x >> 2).clip(-8191)
    return np.searchsorted(borders, np.abs(unit), "right") ^ flips ^ np.where(unit < 0, 128, 0)
