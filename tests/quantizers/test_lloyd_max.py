"""Lloyd-Max: true values for densities, optimality on data, the convention of thresholds."""

import math

import numpy as np
import pytest

import codec.cpu
from codec import ParameterError
from codec.quantizers import LloydMax, Quantizer
from codec.quantizers.lloyd_max import SortedData, density_quantizer
from codec.quantizers.thresholds import cells

# density: levels -> (positive thresholds, positive levels, squared error, entropy in bits): closed forms, and numbers in
# 40 digits for 8, 16 and 32 levels. Max's printed errors differ in the fourth digit.
TRUE = {
    "gaussian": {
        2: ([], [0.7979], 0.3634, 1.000),
        4: ([0.9816], [0.4528, 1.510], 0.1175, 1.911),
        8: ([0.5005, 1.050, 1.748], [0.2451, 0.7560, 1.344, 2.152], 0.03455, 2.825),
        16: (
            [0.2582, 0.5224, 0.7995, 1.099, 1.437, 1.844, 2.401],
            [0.1284, 0.3880, 0.6568, 0.9423, 1.256, 1.618, 2.069, 2.733],
            0.009501,
            3.765,
        ),
        32: (
            [0.1320, 0.2647, 0.3990, 0.5358, 0.6760, 0.8209, 0.9717, 1.130, 1.299, 1.481, 1.682, 1.908, 2.173, 2.504, 2.976],
            [0.0659, 0.1981, 0.3314, 0.4667, 0.6049, 0.7471, 0.8946, 1.049, 1.212, 1.386, 1.576, 1.787, 2.029, 2.318, 2.691,
             3.261],
            0.002505,
            4.730,
        ),
    },
    "laplace": {2: ([], [0.7071], 0.5, 1.0), 4: ([1.127], [0.4198, 1.834], 0.1762, None), 8: (None, None, 0.05448, None),
                16: (None, None, 0.01537, None), 32: (None, None, 0.004102, None)},
}  # fmt: skip


def density(name, x):
    if name == "gaussian":
        return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return np.exp(-math.sqrt(2) * abs(x)) / math.sqrt(2)


def integrated(name, q):
    """(squared error, entropy) by Simpson's rule in each cell."""
    edges = np.concatenate([[-60.0], q.thresholds, [60.0]])
    error, entropy = 0.0, 0.0
    for a, b, y in zip(edges[:-1], edges[1:], q.levels):
        parts = np.unique(np.clip(np.concatenate([np.linspace(a, b, 3), np.linspace(-12, 12, 25), [0.0]]), a, b))
        weight = 0.0
        for left, right in zip(parts[:-1], parts[1:]):
            x, step = np.linspace(left, right, 401, retstep=True)
            simpson = np.concatenate([[1], np.tile([4, 2], 199), [4, 1]]) * step / 3
            weight += float(simpson @ density(name, x))
            error += float(simpson @ (density(name, x) * (x - y) ** 2))
        entropy -= weight * math.log2(weight)
    return error, entropy


@pytest.mark.parametrize("name, count", [(name, count) for name in TRUE for count in TRUE[name]])
def test_true_values(name, count):
    thresholds, levels, error, entropy = TRUE[name][count]
    q = LloydMax(count, density=name)
    np.testing.assert_array_equal(q.levels, -q.levels[::-1])
    if thresholds is not None:
        np.testing.assert_allclose(q.levels[count // 2 :], levels, rtol=6e-4)
        np.testing.assert_allclose(q.thresholds[count // 2 :], thresholds, rtol=6e-4)
        assert q.thresholds[count // 2 - 1] == 0
    found, bits = integrated(name, q)
    assert found == pytest.approx(error, rel=2.5e-4)
    if entropy:
        assert bits == pytest.approx(entropy, abs=6e-4)


@pytest.mark.parametrize(
    "name, constant", [("gaussian", math.sqrt(3) * math.pi / 2), ("laplace", 4.5), ("uniform", 1.0)]
)
@pytest.mark.parametrize("count", [256, 512, 1024])
def test_panter_and_dite(name, constant, count):
    """MSE = c / N^2, within 1 % from 256 levels."""
    thresholds, levels = density_quantizer(name, count)
    if name == "uniform":
        error = np.mean(np.diff(levels)) ** 2 / 12
    else:
        error = integrated(name, LloydMax(count, density=name))[0]
    assert error * count**2 == pytest.approx(constant, rel=0.01)
    assert (np.diff(thresholds) > 0).all() and len(levels) == count


@pytest.mark.parametrize("name", ["gaussian", "laplace", "uniform"])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 33, 100, 255])
def test_any_number_of_levels(name, count):
    q = LloydMax(count, density=name)
    assert len(q.levels) == count and (np.diff(q.levels) > 0).all()
    np.testing.assert_allclose(q.thresholds, (q.levels[1:] + q.levels[:-1]) / 2, atol=1e-12)
    np.testing.assert_allclose(q.levels, -q.levels[::-1], atol=1e-12)


def test_a_density_is_scaled_to_the_data():
    x = np.array([1.0, 3.0, 5.0, 7.0])
    unit = LloydMax(4, density="gaussian")
    fitted = LloydMax(4, density="gaussian").fit(x)
    np.testing.assert_allclose(fitted.levels, 4 + math.sqrt(5) * unit.levels)
    np.testing.assert_allclose(LloydMax(3, density="uniform").fit(x).levels, [2, 4, 6])
    np.testing.assert_allclose(LloydMax(3, density="uniform").fit([9, *x], weights=[0, 1, 1, 1, 1]).levels, [2, 4, 6])


# ---------------------------------------------------------------- data


def optimum(x, count):
    """The least squared error of `count` levels, by dynamic programming over sorted data (exact, quadratic)."""
    x = np.sort(x)
    n = len(x)
    sums, squares = np.concatenate([[0], np.cumsum(x)]), np.concatenate([[0], np.cumsum(x * x)])
    i, j = np.arange(n + 1)[:, None], np.arange(n + 1)[None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        cost = np.where(
            j > i, squares[j] - squares[i] - (sums[j] - sums[i]) ** 2 / (j - i), np.where(i == j, 0, np.inf)
        )
    best = cost[0]
    for _ in range(count - 1):
        best = (best[:, None] + cost).min(0)
    return best[n]


@pytest.mark.parametrize("count", [2, 3, 8, 20])
@pytest.mark.parametrize("kind", ["normal", "laplace", "exponential", "uniform", "two"])
def test_the_optimum_for_few_values(kind, count):
    rng = np.random.default_rng(1)
    x = {
        "normal": lambda: rng.standard_normal(700),
        "laplace": lambda: rng.laplace(size=700),
        "exponential": lambda: rng.exponential(size=700),
        "uniform": lambda: rng.uniform(size=700),
        "two": lambda: np.concatenate([rng.normal(-5, 1, 350), rng.normal(5, 0.1, 350)]),
    }[kind]()
    q = LloydMax(count).fit(x)
    error = np.sum((x - q.transform(x)) ** 2)
    assert error == pytest.approx(optimum(x, count), rel=1e-9)
    means = [x[q.encode(x) == i].mean() for i in range(count)]
    np.testing.assert_allclose(q.levels, means, rtol=1e-3, atol=1e-3 * x.std())
    np.testing.assert_array_equal(q.thresholds, q.levels[:-1] + np.diff(q.levels) / 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_data_beats_the_quantizer_of_its_density(dtype):
    x = np.random.default_rng(0).standard_normal(1 << 18).astype(dtype)
    for count in (16, 256):
        q, of_density = LloydMax(count).fit(x), LloydMax(count, density="gaussian")
        error = np.mean((x - q.transform(x)) ** 2)
        assert error < np.mean((x - of_density.transform(x)) ** 2)
        assert error > 0.93 * np.mean((x - of_density.transform(x)) ** 2)


def test_a_local_optimum_near_the_best(monkeypatch):
    """The descent for large data, on data for which the optimum is known."""
    for seed, make in enumerate(("standard_normal", "laplace", "exponential", "uniform")):
        x = getattr(np.random.default_rng(seed), make)(size=1000)
        for count in (2, 5, 16):
            best = optimum(x, count)
            monkeypatch.setattr("codec.quantizers.lloyd_max.FEW_VALUES", 1)
            q = LloydMax(count).fit(x)
            monkeypatch.undo()
            assert np.sum((x - q.transform(x)) ** 2) <= 1.25 * best
            means = [x[q.encode(x) == i].mean() for i in range(count)]
            np.testing.assert_allclose(q.levels, means, rtol=1e-3, atol=1e-3 * x.std())


def test_weights_are_counts():
    x = np.round(np.random.default_rng(0).standard_normal(20000) * 20)
    values, counts = np.unique(x, return_counts=True)
    whole, histogram = LloydMax(9).fit(x), LloydMax(9).fit(values, weights=counts)
    np.testing.assert_allclose(histogram.levels, whole.levels)
    ignored = LloydMax(2).fit([0, 1, 50, 99], weights=[1, 1, 0, 2])
    assert ignored.levels.tolist() == [0.5, 99]


def test_more_levels_than_distinct_values():
    for x, levels in (([3, 1, 3, 1], [1, 3]), ([7], [7]), ([0.0, -0.0], [0]), ([1, 2, 3], [1, 2, 3])):
        q = LloydMax(5).fit(x)
        assert q.levels.tolist() == levels and q.code_range == (0, len(levels) - 1)
        assert q.transform(x).tolist() == np.array(x, float).tolist()
    far = LloydMax(3).fit([0.0] * 1000 + [1.0, 1e6, 1e6 + 1])
    assert len(far.levels) == 3 and far.transform([0.0])[0] == pytest.approx(0, abs=1e-2)


def test_large_offsets_keep_their_digits():
    x = 1e8 + np.array([0.0, 1.0, 10.0, 11.0])
    assert LloydMax(2).fit(x).levels.tolist() == [1e8 + 0.5, 1e8 + 10.5]


def test_the_whole_range_of_single_precision():
    x = np.array([-3.4e38, -3.3e38, 3.4e38], np.float32)
    assert LloydMax(2).fit(x).encode(x).tolist() == [0, 0, 1]
    assert LloydMax(2).fit([1e-300, 3e-300]).levels.tolist() == [1e-300, 3e-300]


def test_moments_are_those_of_the_cells():
    x = np.random.default_rng(3).gamma(2, 1, 500)
    data = SortedData(x)
    ends = data.ends(np.array([0.5, 0.9, 3.0]))
    found = data.moments(ends)
    for i, cell in enumerate(np.split(np.sort(x), ends[1:-1])):
        assert found.weights[i] == len(cell)
        assert found.means[i] == pytest.approx(cell.mean()) and found.error[i] == pytest.approx(
            ((cell - cell.mean()) ** 2).sum()
        )


# ---------------------------------------------------------------- thresholds


@pytest.mark.parametrize("level", [name for name in codec.cpu._core.CPU_LADDER if name in ("scalar", "avx2")])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cells_are_searchsorted_from_the_left(dtype, level):
    rng = np.random.default_rng(0)
    for n in (0, 1, 2, 3, 7, 8, 100, 255, 256, 1000, 65535):
        t = np.sort(rng.standard_normal(n)) if n != 100 else np.sort(rng.integers(-9, 9, n)).astype(float)
        near = t.astype(dtype)
        x = np.concatenate([rng.standard_normal(1001).astype(dtype), near, np.nextafter(near, dtype(9)), np.nextafter(near, dtype(-9)),
                            np.array([0, -0.0, 1e30, -1e30], dtype)])  # fmt: skip
        with codec.cpu.force(level):
            codes = cells(x, t)
        assert codes.dtype == (np.uint8 if n < 256 else np.uint16)
        np.testing.assert_array_equal(codes, np.searchsorted(t, x.astype(np.float64), "left"))


def test_json_and_errors():
    q = LloydMax(5).fit([1, 2, 3, 4, 50, 60, 70.5])
    again = Quantizer.from_json(q.to_json())
    assert again == q and again.encode([2.5, 65]).tolist() == q.encode([2.5, 65]).tolist()
    assert Quantizer.from_json(LloydMax(5).to_json()).fitted() == {}
    for old, new in (
        ('"levels": [', '"levels": [1e999, '),
        ('"thresholds": [', '"thresholds": [99, '),
        ('"thresholds"', '"borders"'),
    ):
        with pytest.raises(ParameterError):
            Quantizer.from_json(q.to_json().replace(old, new))
    for call, message in [
        (lambda: LloydMax(0), "within 1..65536"),
        (lambda: LloydMax(65537), "within 1..65536"),
        (lambda: LloydMax(2, density="cauchy"), "density must be 'gaussian' or"),
        (lambda: LloydMax(2).encode([1]), "must be fitted first"),
        (lambda: LloydMax(2).fit([]), "empty"),
        (lambda: LloydMax(2).fit([1e300, 1.0]), "scale it down"),
        (lambda: LloydMax(2).fit([1, math.inf]), "1 infinite values, the first at index 1"),
        (lambda: LloydMax(2).fit([1, 2], weights=[1]), "shape"),
        (lambda: LloydMax(2).fit([1, 2], weights=[-1, 1]), "at least 0"),
        (lambda: LloydMax(2).fit([1, 2], weights=[0, 0]), "not all 0"),
        (lambda: q.decode([5]), "within 0..4"),
        (lambda: q.encode([math.nan]), "1 NaN"),
    ]:
        with pytest.raises(ParameterError, match=message):
            call()
