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
from .protocol import Quantizer, real, refuse_unsquarable
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


@dataclass(frozen=True, eq=False)
class Recommendation:
    """A quantizer, fitted to a sample of the data, and what it does to the sample.

    Attributes
    ----------
    method : str
        Its name among `METHODS`.
    quantizer : Quantizer
    report : Report
        Of the sample.
    reasons : tuple of str
        Why it has this rank.
    """

    method: str
    quantizer: Quantizer
    report: Report
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
    reaches it, an entropy coder is assumed, and fewer bits per value (the entropy of the codes) rank higher. Quantizers
    within 0.1 dB or 1 % of the rate of the best count as equal to it: the simplest of them is first, in the order of
    `METHODS`.

    Parameters
    ----------
    data : array of real numbers of any shape, or iterator of such arrays
        All finite. Up to 131,072 values are used as they are; of more, as many are chosen at random (the same ones in
        every call) besides the least and the greatest one.
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
    if bits is not None and (not isinstance(bits, int) or not 1 <= bits <= MOST_BITS):
        raise ParameterError(f"bits must be an integer within 1..{MOST_BITS}, not {bits!r}")
    target = real(0.0 if sqnr is None else sqnr, "sqnr")
    sample = sample_of(data)
    if bits is not None:
        return _ranked_by_error(sample, candidates(sample, bits=bits))
    found = candidates(sample, sqnr=target)
    if not found:
        raise ParameterError(f"no quantizer of at most 2^16 steps reaches {target:g} dB on this data: ask for less")
    return _ranked_by_rate(sample, found, target)


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


def candidates(
    sample: Sample, *, bits: int | None = None, sqnr: float | None = None
) -> dict[str, tuple[Quantizer, Report]]:
    """Every method that can, fitted and measured; in the order of simplicity."""
    density = density_of(Histogram(sample))
    found = {}
    for name, method in METHODS.items():
        q = None
        if sqnr is not None:
            allowed = float(np.mean(np.square(sample))) * 10 ** (-sqnr / 10)
            q = _reaching(sample, method, allowed)
        elif bits is not None and method.of_bits:
            q = method.of_bits(sample, bits)
        if q is not None:
            found[name] = q, measure(sample, q, lambda data: density)
    return found


def _error(sample, q):
    return float(np.mean(np.square(np.asarray(q.transform(sample), np.float64) - sample)))


def _reaching(sample, method, allowed):
    """The quantizer of a method with the largest step, or the fewest levels, whose error is allowed; or None."""
    if method.of_step is not None:
        return _largest_step(sample, method.of_step, allowed)
    most = sample.size // PER_LEVEL if method.of_levels else MOST_BITS
    make = method.of_levels or method.of_bits
    low, high, found = 1, max(1, most), None
    while low <= high:
        middle = (low + high) // 2
        q = make(sample, middle)
        if q is not None and _error(sample, q) <= allowed:
            found, high = q, middle - 1
        elif q is None and not method.of_levels and middle > 8:
            high = middle - 1
        else:
            low = middle + 1
    return found


def _largest_step(sample, make, allowed):
    largest = float(np.abs(sample).max())
    if not largest:
        return None
    # The error of a step is about step^2 / 12, so that its square root leads to the next step; where that leaves the
    # bracket, halve it. The error grows with the step, if not everywhere.
    low, high = largest / 2 ** (MOST_BITS - 1), 4 * largest
    best = make(sample, low)
    if best is None or _error(sample, best) > allowed:
        return None
    step = min(max(math.sqrt(12 * allowed), 1.01 * low), high)
    for _ in range(MOST_STEPS):
        if low * (1 + STEP_TOLERANCE) >= high:
            break
        q = make(sample, step)
        error = _error(sample, q)
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
    ranked = sorted(found, key=lambda name: -_finite(found[name][1].sqnr))
    best = _finite(found[ranked[0]][1].sqnr)
    equal = [name for name in METHODS if name in found and _finite(found[name][1].sqnr) >= best - EQUAL_DECIBEL]
    ranked = [equal[0], *(name for name in ranked if name != equal[0])]
    about = _about(sample, found[ranked[0]][1])
    results = []
    for place, name in enumerate(ranked):
        q, report = found[name]
        if place == 0:
            why = [f"{METHODS[name].text}: {_decibel(report.sqnr)} at {report.bits} bits", *about]
            why += [_advantage(found, name, ranked[1:], lambda r: f"{_decibel(r.sqnr)}")] if ranked[1:] else []
            if len(equal) > 1:
                why.append(f"{', '.join(equal[1:])} within {EQUAL_DECIBEL} dB, but less simple")
        else:
            behind = found[ranked[0]][1].sqnr - report.sqnr
            distance = f"{behind:.2f} dB less" if behind >= 0.005 else "as good, but less simple"
            why = [f"{METHODS[name].text}: {distance}"]
        results.append(Recommendation(name, q, report, tuple([*why, *_costs(report)])))
    return results


def _ranked_by_rate(sample, found, sqnr):
    ranked = sorted(found, key=lambda name: found[name][1].entropy)
    best = found[ranked[0]][1].entropy
    equal = [name for name in METHODS if name in found and found[name][1].entropy <= best * (1 + EQUAL_RATE)]
    ranked = [equal[0], *(name for name in ranked if name != equal[0])]
    about = _about(sample, found[ranked[0]][1])
    results = []
    for place, name in enumerate(ranked):
        q, report = found[name]
        rate = f"{report.entropy:.3f} bits per value"
        if place == 0:
            why = [f"{METHODS[name].text}: {sqnr:g} dB at {rate} with entropy coding", *about]
            if report.gap is not None and report.density is not None:
                why.append(f"{report.gap:.2f} dB above Shannon's bound for the fitted {report.density.name} density")
            if len(equal) > 1:
                why.append(f"{', '.join(equal[1:])} within 1 % of the rate, but less simple")
        else:
            more = report.entropy - found[ranked[0]][1].entropy
            why = [f"{METHODS[name].text}: {rate}, {more:.3f} more" if more > 0 else f"{METHODS[name].text}: {rate}"]
        results.append(Recommendation(name, q, report, tuple([*why, *_costs(report)])))
    return results


def _finite(decibel):
    """Without error, and all zero: nothing is better."""
    return 1e9 if math.isnan(decibel) or decibel == math.inf else decibel


def _decibel(value):
    return "without error" if not math.isfinite(value) else f"{value:.2f} dB"


def _advantage(found, name, others, show):
    plain = "uniform" if "uniform" in others else others[0]
    return f"{plain} reaches {show(found[plain][1])}" if plain != name else ""


def _costs(report):
    if report.clipped:
        yield f"clips {100 * report.clipped:.3g} % of the values"
    if report.bits <= 8 and report.levels_used <= 1 << report.bits - 1 and report.mse:
        yield f"{report.levels_used} of {1 << report.bits} codes occur"


def _about(sample, report):
    """What the data is like, where it explains the choice."""
    distinct = np.unique(sample).size
    if distinct <= 256:
        yield f"the data has {distinct} distinct values" if distinct > 1 else "the data is constant"
    zeros = float(np.mean(sample == 0))
    if zeros > 0.2 and distinct > 1:
        yield f"{100 * zeros:.0f} % of the values are 0"
    density = report.density
    if isinstance(density, GeneralizedGaussian) and distinct > 256:
        if density.shape < 0.9:
            yield f"heavy tails: generalized Gaussian of shape {density.shape:.2f}"
        elif density.shape <= 1.1:
            yield "Laplacian data"
        elif density.shape <= 2.5:
            yield "bell-shaped data"
        else:
            yield "nearly flat data"
    elif distinct > 256:
        yield "flat data"
