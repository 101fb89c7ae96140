"""8-bit floats: all codes by their fields, rounding by brute force, both rules for overflow."""

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pytest

from codec import ParameterError
from codec.quantizers import Float8, Quantizer

# format: (mantissa bits, bias, largest finite code, largest value)
FIELDS = {
    "e4m3fn": (3, 7, 0x7E, 448),
    "e5m2": (2, 15, 0x7B, 57344),
    "e4m3fnuz": (3, 8, 0x7F, 240),
    "e5m2fnuz": (2, 16, 0x7F, 57344),
}


@lru_cache(None)
def value(name, code):
    bits, bias, top, _ = FIELDS[name]
    sign, size = -1 if code & 128 else 1, code & 127
    if name.endswith("uz") and code == 0x80:
        return math.nan
    if size > top:
        return sign * math.inf if (name, size) == ("e5m2", 0x7C) else math.nan
    exponent, mantissa = size >> bits, size & ((1 << bits) - 1)
    exact = Fraction(mantissa + (1 << bits if exponent else 0)) * Fraction(2) ** (max(exponent, 1) - bias - bits)
    return sign * float(exact)


@pytest.mark.parametrize("name", FIELDS)
def test_all_codes(name):
    found = Float8(name).decode(np.arange(256))
    np.testing.assert_array_equal(found, np.array([value(name, code) for code in range(256)], np.float32))
    assert np.nanmax(found[np.isfinite(found)]) == FIELDS[name][3]
    kept = ~np.isnan(found)
    assert Float8(name, overflow="nan").encode(found)[kept].tolist() == np.arange(256)[kept].tolist()


def nearest(name, x, overflow):
    """The code of a number, by trying all of them: ties to the even one. Beyond the largest value the grid goes on."""
    _, _, top, largest = FIELDS[name]
    step = largest - value(name, top - 1)
    grid = [(value(name, code), code) for code in range(top + 1)] + [(largest + step, 128 + (top + 1) % 2)]
    size = abs(x)  # the differences to the two codes around it are exact
    code = min(grid, key=lambda entry: (abs(entry[0] - size), entry[1] & 1))[1] if size < largest + step else 128
    if code >= 128:
        code = top if overflow == "saturate" else {"e5m2": 0x7C, "e4m3fn": 0x7F}.get(name, 0x80)
    negative = math.copysign(1, x) < 0
    return code | (128 if negative and (code or not name.endswith("uz")) else 0)


@pytest.mark.parametrize("overflow", ["saturate", "nan"])
@pytest.mark.parametrize("name", FIELDS)
def test_rounding(name, overflow):
    values = np.array([value(name, code) for code in range(FIELDS[name][2] + 1)])
    ties = np.concatenate([(values[1:] + values[:-1]) / 2, [values[-1] * 1.5 - values[-2] / 2, values[-1] * 4, 1e30]])
    x = np.concatenate([ties, np.nextafter(ties, 0), np.nextafter(ties, 1e39), values, [1e-40, 0.0]])
    x = np.concatenate([x, -x])
    q = Float8(name, overflow=overflow)
    expected = [nearest(name, v, overflow) for v in x]
    assert q.encode(x).tolist() == expected
    single = x.astype(np.float32)
    assert q.encode(single).tolist() == [nearest(name, float(v), overflow) for v in single]


def test_double_precision_is_rounded_once():
    """1.0625 is a tie between 1 and 1.125; a little more in float64 is lost if float32 comes first."""
    assert Float8("e4m3fn").transform([1.0625, 1.0625 + 1e-12]).tolist() == [1.0, 1.125]


@pytest.mark.parametrize("name", FIELDS)
def test_special_values(name):
    saturating, plain = Float8(name), Float8(name, overflow="nan")
    assert saturating.transform([math.inf, -math.inf]).tolist() == [FIELDS[name][3], -FIELDS[name][3]]
    beyond = plain.transform([math.inf, 1e30])
    assert (np.isinf(beyond) if name == "e5m2" else np.isnan(beyond)).all()
    for q in (saturating, plain):
        assert np.isnan(q.transform([math.nan, -math.nan])).all()
    assert plain.encode([-0.0]).tolist() == [0 if name.endswith("uz") else 0x80]
    assert (np.diff(plain.thresholds) > 0).all() and len(plain.levels) == 256


def test_scales_records_and_errors():
    x = [0.001, -0.03]
    q = Float8("e4m3fn", scale=None).fit(x)
    assert q.scale == pytest.approx(0.03 / 448) and q.transform(x)[1] == pytest.approx(-0.03)
    again = Quantizer.from_json(q.to_json())
    assert again == q and again.transform(x).tolist() == q.transform(x).tolist()
    assert Float8("e5m2", scale=None).fit([0]).scale == 1 and Float8(scale=2).fit(x).scale == 2
    for call, message in [
        (lambda: Float8("e3m4"), "format must be"), (lambda: Float8(overflow="wrap"), "overflow must be"),
        (lambda: Float8(scale=0), "scale"), (lambda: Float8(scale=None).encode([1]), "must be fitted"),
        (lambda: Float8().decode([256]), "within 0..255"), (lambda: Float8().encode([]), "empty"),
        (lambda: Float8().fit([math.nan]), "1 NaN"), (lambda: Float8().encode(["a"]), "real numbers"),
    ]:  # fmt: skip
        with pytest.raises(ParameterError, match=message):
            call()
