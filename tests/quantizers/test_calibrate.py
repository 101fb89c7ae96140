"""Observers: one answer for any batches; each method against its definition, written plainly."""

import math

import numpy as np
import pytest

from codec.errors import ParameterError
from codec.quantizers import Observer
from codec.quantizers.calibrate import METHODS, squared_error
from codec.quantizers.histogram import Histogram, Octaves

MERGEABLE = [method for method in METHODS if method != "moving"]
RNG = np.random.default_rng(5)
DATA = {
    "gaussian": RNG.normal(size=20_000),
    "laplacian": RNG.laplace(size=20_000),
    "relu": np.maximum(RNG.normal(size=20_000), 0),
    "offset": RNG.normal(30, 1, size=20_000),
    "outlier": np.append(RNG.normal(size=20_000), 300.0),
    "negative": -RNG.exponential(size=20_000),
}
each_data = pytest.mark.parametrize("x", DATA.values(), ids=DATA)


def observed(method, x, **options):
    observer = Observer(method, **options)
    observer.update(x)
    return observer.range()


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("method", MERGEABLE)
@each_data
def test_one_answer_for_any_batches(x, method, symmetric):
    whole = observed(method, x, symmetric=symmetric)
    assert observed(method, iter(np.array_split(x[::-1], 7)), symmetric=symmetric) == whole
    parts = [Observer(method, symmetric=symmetric) for _ in range(3)]
    for part, values in zip(parts, (x[:5], x[5:12_000], x[12_000:])):
        part.update(values)
    parts[2].merge(parts[0])
    parts[2].merge(parts[1])
    assert parts[2].range() == whole and parts[2].total == x.size


@each_data
def test_minmax(x):
    assert observed("minmax", x) == (x.min(), x.max())
    assert observed("minmax", x, symmetric=True) == (-np.abs(x).max(), np.abs(x).max())


def test_moving_average_literally():
    x = DATA["gaussian"].reshape(20, 1000)
    low, high = x[0].min(), x[0].max()
    for batch in x[1:]:
        low, high = low * 0.9 + batch.min() * 0.1, high * 0.9 + batch.max() * 0.1
    assert observed("moving", iter(x), rate=0.1) == pytest.approx((low, high), rel=1e-12)


@pytest.mark.parametrize("percentile", [50, 99, 99.9, 100])
@each_data
def test_percentile_to_a_bin(x, percentile):
    dropped = int(x.size * (100 - percentile) / 200 + 1e-6)  # at each end
    expected = np.sort(x)[[dropped, -1 - dropped]]
    width = Histogram(x).width
    assert np.abs(np.subtract(observed("percentile", x, percentile=percentile), expected)).max() <= 2 * width
    end = np.sort(np.abs(x))[-1 - int(x.size * (100 - percentile) / 100 + 1e-6)]
    assert abs(observed("percentile", x, percentile=percentile, symmetric=True)[1] - end) <= 2 * width


def error_of(x, low, high, bits, symmetric):
    """The squared error of the affine quantizer of a range."""
    highest = 2 ** (bits - 1) - 1 if symmetric else 2**bits - 1
    step = max(-low, high) / highest if symmetric else (high - low) / highest
    zero = highest if symmetric else round(-low / step)
    levels = np.arange(-zero, (highest if symmetric else highest - zero) + 1) * step
    at = np.clip(np.rint(x / step), -zero, highest if symmetric else highest - zero)
    return np.mean((x - levels[(at + zero).astype(int)]) ** 2)


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("bits", [3, 4, 8])
@each_data
def test_no_range_of_a_grid_has_less_squared_error(x, bits, symmetric):
    low, high = observed("mse", x, bits=bits, symmetric=symmetric)
    assert low <= 0 <= high
    found = error_of(x, low, high, bits, symmetric)
    ends = [
        (f * min(x.min(), 0), g * max(x.max(), 0)) for f in np.linspace(0.05, 1, 20) for g in np.linspace(0.05, 1, 20)
    ]
    grid = min(error_of(x, *pair, bits, symmetric) for pair in ends if pair != (0, 0))
    assert found <= 1.01 * grid


@pytest.mark.parametrize(
    "draw, bits, clip",
    [
        ("normal", 8, 3.920),
        ("normal", 4, 2.474),
        ("laplace", 8, 6.988 / math.sqrt(2)),
        ("laplace", 4, 3.408 / math.sqrt(2)),
    ],
)
def test_the_clip_of_least_error_in_theory(draw, bits, clip):
    """Best clips of symmetric int8 and int4, in standard deviations; here for a Laplacian of scale 1: variance 2."""
    x = getattr(np.random.default_rng(0), draw)(size=1_000_000)
    scale = 2 if draw == "laplace" else 1
    assert observed("mse", x, bits=bits, symmetric=True)[1] == pytest.approx(clip * scale, rel=0.02)


def test_squared_error_is_that_of_the_data():
    x = DATA["laplacian"]
    for step, lowest, highest in ((0.3, -8, 7), (0.01, -127, 127), (2, 0, 3)):
        rounded = np.clip(np.rint(x / step), lowest, highest) * step
        assert squared_error(Histogram(x), step, lowest, highest) == pytest.approx(((x - rounded) ** 2).sum(), rel=1e-3)


@pytest.mark.parametrize("bits", [3, 6])
@pytest.mark.parametrize("name", ["gaussian", "relu", "laplacian"])
def test_entropy_is_a_literal_search(name, bits):
    """Every threshold of the 2048 bins of |x|, with loops."""
    h = Histogram(DATA[name])
    x = np.abs(DATA[name])
    group = math.ceil((x.max() // h.width + 1) / 2048)
    counts = np.histogram(x, np.arange(0, 2049) * group * h.width)[0]
    counts = counts[: np.flatnonzero(counts)[-1] + 1].astype(float)
    counts[0] = counts[1]
    levels, best = 2 ** (bits - 1), (math.inf, None)
    for n in range(levels, counts.size + 1):
        p = counts[:n].copy()
        p[-1] += counts[n:].sum()
        q = np.zeros(n)
        for k in range(levels):
            cell = slice(k * n // levels, (k + 1) * n // levels)
            filled = counts[cell] > 0
            if filled.any():
                q[cell] = np.where(filled, counts[cell].sum() / max(filled.sum(), 1), 0)
        if (q[p > 0] == 0).any():
            continue
        p, q = p / p.sum(), q / q.sum()
        divergence = (p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum()
        best = min(best, (divergence, n))
    assert observed("entropy", DATA[name], bits=bits, symmetric=True)[1] == pytest.approx(
        min(best[1] * group * h.width, x.max()), rel=1e-9
    )


@pytest.mark.parametrize("value", [0.0, 3.0, -2.5])
@pytest.mark.parametrize("method", METHODS)
def test_constant_data(method, value):
    low, high = observed(method, np.full(1000, value))
    assert (low, high) in ((value, value), (min(value, 0), max(value, 0)))
    assert observed(method, np.full(1000, value), symmetric=True) == (-abs(value), abs(value))


@pytest.mark.parametrize("method", METHODS)
def test_bad_data_is_refused(method):
    observer = Observer(method)
    with pytest.raises(ParameterError, match="no data"):
        observer.range()
    for bad in ([], [1, math.nan], [math.inf], ["a"], iter([])):
        with pytest.raises(ParameterError):
            observer.update(bad)
    assert observer.total == 0


def test_bad_settings_are_refused():
    for keywords in (
        {"method": "best"},
        {"bits": 1},
        {"bits": 8.0},
        {"percentile": 0},
        {"percentile": math.nan},
        {"percentile": "a"},
        {"rate": 0},
        {"rate": "a"},
    ):
        with pytest.raises(ParameterError):
            Observer(**keywords)
    assert Observer(bits=np.int64(4)).bits == 4
    with pytest.raises(ParameterError, match="order of the batches"):
        Observer("moving").merge(Observer("moving"))
    with pytest.raises(ParameterError, match="different settings"):
        Observer("mse").merge(Observer("mse", bits=4))
    with pytest.raises(ParameterError):
        Observer().merge(3)


@pytest.mark.parametrize("outlier", [1e6, 1e9, -1e300])
@pytest.mark.parametrize("symmetric", [False, True])
def test_outliers_do_not_blur_percentiles(outlier, symmetric):
    """All values were in the first of 65,536 equal bins up to the outlier: the range reached to 16."""
    x = DATA["laplacian"] - 0.5
    low, high = observed("percentile", np.append(x, outlier), percentile=99, symmetric=symmetric)
    ends = np.sort(np.abs(np.append(x, outlier)) if symmetric else np.append(x, outlier))
    expected = ends[[math.ceil(ends.size * 0.99) - 1]] if symmetric else ends[[100, -101]]
    assert ([high] if symmetric else [low, high]) == pytest.approx(expected, rel=1 / 256)
    assert high >= np.max(expected) and (symmetric or low <= ends[100])


def test_octaves_hold_every_value():
    tiny, huge = np.nextafter(0, 1), np.finfo(float).max
    for value in map(float, (tiny, 1e-310, 2.0**-1022, 0.1, 1.0, np.nextafter(2, 1), 3.7, 2.0**1023, huge)):
        octaves = Octaves()
        octaves.update(np.array([value, -value, 0.0]))
        assert octaves.counts.tolist() == [1, 1, 1] and octaves.keys[1] == 0
        for sign, key in ((-1, octaves.keys[0]), (1, octaves.keys[2])):
            end = Octaves.upper(key)
            assert sign * value <= end <= sign * value + max(value / 256, 2.0**-1030)
        assert observed("percentile", [value, value], percentile=50) == (value, value)


@pytest.mark.parametrize(
    "x, bits",
    [
        (RNG.integers(0, 256, 20_000) / 255, 4),
        (RNG.poisson(3, 20_000), 8),
        (np.arange(10), 8),
        (-np.maximum(RNG.normal(size=20_000), 0) - 1, 8),
        (RNG.choice([-1.0, 1, 5], 20_000), 3),
    ],
)
def test_entropy_keeps_most_of_discrete_data(x, bits):
    """A range of one bin with values has a divergence of 0, and clipped up to all other values."""
    low, high = observed("entropy", x, bits=bits)
    assert np.mean((x < low * 1.001) | (x > high * 1.001)) < 0.01


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("sign", [1, -1])
def test_one_sided_data_gets_a_one_sided_range(bits, sign):
    """A zero point within gave levels beyond the data, and the same error."""
    for x in (np.append(DATA["relu"], 1e3), np.array([0.0, 1])):
        ends = sorted(observed("mse", sign * x, bits=bits))
        assert ends == pytest.approx(sorted([0, sign * x.max()]), abs=0.01 * x.max())
