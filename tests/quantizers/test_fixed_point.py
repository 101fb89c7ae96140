"""Fixed point against rational numbers, in words of up to 64 bits."""

import math
from fractions import Fraction

import numpy as np
import pytest

from codec import ParameterError
from codec.quantizers import FixedPoint, Quantizer
from codec.quantizers.rounding import MODES


def rounded(v, mode):
    down = math.floor(v)
    rest = v - down
    if mode in ("floor", "ceil", "toward-zero"):
        return {"floor": down, "ceil": math.ceil(v), "toward-zero": math.trunc(v)}[mode]
    if rest != Fraction(1, 2):
        return down + (rest > Fraction(1, 2))
    up = {"half-even": down % 2 == 1, "half-up": True, "half-down": False, "half-away": v > 0}[mode]
    return down + up


def model(x, m, n, mode, overflow, signed):
    word = m + n + signed
    code = rounded(Fraction(x) * 2**n, mode)
    low, high = (-(2 ** (word - 1)), 2 ** (word - 1) - 1) if signed else (0, 2**word - 1)
    if overflow == "saturate":
        return min(max(code, low), high)
    code %= 2**word
    return code - 2**word if signed and code > high else code


SHAPES = [(0, 7, True), (3, 4, True), (0, 15, True), (8, 8, False), (0, 31, True), (15, 16, True), (31, 32, True), (0, 63, True),
          (63, 0, True), (0, 64, False), (64, 0, False), (20, 30, True), (1, 0, False), (0, 0, True)]  # fmt: skip


@pytest.mark.parametrize("m, n, signed", SHAPES)
@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
@pytest.mark.parametrize("mode", MODES)
def test_every_bit(mode, overflow, m, n, signed):
    """Ties, neighbours, ends of the range, values far beyond it."""
    rng = np.random.default_rng(0)
    codes = np.concatenate(
        [rng.integers(-40, 40, 60) / 4, rng.integers(-(2**53), 2**53, 40) * 2.0 ** rng.integers(-55, 20, 40)]
    )
    x = np.ldexp(codes, -n)
    x = np.concatenate(
        [x, np.nextafter(x, 99), rng.uniform(-1, 1, 40) * 2.0**m * 1.1, [2.0**m, -(2.0**m), 2.0**m - 2.0**-n, 0, 1e18]]
    )
    q = FixedPoint(m, n, rounding=mode, overflow=overflow, signed=signed)
    assert q.encode(x).tolist() == [model(float(v), m, n, mode, overflow, signed) for v in x]
    single = x.astype(np.float32)
    assert q.encode(single).tolist() == [model(float(v), m, n, mode, overflow, signed) for v in single]


@pytest.mark.parametrize("m, n, signed", SHAPES)
@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
def test_integers_stay_integers(overflow, m, n, signed):
    q = FixedPoint(m, n, overflow=overflow, signed=signed)
    for dtype in (np.int8, np.uint8, np.int64, np.uint64):
        ends = np.iinfo(dtype)
        numbers = [ends.min, ends.min + 1, ends.max, ends.max - 1, ends.max // 2, 0, 1, 2, 3, 100]
        assert q.encode(np.array(numbers, dtype)).tolist() == [
            model(v, m, n, "floor", overflow, signed) for v in numbers
        ]


def test_round_trips():
    for m, n, signed in SHAPES:
        q = FixedPoint(m, n, signed=signed)
        low, high = q.code_range
        codes = np.array([low, low // 2, 0, 1 if high else 0, high // 2], np.uint64 if not signed else np.int64)
        exact = [Fraction(int(code), 2**n) for code in codes]
        assert q.decode(codes).tolist() == [float(v) for v in exact]
        near = [code for code in codes if abs(int(code)) < 2**53 or int(code) & (int(code) - 1) == 0]
        assert q.encode(q.decode(np.array(near, codes.dtype))).tolist() == [int(code) for code in near]
        assert q.encode([0.25]).dtype.itemsize * 8 >= q.bits == m + n + signed
        assert Quantizer.from_json(q.to_json()) == q and q.step == 2.0**-n


@pytest.mark.parametrize("mode", MODES)
def test_lists(mode):
    q = FixedPoint(2, 2, rounding=mode)
    assert q.levels.tolist() == [code / 4 for code in range(-16, 16)]
    below, above = q.encode(q.thresholds - 1e-9), q.encode(q.thresholds + 1e-9)
    apart = q.thresholds != 0 if mode == "toward-zero" else slice(None)
    assert (above - below)[apart].min() == 1 and len(q.thresholds) == 31


def test_errors():
    for call, message in [
        (lambda: FixedPoint(-1, 3), "m must be at least 0"), (lambda: FixedPoint(1, 1.5), "n must be an integer"),
        (lambda: FixedPoint(32, 32), "65 bits"), (lambda: FixedPoint(0, 0, signed=False), "0 bits"),
        (lambda: FixedPoint(1, 1, rounding="up"), "rounding must be"), (lambda: FixedPoint(1, 1, overflow="nan"), "overflow"),
        (lambda: FixedPoint(1, 1).encode([math.nan, 1]), "1 NaN"), (lambda: FixedPoint(1, 1).encode([]), "empty"),
        (lambda: FixedPoint(1, 1).decode([4]), "within -4..3"), (lambda: FixedPoint(30, 1).levels, "too many"),
        (lambda: FixedPoint(0, 30, overflow="wrap").encode([1e305]), "beyond double precision"),
    ]:  # fmt: skip
        with pytest.raises(ParameterError, match=message):
            call()
    for mode in MODES:
        assert FixedPoint(0, 30, rounding=mode).encode([1e305, -1e305]).tolist() == [2**30 - 1, -(2**30)]


def test_signed_is_a_truth_value():
    with pytest.raises(ParameterError, match="signed must be True or False, not 'no'"):
        FixedPoint(3, 4, signed="no")
    assert FixedPoint(3, 4, signed=np.False_).code_range == (0, 127)
