"""Probability densities of samples and coefficients: fits by maximum likelihood, differential entropy, Shannon's bound.

The generalized Gaussian has the density

    p(x) = b / (2 a G(1/b)) exp(-(|x - m| / a)^b)        G: the gamma function

with location m, scale a and shape b. Shape 2 is the Gaussian, shape 1 the Laplacian; the uniform density is its limit.
Its distribution function is the regularized incomplete gamma function Q(1/b, (|x - m| / a)^b), mirrored.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..errors import ParameterError
from ..pixels import as_array
from .protocol import real_values, refuse_unsquarable

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    import numpy.typing as npt

    Values = npt.NDArray[np.float64]

# Shapes that fits try. Below, the density is a spike in a desert; above, it is uniform to 1 % of its entropy.
LEAST_SHAPE, MOST_SHAPE = 0.1, 30.0
GOLDEN = (math.sqrt(5) - 1) / 2


class Density:
    """A probability density on the real line: `Gaussian`, `Laplacian`, `GeneralizedGaussian`, `UniformDensity`.

    Attributes
    ----------
    name : str
    parameters : int
        The number that `fit` chooses.
    """

    name: ClassVar[str]
    parameters: ClassVar[int] = 2

    @classmethod
    def fit(cls, x: npt.ArrayLike, counts: npt.ArrayLike | None = None) -> Self:
        """The density of this kind that makes the data most likely.

        Parameters
        ----------
        x : array of real numbers, any shape
            At least two different values.
        counts : array of the same shape, optional
            How often each value occurs: the counts of a histogram, with `x` its centres. Default: once.

        Raises
        ------
        ParameterError
            For data that is empty, not finite or constant, and for counts of another shape or below 0.
        """
        return cls._fit(*_weighted(x, counts))

    @classmethod
    def _fit(cls, x: Values, counts: Values) -> Self:
        raise NotImplementedError

    @property
    def mean(self) -> float:
        """The mean."""
        raise NotImplementedError

    @property
    def variance(self) -> float:
        """The variance."""
        raise NotImplementedError

    @property
    def entropy(self) -> float:
        """The differential entropy in bits."""
        raise NotImplementedError

    def pdf(self, x: npt.ArrayLike) -> Values:
        """The density at each value."""
        return np.exp(self.log_pdf(x))

    def log_pdf(self, x: npt.ArrayLike) -> Values:
        """The natural logarithm of the density; -inf where it is 0."""
        raise NotImplementedError

    def cdf(self, x: npt.ArrayLike) -> Values:
        """The probability of a value of at most x."""
        raise NotImplementedError

    def quantile(self, p: npt.ArrayLike) -> Values:
        """The value that the probability p lies below: the inverse of `cdf`. 0 and 1 give the ends, which may be
        infinite.

        Raises
        ------
        ParameterError
            For p outside of 0..1.
        """
        raise NotImplementedError

    def log_likelihood(self, x: npt.ArrayLike, counts: npt.ArrayLike | None = None) -> float:
        """The natural logarithm of the likelihood of the data."""
        values, weights = _weighted(x, counts, constant=True)
        return dot(self.log_pdf(values).ravel(), weights)


@dataclass(frozen=True)
class GeneralizedGaussian(Density):
    """The generalized Gaussian density.

    Parameters
    ----------
    location : float
    scale : float
        Above 0. The standard deviation is scale * sqrt(G(3/shape) / G(1/shape)).
    shape : float
        Within 0.1..30: 2 Gaussian, 1 Laplacian, below 1 sharper. Coefficients of pictures have 0.5 to 1.

    Examples
    --------
    >>> from codec.quantizers.densities import GeneralizedGaussian
    >>> density = GeneralizedGaussian(0, 2 ** 0.5, 2)         # the Gaussian of variance 1
    >>> round(density.variance, 12), round(density.entropy, 4), float(density.cdf(0))
    (1.0, 2.0471, 0.5)
    """

    location: float
    scale: float
    shape: float
    name: ClassVar[str] = "generalized-gaussian"
    parameters: ClassVar[int] = 3

    def __post_init__(self) -> None:
        if not (math.isfinite(self.location) and 0 < self.scale < math.inf):
            raise ParameterError(
                f"location must be finite and scale above 0 and finite, not {self.location} and {self.scale}"
            )
        if not LEAST_SHAPE <= self.shape <= MOST_SHAPE:
            raise ParameterError(f"shape must be within {LEAST_SHAPE}..{MOST_SHAPE:g}, not {self.shape}")

    @classmethod
    def _fit(cls, x, counts):
        """For a given shape the likelihood determines the scale, so that only the shape and the location are searched,
        in turn. Below shape 1 the likelihood has a maximum at every value: the location is the median there.
        """
        location, shape = _median(x, counts), 1.0
        for _ in range(8):
            logs = _log(np.abs(x - location))
            found = math.exp(
                golden_section(
                    lambda b: _negative_log_likelihood(logs, counts, math.exp(b)), *np.log((LEAST_SHAPE, MOST_SHAPE))
                )
            )
            moved = _location(x, counts, found)
            settled = abs(found - shape) <= 1e-6 * shape and moved == location
            shape, location = min(max(found, LEAST_SHAPE), MOST_SHAPE), moved
            if settled:
                break
        return cls(location, _scale(_log(np.abs(x - location)), counts, shape), shape)

    @property
    def mean(self) -> float:
        return self.location

    @property
    def variance(self) -> float:
        return self.scale**2 * math.exp(math.lgamma(3 / self.shape) - math.lgamma(1 / self.shape))

    @property
    def entropy(self) -> float:
        return (1 / self.shape + self._log_norm()) / math.log(2)

    def _log_norm(self):
        return math.log(2 * self.scale / self.shape) + math.lgamma(1 / self.shape)

    def log_pdf(self, x: npt.ArrayLike) -> Values:
        return -(np.abs(self._standard(x)) ** self.shape) - self._log_norm()

    def cdf(self, x: npt.ArrayLike) -> Values:
        standard = self._standard(x)
        tail = 0.5 * upper_gamma(1 / self.shape, np.abs(standard) ** self.shape)
        return np.where(standard < 0, tail, 1 - tail)

    def quantile(self, p: npt.ArrayLike) -> Values:
        p = _probabilities(p)
        tail = 2 * np.minimum(p, 1 - p)
        away = np.exp(_inverse_log_upper_gamma(1 / self.shape, tail) / self.shape)
        return self.location + self.scale * np.where(p < 0.5, -away, away)

    def _standard(self, x):
        return (as_array(x, "x", np.float64) - self.location) / self.scale


class _OfShape(GeneralizedGaussian):
    """A generalized Gaussian of fixed shape."""

    parameters: ClassVar[int] = 2

    def __repr__(self):
        return f"{type(self).__name__}({self.location!r}, {self._own_scale()!r})"


class Gaussian(_OfShape):
    """The Gaussian density.

    Parameters
    ----------
    mean : float, default 0
    deviation : float, default 1
        The standard deviation, above 0.

    Examples
    --------
    >>> from codec.quantizers.densities import Gaussian
    >>> Gaussian.fit([1, 2, 3, 4])
    Gaussian(2.5, 1.118033988749895)
    >>> round(float(Gaussian().quantile(0.975)), 4)
    1.96
    """

    name: ClassVar[str] = "gaussian"

    def __init__(self, mean: float = 0.0, deviation: float = 1.0) -> None:
        super().__init__(mean, deviation * math.sqrt(2), 2.0)

    def _own_scale(self):
        return self.scale / math.sqrt(2)

    @classmethod
    def _fit(cls, x, counts):
        mean = float(np.average(x, weights=counts))
        return cls(mean, math.sqrt(float(np.average((x - mean) ** 2, weights=counts))))


class Laplacian(_OfShape):
    """The Laplacian density exp(-|x - location| / scale) / (2 scale); its variance is 2 scale^2.

    Parameters
    ----------
    location : float, default 0
    scale : float, default 1
        Above 0.

    Examples
    --------
    >>> from codec.quantizers.densities import Laplacian
    >>> Laplacian.fit([-2, 0, 1])
    Laplacian(0.0, 1.0)
    """

    name: ClassVar[str] = "laplacian"

    def __init__(self, location: float = 0.0, scale: float = 1.0) -> None:
        super().__init__(location, scale, 1.0)

    def _own_scale(self):
        return self.scale

    @classmethod
    def _fit(cls, x, counts):
        location = _median(x, counts)
        return cls(location, float(np.average(np.abs(x - location), weights=counts)))


@dataclass(frozen=True)
class UniformDensity(Density):
    """The same density everywhere from low to high.

    Parameters
    ----------
    low, high : float
        low < high.

    Examples
    --------
    >>> from codec.quantizers.densities import UniformDensity
    >>> UniformDensity(0, 8).entropy
    3.0
    """

    low: float
    high: float
    name: ClassVar[str] = "uniform"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.high - self.low) and self.low < self.high):
            raise ParameterError(f"low must be below high and both finite, not {self.low} and {self.high}")

    @classmethod
    def _fit(cls, x, counts):
        there = x[counts > 0]
        return cls(float(there.min()), float(there.max()))

    @property
    def mean(self) -> float:
        return self.low + (self.high - self.low) / 2

    @property
    def variance(self) -> float:
        return (self.high - self.low) ** 2 / 12

    @property
    def entropy(self) -> float:
        return math.log2(self.high - self.low)

    def log_pdf(self, x: npt.ArrayLike) -> Values:
        x = as_array(x, "x", np.float64)
        return np.where((x >= self.low) & (x <= self.high), -math.log(self.high - self.low), -np.inf)

    def cdf(self, x: npt.ArrayLike) -> Values:
        return np.clip((as_array(x, "x", np.float64) - self.low) / (self.high - self.low), 0, 1)

    def quantile(self, p: npt.ArrayLike) -> Values:
        return self.low + _probabilities(p) * (self.high - self.low)


DENSITIES: dict[str, type[Density]] = {
    kind.name: kind for kind in (Gaussian, Laplacian, GeneralizedGaussian, UniformDensity)
}


def fit_density(x: npt.ArrayLike, counts: npt.ArrayLike | None = None) -> Density:
    """The density of the four kinds that describes the data best, by the Bayesian information criterion: twice the
    log-likelihood less ln(number of values) for each parameter (Schwarz, Annals of Statistics 6(2), 1978).

    Parameters
    ----------
    x, counts
        As in `Density.fit`.

    Returns
    -------
    Density

    Raises
    ------
    ParameterError
        For data that is empty, not finite or constant.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.quantizers.densities import fit_density
    >>> fit_density(np.random.default_rng(0).laplace(size=10_000)).name
    'laplacian'
    """
    values, weights = _weighted(x, counts)
    fits = [kind._fit(values, weights) for kind in DENSITIES.values()]
    penalty = math.log(weights.sum())
    return max(fits, key=lambda one: 2 * dot(one.log_pdf(values), weights) - one.parameters * penalty)


def shannon_bound(x: Density | npt.ArrayLike, rate: float) -> float:
    """The mean squared error that no quantizer of independent samples stays below at a rate: Shannon's lower bound,
    2^(2 (h - rate)) / (2 pi e) for the differential entropy h in bits (Cover and Thomas, Elements of Information
    Theory, 10.3.2 and problem 10.8). For a Gaussian it is reached, by codes of long blocks.

    Parameters
    ----------
    x : Density, or array of real numbers
        For data, the density that `fit_density` chooses: the bound is as good as that fit, and knows nothing about the
        dependence between samples.
    rate : float
        Bits per sample, at least 0.

    Returns
    -------
    float

    Raises
    ------
    ParameterError
        For a rate below 0 and for data that `fit_density` refuses.

    Examples
    --------
    >>> from codec.quantizers import shannon_bound
    >>> from codec.quantizers.densities import Gaussian
    >>> round(shannon_bound(Gaussian(), 2), 12)
    0.0625
    """
    if not (isinstance(rate, (int, float, np.number)) and 0 <= rate < math.inf):
        raise ParameterError(f"rate must be bits per sample, 0 or more, not {rate!r}")
    density = x if isinstance(x, Density) else fit_density(x)
    return 2.0 ** (2 * (density.entropy - float(rate))) / (2 * math.pi * math.e)


def dot(a: Values, b: npt.NDArray[Any]) -> float:
    """The sum of products, without the threads of BLAS: they cost more than they save here, and the sum would depend on
    their number.
    """
    return float(np.einsum("i,i->", a, b))


# ---------------------------------------------------------------- fits


def _weighted(x: Any, counts: Any, constant: bool = False) -> tuple[Values, Values]:
    values = real_values(x).astype(np.float64, copy=False).ravel()
    if counts is None:
        weights = np.ones(values.size)
    else:
        weights = as_array(counts, "counts", np.float64).ravel()
        if weights.size != values.size or not (weights >= 0).all() or not 0 < weights.sum() < math.inf:
            raise ParameterError(f"counts must be {values.size} numbers from 0 on, not all 0")
    there = values[weights > 0]
    refuse_unsquarable(float(there.min()), float(there.max()))
    if not constant and there.min() == there.max():
        raise ParameterError(f"all values are {there[0]:g}: constant data has no density")
    return values, weights


def _median(x, counts):
    order = np.argsort(x, kind="stable")
    below = np.cumsum(counts[order])
    half = below[-1] / 2
    at = int(np.searchsorted(below, half))
    low = float(x[order[at]])
    if below[at] == half:  # between two values of positive count
        high = float(x[order[int(np.searchsorted(below, half, "right"))]])
        return low + (high - low) / 2
    return low


def _log(magnitudes):
    with np.errstate(divide="ignore"):
        return np.log(magnitudes)


def _log_power_mean(logs, counts, shape):
    """ln of the mean of |x - m|^shape, with the largest factored out."""
    top = float(logs.max())
    return shape * top + math.log(float(np.average(np.exp(shape * (logs - top)), weights=counts)))


def _scale(logs, counts, shape):
    """The most likely scale: (shape * mean |x - m|^shape)^(1 / shape)."""
    return math.exp((math.log(shape) + _log_power_mean(logs, counts, shape)) / shape)


def _negative_log_likelihood(logs, counts, shape):
    """Per value, at the most likely scale: 1/b + ln(2 a G(1/b) / b)."""
    return (
        1 / shape
        + math.log(2 / shape)
        + (math.log(shape) + _log_power_mean(logs, counts, shape)) / shape
        + math.lgamma(1 / shape)
    )


def _location(x, counts, shape):
    """The m with the least sum of |x - m|^shape, a convex problem from shape 1 on."""
    if shape <= 1:
        return _median(x, counts)
    if abs(shape - 2) < 1e-3:
        return float(np.average(x, weights=counts))
    return golden_section(lambda m: _log_power_mean(_log(np.abs(x - m)), counts, shape), float(x.min()), float(x.max()))


def golden_section(function: Callable[[float], float], low: float, high: float, rounds: int = 32) -> float:
    """Where a function of one minimum has it, within low..high. The bracket shrinks to 0.618^rounds of its width."""
    a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_a, at_b = function(a), function(b)
    for _ in range(rounds):
        if at_a < at_b:
            high, b, at_b = b, a, at_a
            a = high - GOLDEN * (high - low)
            at_a = function(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + GOLDEN * (high - low)
            at_b = function(b)
    return (low + high) / 2


# ---------------------------------------------------------------- the incomplete gamma function


def upper_gamma(a: float, t: Values) -> Values:
    """Q(a, t), the regularized upper incomplete gamma function, for 0.03 <= a <= 10 and t >= 0, to 1e-13 of its value
    down to 1e-300: the power series of P below a + 1 (DLMF 8.7.1), the continued fraction of Q above (DLMF 8.9.2).
    """
    t = np.asarray(t, np.float64)
    found = np.zeros(t.shape)
    small = t < a + 1
    found[small] = 1 - _lower_series(a, t[small])
    large = ~small & (t < math.inf)
    found[large] = _upper_fraction(a, t[large])
    return np.where(np.isnan(t), np.nan, found)


def _front(a, t):
    """t^a e^-t / G(a)"""
    return np.exp(a * _log(t) - t - math.lgamma(a))


def _lower_series(a, t):
    """P = t^a e^-t / G(a) * sum over n of t^n / (a (a+1) ... (a+n))"""
    term = np.full(t.shape, 1 / a)
    total, n = term.copy(), a
    while term.size and (term > 1e-17 * total).any():
        n += 1
        term *= t / n
        total += term
    return _front(a, t) * total


def _upper_fraction(a, t):
    """Q = t^a e^-t / G(a) * 1/(t+1-a - 1(1-a)/(t+3-a - 2(2-a)/(t+5-a - ...))), by Lentz's recurrence. From t = a + 1 on
    all partial denominators are positive.
    """
    b = t + 1 - a
    c, d = np.full(t.shape, 1e300), 1 / b
    total = d.copy()
    for n in range(1, 1000):
        b = b + 2
        step = -n * (n - a)
        d = 1 / (step * d + b)
        c = b + step / c
        factor = c * d
        total *= factor
        if not total.size or np.abs(factor - 1).max() < 1e-15:
            break
    return _front(a, t) * total


def _inverse_log_upper_gamma(a, q):
    """ln t with Q(a, t) = q, by halving 80 times; -inf for q = 1 and inf for q = 0. Near q = 1, P = t^a / G(a + 1)."""
    low, high = np.full(q.shape, -800.0), np.full(q.shape, 7.0)  # e^7 > 1000: Q < 1e-300
    for _ in range(80):
        middle = (low + high) / 2
        above = upper_gamma(a, np.exp(middle)) > q
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.select([q <= 0, q >= 1], [math.inf, -math.inf], (low + high) / 2)


def _probabilities(p):
    p = as_array(p, "p", np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise ParameterError("p must be probabilities within 0..1")
    return p
