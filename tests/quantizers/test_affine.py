"""Affine quantization: each convention as a naive model, and what the libraries themselves gave (golden.json)."""

import importlib.util
import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import codec.cpu
from codec import ParameterError
from codec.quantizers import Affine, Quantizer, dequantize, quantize
from codec.quantizers.affine import CONVENTIONS, RANGES
from codec.quantizers.rounding import MODES, rounded

HERE = Path(__file__).parent
LEVELS = [name for name in codec.cpu._core.CPU_LADDER if name in ("scalar", "avx2")]


@pytest.fixture(scope="session")
def equality():
    """benchmarks/quantizer_equality.py: the inputs of the comparisons."""
    spec = importlib.util.spec_from_file_location(
        "quantizer_equality", HERE.parents[1] / "benchmarks" / "quantizer_equality.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---------------------------------------------------------------- naive models


def fused(x, r, z):
    """fma in single precision, through rational numbers."""
    if not math.isfinite(x):
        return np.float32(x)
    exact = Fraction(float(x)) * Fraction(float(r)) + Fraction(float(z))
    near = np.float32(float(exact))  # correctly rounded to double, then to single: off by at most one at a tie
    if not np.isfinite(near):
        return near
    around = [np.nextafter(near, np.float32(-np.inf)), near, np.nextafter(near, np.float32(np.inf))]
    return min(around, key=lambda v: (abs(Fraction(float(v)) - exact), int(v.view(np.uint32)) & 1))


def model(convention, x, s, z, low, high, axis):
    """The code of one value, written from the table of conventions."""
    x, s, z = np.float32(x), np.float32(s), np.float32(z)
    r = np.float32(1) / s
    with np.errstate(over="ignore", invalid="ignore"):
        v = {
            "onnx": lambda: np.rint(x / s),
            "torch": lambda: np.rint(fused(x, r, z)),
            "torch-channel": lambda: np.rint(x * r + z),
            "torch-fake": lambda: np.rint(x * r),
            "torch-fake-float": lambda: np.rint(fused(x, r, z)),
            "tflite-ref": lambda: np.copysign(np.floor(abs(float(x / s)) + 0.5), x),
            "ai-edge": lambda: np.rint(x / s + z),
        }[convention]()
    if convention == "tflite-ref" and (np.isnan(x) or abs(v) >= 2.0**31):
        return high if z < 0 else low  # INT32_MIN + z, modulo 2^32
    if np.isnan(x):
        return {"torch": high, "torch-channel": max(low, 0), "ai-edge": max(low, 0)}.get(convention, low)
    wild = {"torch-fake-float": 2.0**63, "torch-fake": 2.0**63 if axis else math.inf}
    if convention in wild and v >= wild[convention] and wild[convention] < math.inf:
        return low
    if convention in ("onnx", "torch-fake", "tflite-ref"):
        v = float(v) + float(z)
    return int(min(max(v, low), high))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", ["int8", "uint4", "int16"])
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_codes_are_those_of_the_convention(convention, dtype, level, equality):
    low, high = RANGES[dtype]
    for scale, zero in ((0.7, 3), (2.0**-3, 0), (12345.678, -5)):
        zero = max(zero, low)
        x = equality.affine_inputs(scale, zero, low, high)
        x = np.concatenate([x[:: max(1, len(x) // 400)], x[-10:]])
        with codec.cpu.force(level):
            codes = quantize(x, scale, zero, dtype=dtype, convention=convention, nonfinite="convention")
            each = quantize(
                np.stack([x, x], -1), [scale] * 2, [zero] * 2, dtype=dtype, axis=1, convention=convention,
                nonfinite="convention",
            )  # fmt: skip
        assert codes.tolist() == [model(convention, v, scale, zero, low, high, False) for v in x]
        by_channel = [model(convention, v, scale, zero, low, high, True) for v in x]
        assert each[:, 0].tolist() == by_channel and each[:, 1].tolist() == by_channel


def golden():
    return json.loads((HERE / "golden.json").read_text())


@pytest.mark.parametrize("name", golden())
def test_codes_are_those_that_the_library_gave(name, equality):
    """golden.json: digests of the output of the libraries (benchmarks/quantizer_equality.py --golden)."""
    row = next(row for row in equality.COMPARISONS if f"{row['ours']} | {row['theirs']}" == name)
    assert {case: equality.digest(ours) for case, ours, _ in row["cases"]()} == golden()[name]


# ---------------------------------------------------------------- rounding modes


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("mode", MODES)
def test_named_rounding_modes(mode, level):
    """Against exact arithmetic, at multiples of 1/4, ties and their neighbours."""
    x = np.arange(-40, 41, dtype=np.float32) / 4
    x = np.concatenate([x, np.nextafter(x, np.float32(-99)), np.nextafter(x, np.float32(99))])
    exact = [Fraction(float(v)) for v in x]
    tie = [v.denominator == 2 for v in exact]
    expected = {
        "half-even": [round(v) for v in exact],
        "half-up": [math.floor(v + Fraction(1, 2)) for v in exact],
        "half-down": [math.ceil(v - Fraction(1, 2)) for v in exact],
        "half-away": [round(v + Fraction(v > 0 or -1, 4)) if t else round(v) for v, t in zip(exact, tie)],
        "toward-zero": [math.trunc(v) for v in exact],
        "floor": [math.floor(v) for v in exact],
        "ceil": [math.ceil(v) for v in exact],
    }[mode]
    with codec.cpu.force(level):
        assert quantize(x, 1.0, rounding=mode).tolist() == expected
        assert (
            quantize(x, 1.0, 5, rounding=mode, convention="ai-edge").tolist()
            == quantize(x + np.float32(5), 1.0, rounding=mode).tolist()
        )
    assert rounded(x, mode).tolist() == expected and rounded(x.astype(float), mode).tolist() == expected


# ---------------------------------------------------------------- layouts


def test_every_layout_is_the_broadcast_of_its_scales(equality):
    x = ((equality.unit(2 * 6 * 5 * 4, 9) - 0.5) * 100).reshape(2, 6, 5, 4).astype(np.float32)
    for axis in range(-4, 4):
        for block in (None, 1, 2, 4, 6, 99):
            n = x.shape[axis]
            shape = (n,)
            if block is not None:
                shape = tuple(-(-n // block) if i == axis % 4 else x.shape[i] for i in range(4))
            scale = (0.1 + equality.unit(math.prod(shape), 1)).reshape(shape).astype(np.float32)
            zero = np.arange(math.prod(shape)).reshape(shape) % 50
            if block is None:
                full = [p.reshape([-1 if i == axis % 4 else 1 for i in range(4)]) for p in (scale, zero)]
            else:
                full = [np.repeat(p, block, axis).take(range(n), axis) for p in (scale, zero)]
            expected = np.clip(np.rint(x / full[0]) + full[1], -128, 127)
            for data in (x, x.astype(np.float64), np.asfortranarray(x), np.repeat(x, 2, 0)[::2]):
                codes = quantize(data, scale, zero, axis=axis, block=block)
                np.testing.assert_array_equal(codes, expected)
            values = dequantize(codes, scale, zero, axis=axis, block=block)
            np.testing.assert_array_equal(values, (codes - full[1]).astype(np.float32) * full[0])
            wide = dequantize(codes.astype(np.int64), scale, zero, axis=axis, block=block)
            np.testing.assert_array_equal(wide, values)


@pytest.mark.parametrize("shape, axis, block", [((3, 300001), None, None), ((2, 3, 200000), 1, None), ((700000,), 0, 300000),
                                                 ((3, 7, 90000), 1, 2), ((400000, 2), 1, None), ((270000, 3), 0, 7)])  # fmt: skip
def test_data_that_is_converted_in_pieces(shape, axis, block):
    x = np.random.default_rng(0).normal(0, 3, shape)
    expected_shape = () if axis is None else (shape[axis],)
    if block:
        expected_shape = tuple(-(-n // block) if i == axis else n for i, n in enumerate(shape))
    scale = np.random.default_rng(1).uniform(0.1, 1, expected_shape)
    for zero in (3, np.full(expected_shape, 0.25)):
        how = {"axis": axis, "block": block}
        convention = "onnx" if np.ndim(zero) == 0 and zero == 3 else "torch-fake-float"
        codes = quantize(x, scale, zero, convention=convention, **how)
        np.testing.assert_array_equal(codes, quantize(x.astype(np.float32), scale, zero, convention=convention, **how))
        values = dequantize(codes, scale, zero, **how)
        np.testing.assert_array_equal(values, dequantize(codes.astype(np.int32), scale, zero, **how))
        assert np.abs(values - np.clip(x, -9, 9)).max() < 9


def test_output_and_memory_maps(tmp_path):
    x = np.random.default_rng(0).normal(0, 1, (40, 50)).astype(np.float32)
    x.tofile(tmp_path / "x")
    mapped = np.memmap(tmp_path / "x", np.float32, "r", shape=(40, 50))
    out = np.memmap(tmp_path / "codes", np.int8, "w+", shape=(40, 50))
    assert quantize(mapped, 0.1, out=out) is out
    np.testing.assert_array_equal(out, quantize(x, 0.1))
    values = np.empty((40, 50), np.float32)
    assert dequantize(out, 0.1, out=values) is values
    for bad in (np.empty((40, 50), np.uint8), np.empty((50, 40), np.int8), np.empty((50, 40), np.int8).T, [1]):
        with pytest.raises(ParameterError, match="^out must be a writable C-contiguous int8 array"):
            quantize(x, 0.1, out=bad)


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "arguments, keywords, message",
    [
        (([], 1.0), {}, "x is empty"),
        ((["a"], 1.0), {}, "x must hold real numbers"),
        (([1, np.nan, np.inf, np.nan], 1.0), {}, "x has 2 NaN and 1 infinite values, the first at index 1"),
        (([[1.0, 2.0], [-np.inf, 0.0]], 1.0), {}, r"0 NaN and 1 infinite values, the first at index \(1, 0\)"),
        (([1e39], 1.0), {}, "beyond the range of float32"),
        (([1.0], 0.0), {}, "scale is 0.0; scales must be positive"),
        (([1.0], -1.0), {}, "scales must be positive"),
        (([1.0], np.nan), {}, "scales must be positive"),
        (([1.0], 1e-39), {}, "from 2"),
        (([1.0], 1e39), {}, "below 2"),
        (([1.0, 2.0], [1.0, 0.0]), {"axis": 0}, "scale is 0.0 at index 1"),
        (([1.0], 1.0, 128), {}, r"zero_point must be within -128..127, not 128$"),
        (([1.0], 1.0, -1), {"dtype": "uint8"}, r"zero_point must be within 0..255"),
        (([1.0], 1.0, 0.5), {}, "zero_point must hold integers"),
        (([1.0], 1.0, np.nan), {}, "zero_point must hold integers"),
        (([1.0], 1.0, np.inf), {"convention": "torch-fake-float"}, "zero_point must be finite"),
        (([1.0], [1.0]), {}, r"scale must have the shape \(\) here, not \(1,\)"),
        (([[1.0, 2.0]], 1.0), {"axis": 1}, r"scale must have the shape \(2,\) here"),
        (([1.0], [1.0]), {"axis": 1}, r"axis must be within -1..0, not 1"),
        (([1.0], [1.0]), {"axis": -2}, "axis must be within"),
        ((1.0, 1.0), {"axis": 0}, "axis"),
        (([1.0], 1.0), {"block": 2}, "block needs axis"),
        (([1.0], [1.0]), {"axis": 0, "block": 0}, "block must be at least 1"),
        (([1.0], 1.0), {"dtype": "int3"}, "dtype must be 'int2' or"),
        (([1.0], 1.0), {"convention": "tensorflow"}, "convention must be 'onnx' or"),
        (([1.0], 1.0), {"rounding": "up"}, "rounding must be"),
        (([1.0], 1.0), {"nonfinite": "ignore"}, "nonfinite must be"),
        (([1.0], 1.0), {"narrow": True, "dtype": "uint8"}, "narrow"),
    ],
)
def test_errors_say_what_is_wrong(arguments, keywords, message):
    with pytest.raises(ParameterError, match=message):
        quantize(*arguments, **keywords)


def test_codes_are_checked():
    for codes, message in (
        ([0.5], "must be integers"),
        ([70000], "within -32768..65535"),
        ([-1, 40000], "within"),
        ([], "codes is empty"),
    ):
        with pytest.raises(ParameterError, match=message):
            dequantize(codes, 1.0)
    with pytest.raises(ParameterError, match="within -8..7"):
        Affine("int4", scale=1.0).decode([8])


# ---------------------------------------------------------------- scales for data


def test_scales_for_a_range():
    """Each library's rule, by hand, for data from -1 to 3."""
    x = np.array([-1.0, 0.5, 3.0])
    for convention, symmetric, dtype, scale, zero in [
        ("onnx", False, "int8", 4 / 255, -64),
        ("onnx", False, "uint8", 4 / 255, 64),
        ("onnx", True, "int8", 3 / 127, 0),
        ("onnx", True, "uint8", 6 / 255, 128),
        ("onnx", True, "int4", 6 / 15, 0),
        ("torch", False, "int8", 4 / 255, -64),
        ("torch", True, "int8", 3 / 127.5, 0),
        ("torch", True, "uint8", 3 / 127.5, 128),
        ("torch-fake-float", False, "uint8", 4 / 255, 63.75),
        ("ai-edge", False, "int8", 4 / 255, -64),
        ("ai-edge", True, "int8", 3 / 127, 0),
        ("tflite-ref", True, "int16", 3 / 32767, 0),
    ]:
        q = Affine(dtype, convention=convention, symmetric=symmetric).fit(x)
        assert q.scale == np.float32(scale) and q.scale.dtype == np.float32, (convention, symmetric, dtype)
        assert q.zero_point == pytest.approx(zero, rel=1e-6), (convention, symmetric, dtype)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("symmetric", [False, True])
def test_any_data_gets_a_quantizer(convention, symmetric):
    """Constants, dead channels, tiny and huge values; an error is at most half a step within the range."""
    for dtype in RANGES:
        for x in ([0.0], [5.0, 5.0], [-5.0], [0.0, 0.0], [1e-30, -1e-30], [1e30, -1e30], [1e-45, 0.0], [-3.0, 1.0]):
            q = Affine(dtype, convention=convention, symmetric=symmetric).fit(x)
            error = np.abs(q.transform(x).astype(float) - np.float32(x))
            assert (error <= float(q.scale) * 1.01).all()
            if len(set(x)) == 1 and abs(x[0]) in (0, 5):
                assert (error <= abs(x[0]) * (0.5 if dtype.endswith("int2") else 0.15)).all()
    channels = Affine(axis=0, symmetric=symmetric, convention=convention).fit([[0.0, 0.0], [1.0, -2.0]])
    assert channels.encode([[0.0, 0.0], [1.0, -2.0]])[0].tolist() == [channels.zero_point[0].round()] * 2


def test_codes_of_symmetric_weights_are_narrow_where_the_library_says_so():
    assert Affine("int8", symmetric=True, convention="ai-edge").code_range == (-127, 127)
    assert Affine("int4", symmetric=True, convention="ai-edge").code_range == (-8, 7)
    assert Affine("int8", symmetric=True).code_range == (-128, 127)
    assert Affine("int8", symmetric=True, convention="ai-edge", scale=1.0).encode([-500.0]).tolist() == [-127]


@pytest.mark.parametrize("rounding", [None, "floor", "ceil", "toward-zero", "half-up"])
@pytest.mark.parametrize("convention", ["onnx", "ai-edge"])
def test_thresholds_are_where_the_code_changes(convention, rounding):
    q = Affine("int4", convention=convention, rounding=rounding, scale=0.25, zero_point=2)
    assert q.levels.tolist() == q.decode(np.arange(-8, 8)).tolist() and q.step == 0.25 and q.bits == 4
    t = q.thresholds
    assert t.shape == (15,) and (np.diff(t) >= 0).all()
    apart = np.diff(t, prepend=-99, append=99) > 0
    below, above = q.encode(t - 1e-3), q.encode(t + 1e-3)
    assert (below[apart[:-1]] < above[apart[:-1]]).all()
    assert set(q.encode((t[1:] + t[:-1])[np.diff(t) > 0] / 2)) <= set(range(-7, 7))
    between = Affine("int8", axis=0, scale=[1.0, 2.0])
    assert between.levels.shape == (2, 256) and between.thresholds.shape == (2, 255) and between.step is None


def test_json_keeps_everything():
    x = np.random.default_rng(0).normal(0, 1, (6, 10))
    for q in (
        Affine(),
        Affine("uint16", axis=-1, convention="torch-channel").fit(x),
        Affine("int4", axis=1, block=4, symmetric=True, rounding="ceil", nonfinite="convention").fit(x),
        Affine("uint4", convention="torch-fake-float").fit(x),
    ):
        again = Quantizer.from_json(q.to_json())
        assert again == q and repr(again) == repr(q)
        if q.fitted():
            np.testing.assert_array_equal(again.encode(x), q.encode(x))
            np.testing.assert_array_equal(again.transform(x), q.transform(x))
    text = Affine(scale=1.0).to_json()
    for old, new in (('"scale": 1.0', '"scale": 0.0'), ('"zero_point": 0', '"zero_point": 999'), ('"scale"', '"size"'),
                     ('"zero_point": 0', '"zero_point": "x"'), ("int8", "int9"), ('"axis"', '"axes"')):  # fmt: skip
        assert old in text
        with pytest.raises(ParameterError):
            Quantizer.from_json(text.replace(old, new))


def test_what_is_not_fitted_says_so():
    with pytest.raises(ParameterError, match="Affine must be fitted first"):
        Affine().encode([1.0])
    for keywords, message in (({"zero_point": 1}, "needs scale"), ({"block": 3}, "block needs axis"),
                              ({"scale": [1.0]}, "scale must have 0 axes"), ({"scale": [], "axis": 0}, "empty")):  # fmt: skip
        with pytest.raises(ParameterError, match=message):
            Affine(**keywords)
    with pytest.raises(ParameterError, match="exceeds single precision"):
        Affine(convention="torch").fit([-3e38, 3e38])
    with pytest.raises(ParameterError, match="low must be at most high"):
        Affine().fit_range(1, 0)
    with pytest.raises(ParameterError, match="1 NaN"):
        Affine().fit([1.0, np.nan])
