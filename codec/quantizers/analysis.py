"""What a quantizer does to data: error, rate, clipping, and the distance to Shannon's bound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ParameterError
from .densities import dot, fit_density, shannon_bound, upper_gamma
from .histogram import Histogram, batches, pieces
from .protocol import Quantizer, refuse_unsquarable

if TYPE_CHECKING:
    import numpy.typing as npt

    from .densities import Density

LAGS = 16
SHOWN_BINS = 512
FIT_BINS = 1 << 12
SPREAD = 32


@dataclass(frozen=True, eq=False)
class Report:
    """Measurements of a quantizer on data. Errors are decoded value minus value; powers are means of squares.

    Attributes
    ----------
    quantizer : str
        Its constructor call.
    count : int
        Values.
    minimum, maximum, mean, deviation : float
        Of the data; `deviation` is the standard deviation.
    least_magnitude : float
        The smallest |x| above 0; 0 if there is none.
    bits : int
        Of a code of fixed length.
    entropy : float
        Bits per value that an ideal entropy coder needs for the codes, as independent ones.
    levels_used : int
        Different codes that occur.
    clipped_low, clipped_high : int
        Values beyond `limits` of the quantizer: beyond the last level by more than half the distance to its neighbour,
        or beyond the peak of a `Compander`.
    mse, max_error, mean_error : float
        Mean squared, largest absolute and mean error.
    error_correlation : float
        Correlation of error and data, -1..1; 0 if one of them is constant.
    error_autocorrelation : (16,) float64
        Of the errors in the order of the flattened data, at lags 1 to 16; 0 if the error is constant.
    whiteness : float
        The probability that independent errors are as autocorrelated as these (Ljung and Box, Biometrika 65(2), 1978).
        Near 0: the errors have a pattern.
    data, error : Histogram
        With at most 512 bins.
    density : Density or None
        What `fit_density` makes of the data; None for constant data.
    """

    quantizer: str
    count: int
    minimum: float
    maximum: float
    mean: float
    deviation: float
    least_magnitude: float
    bits: int
    entropy: float
    levels_used: int
    clipped_low: int
    clipped_high: int
    mse: float
    max_error: float
    mean_error: float
    error_correlation: float
    error_autocorrelation: npt.NDArray[np.float64]
    whiteness: float
    data: Histogram
    error: Histogram
    density: Density | None

    @property
    def power(self) -> float:
        """The mean square of the data."""
        return self.mean**2 + self.deviation**2

    @property
    def sqnr(self) -> float:
        """Signal to quantization noise in dB: `power` over `mse`; inf without error, NaN if all is 0."""
        if not self.mse:
            return math.inf if self.power else math.nan
        return 10 * math.log10(self.power / self.mse) if self.power else -math.inf

    @property
    def bits_used(self) -> int:
        """Bits of a code of fixed length for the codes that occur."""
        return max(1, (self.levels_used - 1).bit_length())

    @property
    def dynamic_range(self) -> float:
        """The largest magnitude over the smallest one above 0, in dB; 0 if all values are 0."""
        largest = max(abs(self.minimum), abs(self.maximum))
        return 20 * math.log10(largest / self.least_magnitude) if largest else 0.0

    @property
    def clipped(self) -> float:
        """The share of values that are clipped, 0..1."""
        return (self.clipped_low + self.clipped_high) / self.count

    @property
    def bound(self) -> float | None:
        """Shannon's lower bound of the mean squared error at the rate `entropy`, for the fitted density."""
        return None if self.density is None else shannon_bound(self.density, self.entropy)

    @property
    def gap(self) -> float | None:
        """`mse` over `bound` in dB. At high rate, uniform quantization with entropy coding stays at 1.53. Below 0 the
        density does not describe the data: it is discrete, or has several peaks. None without error or density.
        """
        return 10 * math.log10(self.mse / self.bound) if self.mse and self.bound else None

    def as_dict(self) -> dict[str, Any]:
        """The numbers as JSON can hold them: infinity as "inf", what is not defined as None, histograms left out."""
        names = [name for name in self.__dataclass_fields__ if name not in ("data", "error", "density")]
        record = {name: getattr(self, name) for name in (*names, "sqnr", "dynamic_range", "clipped", "bound", "gap")}
        record["error_autocorrelation"] = self.error_autocorrelation.tolist()
        record["density"] = None if self.density is None else repr(self.density)
        return {name: _plain(value) for name, value in record.items()}


def _plain(value):
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def analyse(x: npt.ArrayLike | Iterator[npt.ArrayLike], q: Quantizer) -> Report:
    """Quantize data and measure what happens.

    Parameters
    ----------
    x : array of real numbers of any shape, or iterator of such arrays
        All finite. Long arrays and memory-mapped files are read in pieces, so that memory stays bounded; arrays for a
        quantizer with an `axis` or a `block` are taken whole.
    q : Quantizer
        Fitted, where it needs to be.

    Returns
    -------
    Report

    Raises
    ------
    ParameterError
        For data that is empty, not real or not finite, and for a quantizer that was not fitted.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.quantizers import Uniform, analyse
    >>> x = np.random.default_rng(0).uniform(-1, 1, 100_000)
    >>> report = analyse(x, Uniform(8).fit(x))
    >>> round(report.sqnr), report.clipped, report.density.name
    (48, 0.0, 'uniform')
    """
    return measure(x, q)


def density_of(data: Histogram) -> Density | None:
    """The density of a histogram; None if all values are equal.

    A density cannot tell a spike from a peak: values must be spread over their bins. Multiples of a number (integers,
    samples) get bins as wide as that number, as far as it is a power of two, and bins of many values count as points
    all over them.
    """
    if data.minimum == data.maximum:
        return None
    filled = np.flatnonzero(data.counts)
    spacing = int(np.gcd.reduce(np.diff(filled))) if filled.size > 1 else 1
    shown = data.coarser(spacing.bit_length() - 1).at_most(FIT_BINS)
    full = shown.counts > shown.total // 100
    spread = (np.arange(SPREAD) + 0.5) / SPREAD
    edges, counts = shown.edges[:-1], shown.counts
    points = np.concatenate([shown.centres[~full], (edges[full, None] + spread * shown.width).ravel()])
    return fit_density(points, np.concatenate([counts[~full], np.repeat(counts[full] / SPREAD, SPREAD)]))


def measure(
    x: npt.ArrayLike | Iterator[npt.ArrayLike], q: Quantizer, fit: Callable[[Histogram], Density | None] = density_of
) -> Report:
    """`analyse`, with another way to a density: who measures several quantizers on one sample fits it once."""
    if not isinstance(q, Quantizer):
        raise ParameterError(f"q must be a quantizer such as codec.quantizers.Uniform, not {type(q).__name__}")
    whole = q.settings().get("axis") is not None
    sums = _Sums(q, whole)
    for number, batch in enumerate(batches(x)):
        name = f"batch {number} of x" if isinstance(x, Iterator) else "x"
        parts = pieces(batch, name)
        if whole:
            parts = iter([np.concatenate([*parts]).reshape(batch.shape)])
        for part in parts:
            sums.add(part)
    return sums.report(fit)


class _Sums:
    """What one pass over the data gathers."""

    def __init__(self, q, whole):
        self.q, self.whole, self.n = q, whole, 0
        self.data, self.error = Histogram(), Histogram()
        self.codes, self.counts = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.least, self.max_error = math.inf, 0.0
        # Sums are taken about the first value: a mean far from 0 costs no digits.
        self.shift = None
        self.x = self.xx = self.e = self.ee = self.xe = 0.0
        self.clipped = [0, 0]
        self.recent, self.lagged = np.zeros(0), np.zeros(LAGS)

    def add(self, x):
        refuse_unsquarable(float(x.min()), float(x.max()))
        codes = self.q.encode(x)
        error = self.q.decode(codes).astype(np.float64).ravel() - x.ravel()
        if self.shift is None:
            self.shift, self.limits = float(x.flat[0]), None if self.whole else self.q.limits()
        low, high = self.limits or _limits_by_channel(self.q, x.shape)
        x = x.ravel()
        self.n += x.size
        self.data.update(x)
        self.error.update(error)
        self._count(codes)
        magnitudes = np.abs(x[x != 0])
        if magnitudes.size:
            self.least = min(self.least, float(magnitudes.min()))
        self.max_error = max(self.max_error, float(np.abs(error).max()))
        self.clipped[0] += int(np.count_nonzero(x < low))
        self.clipped[1] += int(np.count_nonzero(x > high))
        d = x - self.shift
        self.x, self.xx, self.xe = self.x + d.sum(), self.xx + dot(d, d), self.xe + dot(d, error)
        self.e, self.ee = self.e + error.sum(), self.ee + dot(error, error)
        self._lag(error)

    def _count(self, codes):
        low, high = int(codes.min()), int(codes.max())
        if high - low < 4 * codes.size:
            counts = np.bincount(codes.ravel().astype(np.int64) - low)
            seen = np.flatnonzero(counts)
            seen, counts = seen + low, counts[seen]
        else:
            seen, counts = np.unique(codes, return_counts=True)
        self.codes, at = np.unique(np.concatenate([self.codes, seen.astype(np.int64)]), return_inverse=True)
        self.counts = np.bincount(at, np.concatenate([self.counts, counts]), self.codes.size).astype(np.int64)

    def _lag(self, error):
        joined = np.concatenate([self.recent, error])
        start = self.recent.size
        for lag in range(1, LAGS + 1):
            first = min(max(start, lag), joined.size)
            self.lagged[lag - 1] += dot(joined[first:], joined[max(0, first - lag) : max(0, joined.size - lag)])
        self.recent = joined[-LAGS:]

    def report(self, fit):
        n = self.n
        mean, e_mean = self.x / n, self.e / n
        variance, e_variance = max(0.0, self.xx / n - mean**2), max(0.0, self.ee / n - e_mean**2)
        constant = self.data.minimum == self.data.maximum
        spread = 0.0 if constant else math.sqrt(variance)
        autocorrelation = np.zeros(LAGS)
        if e_variance > 1e-24 * self.ee / n and n > LAGS + 1:
            autocorrelation = (self.lagged / (n - np.arange(1, LAGS + 1)) - e_mean**2) / e_variance
        product = spread * math.sqrt(e_variance)
        box = n * (n + 2) * float((autocorrelation**2 / np.maximum(n - np.arange(1, LAGS + 1), 1)).sum())
        p = self.counts / n
        return Report(
            quantizer=repr(self.q),
            count=n,
            minimum=self.data.minimum,
            maximum=self.data.maximum,
            mean=self.shift + mean,
            deviation=spread,
            least_magnitude=self.least if self.least < math.inf else 0.0,
            bits=self.q.bits,
            entropy=max(0.0, float(-(p * np.log2(p)).sum())),
            levels_used=self.codes.size,
            clipped_low=self.clipped[0],
            clipped_high=self.clipped[1],
            mse=self.ee / n,
            max_error=self.max_error,
            mean_error=e_mean,
            error_correlation=(self.xe / n - mean * e_mean) / product if product else 0.0,
            error_autocorrelation=autocorrelation,
            whiteness=float(upper_gamma(LAGS / 2, np.array(box / 2))),
            data=self.data.at_most(SHOWN_BINS),
            error=self.error.at_most(SHOWN_BINS),
            density=fit(self.data),
        )


def _limits_by_channel(q, shape):
    """`limits` for each value of an array, flattened: every channel or block has levels of its own."""
    low, high = q.code_range
    ends = [q.decode(np.full(shape, code)).astype(np.float64).ravel() for code in (low, low + 1, high - 1, high)]
    return ends[0] - (ends[1] - ends[0]) / 2, ends[3] + (ends[3] - ends[2]) / 2
