"""The quality of a JPEG by its quantization tables, and when encoding it again makes no sense."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, NamedTuple, Optional

import numpy as np

from ..errors import ParameterError
from .params import QuantTables

if TYPE_CHECKING:
    import numpy.typing as npt

# Steps must be this much coarser than the source's (geometric mean over the luminance table), as a fraction, before
# another generation pays. Four Kodak pictures, 4:2:0, PSNR lost and bytes saved, and in brackets the loss of a fresh
# encoding from the original at the same bytes: from quality 75, steps x 1.2 lose 1.3 dB for 3 % (fresh: 0.3 dB), x 1.4
# 2.4 dB for 10 % (0.8 dB), x 1.6 3.5 dB for 13 % (1.1 dB). Below 1.4 it saves less than a lossless transcode of a
# baseline file does.
WORTHWHILE = 7, 5


class QualityEstimate(NamedTuple):
    """Quality on the scale of the Independent JPEG Group, from the nearest tables of T.81 Annex K.

    Attributes
    ----------
    quality : int
        1..100, of the luminance table.
    exact : bool
        Whether the tables, with chrominance where given, are exactly those of that quality.
    chrominance : int or None
        1..100, of the chrominance table alone.
    """

    quality: int
    exact: bool
    chrominance: Optional[int] = None


@functools.lru_cache(maxsize=None)
def _ijg_tables(chrominance):
    """(100, 64): steps for qualities 100 down to 1, so the first of equals is the highest."""
    return np.array([QuantTables.ijg(q).by_destination[chrominance] for q in range(100, 0, -1)])


def _nearest(matrix, chrominance):
    """(quality, exact) of a matrix: the least sum of differences of logarithms, as steps compare by ratio."""
    matrix = np.asarray(matrix)
    if matrix.size != 64 or matrix.dtype.kind not in "iu" or matrix.min() < 1:
        raise ParameterError("a quantization matrix holds 64 integers of at least 1")
    distance = np.abs(np.log2(_ijg_tables(chrominance)) - np.log2(matrix.reshape(-1).astype(np.float64))).sum(axis=1)
    best = int(distance.argmin())
    return 100 - best, bool(distance[best] == 0)


def estimate_quality(luminance: npt.ArrayLike, chrominance: npt.ArrayLike | None = None) -> QualityEstimate:
    """The IJG quality whose tables are nearest to those of a file.

    Parameters
    ----------
    luminance, chrominance : 64 steps in natural order, any shape
        `Coefficients.matrices[0]` and `[1]`, for example.

    Returns
    -------
    QualityEstimate

    Examples
    --------
    >>> from codec.jpeg import QuantTables, estimate_quality
    >>> tables = QuantTables.ijg(80)
    >>> estimate_quality(tables.luminance, tables.chrominance)
    QualityEstimate(quality=80, exact=True, chrominance=80)
    >>> estimate_quality([16] * 64).exact
    False
    """
    quality, exact = _nearest(luminance, 0)
    if chrominance is None:
        return QualityEstimate(quality, exact)
    same = np.array_equal(np.asarray(chrominance).reshape(-1), QuantTables.ijg(quality).chrominance)
    return QualityEstimate(quality, exact and same, _nearest(chrominance, 1)[0])


def worse_generation(luminance: npt.ArrayLike, tables: QuantTables) -> bool:
    """Whether encoding a decoded JPEG again is pointless: it cannot be finer, and will hardly be smaller.

    Parameters
    ----------
    luminance : 64 steps of the source
    tables : QuantTables of the encoding that is planned

    Returns
    -------
    bool
        True unless the planned luminance steps are 1.4 times as coarse as the source's, or more, in the geometric mean.

    Examples
    --------
    >>> from codec.jpeg import QuantTables, worse_generation
    >>> source = QuantTables.ijg(85).luminance
    >>> [quality for quality in (95, 85, 80, 75) if worse_generation(source, QuantTables.ijg(quality))]
    [95, 85, 80]
    """
    coarser, finer = WORTHWHILE
    product = lambda steps: math.prod(int(step) for step in np.asarray(steps).reshape(-1))
    return product(tables.luminance) * finer**64 < product(luminance) * coarser**64  # exact: integers of any size
