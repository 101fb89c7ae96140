"""What holds for every scalar quantizer, and records from hostile files."""

import json
import subprocess
import sys

import numpy as np
import pytest

from codec import CodecError, ParameterError
from codec.quantizers import (
    G711,
    Affine,
    Compander,
    DeadZone,
    Dithered,
    EntropyCoded,
    FixedPoint,
    Float8,
    LloydMax,
    Quantizer,
    Uniform,
    analyse,
    dequantize,
    quantize,
)

X = np.random.default_rng(0).laplace(0, 2, (12, 50))
MADE = {
    "uniform": Uniform(5),
    "uniform step": Uniform(5, step=0.3, kind="mid-rise"),
    "dead zone": DeadZone(0.4),
    "affine": Affine("uint8"),
    "affine axis": Affine("int4", axis=0, symmetric=True),
    "affine block": Affine("int8", axis=1, block=20, convention="torch-fake-float"),
    "fixed point": FixedPoint(4, 7),
    "lloyd-max": LloydMax(12),
    "lloyd-max density": LloydMax(300, density="laplace"),
    "entropy-coded": EntropyCoded(rate=2),
    "mu-law": Compander("mu"),
    "power law": Compander("power", step=0.01),
    "g711": G711("a"),
    "float8": Float8("e5m2", scale=None),
    "dithered": Dithered(Uniform(8), "subtractive"),
}
each = pytest.mark.parametrize("name", MADE)


def fitted(name):
    return Quantizer.from_json(MADE[name].to_json()).fit(X)


@each
def test_codes_and_values(name):
    q = fitted(name)
    codes = q.encode(X)
    low, high = q.code_range
    assert codes.shape == X.shape and codes.dtype.kind in "iu" and low <= codes.min() and codes.max() <= high
    bits = codes.dtype.itemsize * 8
    assert bits == max(8, bits) and (
        bits == 8 or (low < 0 and low < -(1 << (bits // 2 - 1))) or high >= 1 << (bits // 2 - 1)
    )
    assert q.bits == max(1, (high - low).bit_length())
    np.testing.assert_array_equal(q.transform(X), q.decode(codes))
    if name != "g711":
        assert np.mean((q.transform(X) - X) ** 2) < 0.3 * X.var()
    assert repr(q).startswith(type(q).__name__) and q != Uniform(3, step=7) and fitted(name) == q


@each
def test_layout_and_precision_of_the_data_do_not_matter(name):
    q = fitted(name)
    codes = q.encode(X)
    for data in (np.asfortranarray(X), np.repeat(X, 2, 1)[:, ::2], X.tolist()):
        np.testing.assert_array_equal(q.encode(data), codes)
    single = X.astype(np.float32)
    np.testing.assert_array_equal(q.encode(single), q.encode(single.astype(np.float64)))
    whole = np.rint(X).astype(np.int8)
    np.testing.assert_array_equal(q.encode(whole), q.encode(whole.astype(np.float64)))
    same = [q.decode(layout) for layout in (codes, np.asfortranarray(codes), codes.astype(np.int64))]
    np.testing.assert_array_equal(same[0], same[1])
    np.testing.assert_array_equal(same[0], same[2])


@each
def test_bad_data(name):
    q = fitted(name)
    for bad in ([], ["a"], [1j], None):
        with pytest.raises(ParameterError):
            q.encode(bad)
        with pytest.raises(ParameterError):
            q.fit(bad)
    spoiled = X.copy()
    spoiled[3, 7] = np.nan
    spoiled[5, 5] = np.inf
    message = r"x has 1 NaN and 1 infinite values, the first at index \(3, 7\): remove or replace them"
    with pytest.raises(ParameterError, match=message):
        q.fit(spoiled)
    if name != "float8":
        with pytest.raises(ParameterError, match=message):
            q.encode(spoiled)
    with pytest.raises(ParameterError, match="codes must be"):
        q.decode(np.full((12, 50), q.code_range[1] + 1))


HOSTILE = [
    None,
    True,
    -1,
    0,
    1e308,
    10**40,
    0.5,
    "",
    "x",
    [],
    [[1], [2, 3]],
    ["x"],
    {},
    {"a": 1},
    float("nan"),
    float("inf"),
]


def variants(value):
    """The value with one leaf, or one container, replaced by each hostile value, or left out."""
    yield from HOSTILE
    if isinstance(value, dict):
        for key in value:
            yield {k: v for k, v in value.items() if k != key}
            yield from ({**value, key: changed} for changed in variants(value[key]))
        yield {**value, "more": 1}
    elif isinstance(value, list) and value:
        yield value[1:]
        yield from ([changed, *value[1:]] for changed in HOSTILE)


@each
def test_records_from_hostile_files(name):
    """A quantizer that works, or a ParameterError."""
    q = MADE[name]
    if name not in ("lloyd-max density", "entropy-coded"):
        q = fitted(name)
    for record in variants(json.loads(q.to_json())):
        text = json.dumps(record)
        try:
            made = Quantizer.from_json(text)
            made.encode([0.5, -3.0])
        except CodecError:
            continue
        assert isinstance(made, Quantizer)


def test_nested_records():
    record = Dithered(Uniform(3, step=1)).to_json()
    for _ in range(300):
        record = '{"quantizer": "dithered", "version": 1, "settings": {"quantizer": ' + record + '}, "fitted": {}}'
    for text in (record, "[" * 100000, b"\xff", "", "null"):
        with pytest.raises(ParameterError, match="record|dither"):
            Quantizer.from_json(text)


def test_palettes_load_no_scalar_quantizer():
    code = "import sys, codec.palette; print(*sorted(m for m in sys.modules if m.startswith('codec.quantizers')))"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.split() == []


@pytest.mark.parametrize("dtype, base", [(np.int64, 2**62), (np.int64, -(2**62)), (np.uint64, 2**63)])
def test_integers_that_double_precision_cannot_tell_apart(dtype, base):
    """Both ends were one number, and had one code."""
    x = np.array([base, base + 100], dtype)
    for made in (Uniform(8), LloydMax(2)):
        with pytest.raises(ParameterError, match="beyond 2.53.*astype"):
            made.fit(x)
    with pytest.raises(ParameterError, match="beyond 2.53"):
        analyse(np.repeat(x, 1 << 18), Uniform(8, step=1))
    assert Uniform(8).fit(x.astype(np.float64)).levels.size == 256
    assert Uniform(8).fit(np.array([2**53, 0], dtype)).transform([0])[0] == 0


def test_small_types_of_ml_dtypes():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.array([-1.5, 0.25, 1.0])
    for kind in (ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn):
        assert np.array_equal(Uniform(8).fit(x.astype(kind)).encode(x.astype(kind)), Uniform(8).fit(x).encode(x))
    codes = np.array([-8, 7])
    assert dequantize(codes.astype(ml_dtypes.int4), 0.5).tolist() == [-4, 3.5]
    with pytest.raises(ParameterError, match="real numbers"):
        Uniform(8).fit(np.zeros(3, [("a", np.float32)]))


@pytest.mark.parametrize("dtype", [">i2", "<i2", ">u2", ">i8"])
def test_codes_of_either_byte_order(dtype):
    assert dequantize(np.array([1, 2, 300], dtype), 0.5).tolist() == [0.5, 1, 150]
    assert Uniform(9, step=1).decode(np.array([1, 200], dtype)).tolist() == [1, 200]


def test_messages_of_single_numbers():
    for call, says in (
        (lambda: dequantize(np.int8(1), [1.0], axis=0), "a single number has none"),
        (lambda: quantize([1.0], 1.0, 200), "within -128..127, not 200$"),
        (lambda: Uniform(8, step=1).decode([200]), "within -128..127, not 200$"),
        (lambda: dequantize([], 1.0), "codes is empty"),
    ):
        with pytest.raises(ParameterError, match=says):
            call()
