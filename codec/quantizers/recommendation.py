"""Which quantizer for this data? Several are fitted to a sample, measured, and ranked with reasons."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParameterError
from .affine import Affine
from .analysis import Report, density_of, measure
from .calibrate import Observer
from .companding import Compander
from .densities import GeneralizedGaussian
from .entropy_coded import EntropyCoded
from .float8 import Float8
from .g711 import G711
from .histogram import Histogram, batches, pieces
from .lloyd_max import LloydMax
from .protocol import Quantizer, integer, real, refuse_unsquarable
from .uniform import DeadZone, Uniform

if TYPE_CHECKING:
    import numpy.typing as npt

    Sample = npt.NDArray[np.float64]

SAMPLE = 1 << 17
MOST_BITS = 16
# Differences that do not matter: the simpler quantizer is preferred.
EQUAL_DECIBEL, EQUAL_RATE = 0.1, 0.01
STEP_TOLERANCE = 0.002  # of the error: 0.009 dB
MOST_STEPS = 9
PER_LEVEL = 8  # values of the sample for each level that is fitted to it
FEW = 256  # distinct values: the data is discrete, and has shown all of them
DECIBEL_PER_BIT = 20 * math.log10(2)


@dataclass(frozen=True, eq=False)
class Recommendation:
    """A quantizer, fitted to the data, and what it does to it.

    Attributes
    ----------
    method : str
        Its name among `METHODS`.
    quantizer : Quantizer
    report : Report
        Of the data; of more than 131,072 values, of a sample that it was not fitted to.
    loss : float
        By how many dB the error of half of the data grows if the quantizer is fitted to the other half only, in place
        of all: what it may lose on other data alike. 0 for a `report` of values that it was not fitted to, and for data
        of at most 256 distinct values.
    reasons : tuple of str
        Why it has this rank.
    """

    method: str
    quantizer: Quantizer
    report: Report
    loss: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Method:
    """A kind of quantizer that can be recommended.

    Attributes
    ----------
    text : str
        What it is, in a phrase.
    of_bits : callable or None
        (sample, bits) -> a fitted quantizer of at most 2^bits codes, or None where there is none.
    of_step : callable or None
        (sample, step) -> a fitted quantizer for entropy coding, with a larger error for a larger step, or None.
    of_levels : callable or None
        (sample, levels) -> the same, with a smaller error for more levels.
    """

    text: str
    of_bits: Callable[[Sample, int], Quantizer | None] | None = None
    of_step: Callable[[Sample, float], Quantizer | None] | None = None
    of_levels: Callable[[Sample, int], Quantizer] | None = None


def _clipped(sample, bits):
    if bits < 2:
        return None
    observer = Observer("mse", bits=bits)
    observer.update(sample)
    low, high = observer.range()
    return Uniform(bits, low=low, high=high) if low < high else None


def _single(sample):
    """Whether values and steps of the data fit in single precision, which some quantizers compute in."""
    largest = float(np.abs(sample).max())
    return not largest or 1e-30 < largest < 1e38


def _float8(sample, bits):
    return Float8(scale=None).fit(sample) if bits == 8 and _single(sample) else None


def _power_law(sample, step):
    return Compander("power", step=step) if _single(sample) else None


def _affine(sample, bits, **settings):
    if bits not in (2, 4, 8, 16) or not _single(sample):
        return None
    return Affine(f"int{bits}", **settings).fit(sample)


def _lloyd_max(sample, bits):
    levels = 1 << bits
    return LloydMax(levels).fit(sample) if levels * PER_LEVEL <= sample.size or bits <= 6 else None


def _of_density(density):
    def make(sample, bits):
        return LloydMax(1 << bits, density=density).fit(sample) if bits <= 10 and np.ptp(sample) else None

    return make


def _compander(sample, bits):
    return Compander("mu", bits=bits).fit(sample) if sample.any() else None


def _g711(law, sample, bits):
    whole = bits == 8 and -32768 <= sample.min() and sample.max() <= 32767 and np.abs(sample).max() > 255
    return G711(law).fit(sample) if whole and (sample == np.rint(sample)).all() else None


# In the order of simplicity: of equals, the first is recommended.
METHODS: dict[str, Method] = {
    "uniform": Method(
        "equal steps from the least to the greatest value",
        lambda sample, bits: Uniform(bits).fit(sample),
    ),
    "rounding": Method(
        "rounding to the multiples of a step",
        None,
        lambda sample, step: DeadZone(step, 0.5),
    ),
    "uniform-mid-rise": Method(
        "equal cells from the least to the greatest value",
        lambda sample, bits: Uniform(bits, kind="mid-rise").fit(sample),
    ),
    "uniform-clipped": Method("equal steps over the range of least error, the rest clipped", _clipped),
    "affine": Method("integers with scale and zero point, as ONNX and TensorFlow Lite use", _affine),
    "affine-symmetric": Method(
        "integers with a scale, zero point 0", lambda sample, bits: _affine(sample, bits, symmetric=True)
    ),
    "dead-zone": Method("equal steps with a wider cell around zero", None, lambda sample, step: DeadZone(step, 1 / 3)),
    "mu-law": Method("logarithmic steps: equal relative precision", _compander),
    "g711-mu": Method("8-bit telephony codes of 16-bit samples, mu-law", functools.partial(_g711, "mu")),
    "g711-a": Method("8-bit telephony codes of 16-bit samples, A-law", functools.partial(_g711, "a")),
    "float8": Method("8-bit floating point", _float8),
    "lloyd-max-gaussian": Method("levels of least error for a Gaussian", _of_density("gaussian")),
    "lloyd-max-laplace": Method("levels of least error for a Laplacian", _of_density("laplace")),
    "power-law": Method(
        "steps that grow with |x|^(1/4), as MP3 and AAC use",
        None,
        _power_law,
    ),
    "entropy-coded": Method(
        "thresholds and levels of least error for the rate after entropy coding",
        None,
        # The optimum for a step S at high rate.
        lambda sample, step: EntropyCoded(lam=step**2 * math.log(2) / 6).fit(sample),
    ),
    "lloyd-max": Method(
        "levels of least error for this data", _lloyd_max, None, lambda sample, levels: LloydMax(levels).fit(sample)
    ),
}


def recommend(
    data: npt.ArrayLike | Iterator[npt.ArrayLike], *, bits: int | None = None, sqnr: float | None = None
) -> list[Recommendation]:
    """Rank quantizers for data, the one to use first.

    With `bits`, codes have a fixed length, and more signal to noise ranks higher. With `sqnr`, every quantizer that can
    reaches it, an entropy coder is assumed, and fewer bits per value (the entropy of the codes) rank higher. What a
    quantizer loses on values that it was not fitted to counts against it, 6.02 dB as one bit. Quantizers within 0.1 dB
    or 1 % of the rate of the best count as equal to it: the simplest of them is first, in the order of `METHODS`.

    Parameters
    ----------
    data : array of real numbers of any shape, or iterator of such arrays
        All finite. Up to 131,072 values are used as they are. Of more, up to twice as many are chosen at random (the
        same ones in every call): quantizers are fitted to one half of these, and measured on the other half. The least
        and the greatest value of the data are in both.
    bits : int
        1 to 16.
    sqnr : float
        Signal to quantization noise in dB, with the mean square as the signal; instead of `bits`.

    Returns
    -------
    list of Recommendation
        At least one.

    Raises
    ------
    ParameterError
        For data that is empty, not real or not finite, without or with both of `bits` and `sqnr`, for numbers out of
        range, and if no quantizer reaches `sqnr`.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.quantizers import recommend
    >>> best = recommend(np.random.default_rng(0).laplace(size=10_000), bits=3)[0]
    >>> best.method, best.quantizer, best.report.sqnr > 12
    ('lloyd-max-laplace', LloydMax(levels=8, density='laplace'), True)
    >>> recommend(np.random.default_rng(0).uniform(size=10_000), bits=3)[0].method
    'uniform-mid-rise'
    """
    if bits is None and sqnr is None or bits is not None and sqnr is not None:
        raise ParameterError("say either how many bits a code has, or which sqnr is wanted")
    if bits is not None:
        bits = integer(bits, "bits", low=1, high=MOST_BITS)
    target = real(0.0 if sqnr is None else sqnr, "sqnr")
    fitted, judged = _halves(sample_of(data, 2 * SAMPLE))
    found = candidates(fitted, judged, bits=bits, sqnr=target if bits is None else None)
    if bits is not None:
        return _ranked_by_error(judged, found)
    if not found:
        raise ParameterError(f"no quantizer of at most 2^16 steps reaches {target:g} dB on this data: ask for less")
    return _ranked_by_rate(judged, found, target)


def sample_of(data: npt.ArrayLike | Iterator[npt.ArrayLike], size: int = SAMPLE) -> Sample:
    """The values that `recommend` measures, in their order, as float64.

    Each value has a random key; those of the least keys are kept, so that the sample does not depend on the batches.
    """
    rng = np.random.default_rng(0)
    keys, places, values, seen = np.zeros(0), np.zeros(0, np.int64), np.zeros(0), 0
    ends: list[float] = []
    for number, batch in enumerate(batches(data, "data")):
        for piece in pieces(batch, f"batch {number} of data" if isinstance(data, Iterator) else "data"):
            keys = np.concatenate([keys, rng.random(piece.size)])
            places = np.concatenate([places, seen + np.arange(piece.size)])
            values = np.concatenate([values, piece])
            seen += piece.size
            ends = [min([*ends, float(piece.min())]), max([*ends, float(piece.max())])]
            if keys.size > size:
                kept = np.argpartition(keys, size - 1)[:size]
                keys, places, values = keys[kept], places[kept], values[kept]
    refuse_unsquarable(ends[0], ends[1], "data")
    values = values[np.argsort(places)]
    return values if seen <= size else np.concatenate([values, ends])


def _halves(sample):
    """Values to fit to, and values to judge by: all for both if there are few."""
    return (sample, sample) if sample.size <= SAMPLE else _split(sample)


def _split(sample):
    """Two halves, chosen at random, each in the order of the sample and with its extremes."""
    chosen = np.zeros(sample.size, bool)
    chosen[np.random.default_rng(1).permutation(sample.size)[: sample.size // 2]] = True
    ends = [sample.min(), sample.max()]
    return [np.concatenate([sample[which], ends]) for which in (chosen, ~chosen)]


@dataclass(frozen=True, eq=False)
class Candidate:
    """A fitted quantizer and its measurements, as in `Recommendation`."""

    quantizer: Quantizer
    report: Report
    loss: float

    @property
    def sqnr(self) -> float:
        """In dB, less what it loses; without error, and all zero: nothing is better."""
        decibel = self.report.sqnr
        return (1e9 if math.isnan(decibel) or decibel == math.inf else decibel) - self.loss

    @property
    def rate(self) -> float:
        """In bits per value, and more for what it loses."""
        return self.report.entropy + self.loss / DECIBEL_PER_BIT


def candidates(
    fitted: Sample, judged: Sample, *, bits: int | None = None, sqnr: float | None = None
) -> dict[str, Candidate]:
    """Every method that can, fitted to one sample and measured on another one; in the order of simplicity."""
    density = density_of(Histogram(judged))
    # What a quantizer has learned by heart shows in other data alone.
    halves = _split(fitted) if judged is fitted and np.unique(fitted).size > FEW else None
    found = {}
    for name, method in METHODS.items():
        q = None
        if sqnr is not None:
            q = _reaching(fitted, judged, method, float(np.mean(np.square(judged))) * 10 ** (-sqnr / 10))
        elif bits is not None and method.of_bits:
            q = method.of_bits(fitted, bits)
        if q is not None:
            found[name] = Candidate(q, measure(judged, q, lambda data: density), _loss(q, *halves) if halves else 0.0)
    return found


def _loss(q, half, rest):
    """How many dB the error on the rest is larger without the rest."""
    known, unknown = _error(rest, q), _error(rest, Quantizer.from_record(q.record()).fit(half))
    if unknown <= known:
        return 0.0
    return 10 * math.log10(unknown / known) if known else math.inf


def _error(sample, q):
    return float(np.mean(np.square(np.asarray(q.transform(sample), np.float64) - sample)))


def _reaching(fitted, judged, method, allowed):
    """The quantizer of a method with the largest step, or the fewest levels, whose error is allowed; or None. It is
    fitted to one sample, and its error is that of another one."""
    if method.of_step is not None:
        return _largest_step(fitted, judged, method.of_step, allowed)
    most = fitted.size // PER_LEVEL if method.of_levels else MOST_BITS
    make = method.of_levels or method.of_bits
    low, high, found = 1, max(1, most), None
    while low <= high:
        middle = (low + high) // 2
        q = make(fitted, middle)
        if q is not None and _error(judged, q) <= allowed:
            found, high = q, middle - 1
        elif q is None and not method.of_levels and middle > 8:
            high = middle - 1
        else:
            low = middle + 1
    return found


def _largest_step(fitted, judged, make, allowed):
    largest = float(np.abs(fitted).max())
    if not largest:
        return None
    # The error of a step is about step^2 / 12, so that its square root leads to the next step; where that leaves the
    # bracket, halve it. The error grows with the step, if not everywhere.
    low, high = largest / (2 ** (MOST_BITS - 1) - 2), 4 * largest
    best = make(fitted, low)
    if best is None or _error(judged, best) > allowed:
        return None
    step = min(max(math.sqrt(12 * allowed), 1.01 * low), high)
    for _ in range(MOST_STEPS):
        if low * (1 + STEP_TOLERANCE) >= high:
            break
        q = make(fitted, step)
        error = _error(judged, q)
        if error <= allowed:
            low, best = step, q
            if error > allowed * (1 - STEP_TOLERANCE):
                break
        else:
            high = step
        # Aims into the middle of the tolerance.
        step *= math.sqrt(allowed * (1 - STEP_TOLERANCE / 2) / error) if error else 2
        if not low < step < high:
            step = math.sqrt(low * high)
    return best


# ---------------------------------------------------------------- ranks and reasons


def _ranked_by_error(sample, found):
    ranked = sorted(found, key=lambda name: -found[name].sqnr)
    best = found[ranked[0]].sqnr
    equal = [name for name in METHODS if name in found and found[name].sqnr >= best - EQUAL_DECIBEL]
    ranked = [equal[0], *(name for name in ranked if name != equal[0])]
    about = _about(sample, found[ranked[0]].report)
    results = []
    for place, name in enumerate(ranked):
        one = found[name]
        if place == 0:
            why = [f"{METHODS[name].text}: {_decibel(one.report.sqnr)} at {one.report.bits} bits", *about]
            why += [_advantage(found, name, ranked[1:])] if ranked[1:] else []
            if len(equal) > 1:
                why.append(f"{', '.join(equal[1:])} within {EQUAL_DECIBEL} dB, but less simple")
        else:
            behind = found[ranked[0]].report.sqnr - one.report.sqnr
            why = [f"{METHODS[name].text}: {_distance(behind, one)}"]
        results.append(_recommendation(name, one, why))
    return results


def _ranked_by_rate(sample, found, sqnr):
    ranked = sorted(found, key=lambda name: found[name].rate)
    best = found[ranked[0]].rate
    equal = [name for name in METHODS if name in found and found[name].rate <= best * (1 + EQUAL_RATE)]
    ranked = [equal[0], *(name for name in ranked if name != equal[0])]
    about = _about(sample, found[ranked[0]].report)
    results = []
    for place, name in enumerate(ranked):
        one = found[name]
        report = one.report
        rate = f"{report.entropy:.3f} bits per value"
        if place == 0:
            why = [f"{METHODS[name].text}: {_decibel(report.sqnr)} at {rate} with entropy coding", *about]
            if report.gap is not None and report.density is not None:
                side = "above" if report.gap > -0.005 else "below"
                far = _decibel(abs(report.gap))
                why.append(f"{far} {side} Shannon's bound for the fitted {report.density.name} density")
            if len(equal) > 1:
                why.append(f"{', '.join(equal[1:])} within 1 % of the rate, but less simple")
        else:
            more = report.entropy - found[ranked[0]].report.entropy
            why = [f"{METHODS[name].text}: {rate}, {more:.3f} more" if more > 0 else f"{METHODS[name].text}: {rate}"]
        results.append(_recommendation(name, one, why))
    return results


def _recommendation(name, one, why):
    return Recommendation(name, one.quantizer, one.report, one.loss, tuple([*why, *_costs(one)]))


def _distance(behind, one):
    """From the best, for a reader."""
    if behind == math.inf:
        return f"{_decibel(one.report.sqnr)}, not without error"
    if behind >= 0.005:
        return f"{behind:.2f} dB less"
    return _decibel(one.report.sqnr) if one.loss > EQUAL_DECIBEL else "as good, but less simple"


def _decibel(value):
    return "without error" if not math.isfinite(value) else f"{round(value, 2) + 0.0:.2f} dB"


def _advantage(found, name, others):
    plain = "uniform" if "uniform" in others else others[0]
    sqnr = found[plain].report.sqnr
    if plain == name:
        return ""
    return f"{plain} reaches {_decibel(sqnr)}" if math.isfinite(sqnr) else f"{plain} makes no error either"


def _costs(one):
    report = one.report
    if one.loss > EQUAL_DECIBEL:
        much = f"{one.loss:.2f} dB less" if one.loss < math.inf else "not without error"
        yield f"{much} on values that it was not fitted to"
    if report.clipped:
        yield f"clips {100 * report.clipped:.3g} % of the values"
    if report.bits <= 8 and report.levels_used <= 1 << report.bits - 1 and report.mse:
        yield f"{report.levels_used} of {1 << report.bits} codes occur"


def _about(sample, report):
    """What the data is like, where it explains the choice."""
    distinct = np.unique(sample).size
    if distinct <= FEW:
        yield f"the data has {distinct} distinct values" if distinct > 1 else "the data is constant"
    zeros = float(np.mean(sample == 0))
    if zeros > 0.2 and distinct > 1:
        yield f"{100 * zeros:.0f} % of the values are 0"
    density = report.density
    if isinstance(density, GeneralizedGaussian) and distinct > FEW:
        if density.shape < 0.9:
            yield f"heavy tails: generalized Gaussian of shape {density.shape:.2f}"
        elif density.shape <= 1.1:
            yield "Laplacian data"
        elif density.shape <= 2.5:
            yield "bell-shaped data"
        else:
            yield "nearly flat data"
    elif distinct > FEW:
        yield "flat data"
