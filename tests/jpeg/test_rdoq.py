"""The trellis as a quantizer of coefficient arrays."""

import math

import numpy as np
import pytest

from codec import ParameterError, _core
from codec.jpeg import QuantTables, TrellisQuantizer
from codec.jpeg.levels import optimised_levels
from codec.quantizers import Quantizer

Q = np.array(QuantTables.ijg(60).luminance)


@pytest.fixture(scope="module")
def coefficients(picture):
    samples = picture(128, 128, 1).astype(int) - 128
    blocks = samples.reshape(16, 8, 16, 8).swapaxes(1, 2).reshape(-1, 64)
    return _core.fdct(blocks)


def bits(levels):
    """Of the AC coefficients after optimal coding of (run, size) symbols (T.81 F.1.2.2), entropy and extra bits."""
    symbols, extra = [], 0
    for block in levels[:, _core.ZIGZAG]:
        run = 0
        for level in block[1:].tolist():
            if level == 0:
                run += 1
                continue
            symbols += [0xF0] * (run // 16)
            size = abs(level).bit_length()
            symbols.append(run % 16 << 4 | size)
            extra += size
            run = 0
        symbols += [0] if run else []
    counts = np.bincount(symbols)
    counts = counts[counts > 0]
    return float(-np.sum(counts * np.log2(counts / counts.sum()))) + extra


def error(levels, coefficients):
    """In squared steps, without DC."""
    return float(np.sum((levels - coefficients / (8.0 * Q))[:, 1:] ** 2))


def test_levels_are_those_of_the_encoder(coefficients):
    for passes in (1, 3):
        zigzag = np.ascontiguousarray(coefficients[None][..., _core.ZIGZAG])
        expected = optimised_levels([zigzag], [Q.astype(np.uint16)], [[0]], [9.0], passes=passes)[0][0]
        found = TrellisQuantizer(Q, weight=9.0, passes=passes).encode(coefficients)
        assert found.dtype == np.int16
        np.testing.assert_array_equal(found[:, _core.ZIGZAG], expected)


@pytest.mark.parametrize("weight", [4.0, 8.7, 16.0])
def test_cheaper_than_rounding_and_dead_zones(coefficients, weight):
    """By bits + weight squared errors, for the statistics of the result."""
    q = TrellisQuantizer(Q, weight=weight, passes=3)
    levels = q.encode(coefficients)
    cost = bits(levels) + weight * error(levels, coefficients)
    for rounding in (64, 85, 104, 128):
        other = _core.quantize(coefficients, Q, ac_rounding=rounding)[:, np.argsort(_core.ZIGZAG)]
        assert cost < bits(other) + weight * error(other, coefficients)
    np.testing.assert_array_equal(q.decode(levels), levels * (8 * Q))


def test_scales(coefficients):
    plain = (coefficients / 8).round().astype(np.int16)
    np.testing.assert_array_equal(
        TrellisQuantizer(Q, scale=1).encode(plain), TrellisQuantizer(Q).encode((plain * 8).astype(np.int16))
    )
    assert TrellisQuantizer(Q, scale=1).decode(np.ones((1, 64), int)).tolist() == [Q.tolist()]


def test_records_and_errors(coefficients):
    q = TrellisQuantizer(Q, weight=5, passes=2)
    assert Quantizer.from_json(q.to_json()) == q and q.fit(coefficients) is q
    block = np.zeros((1, 64), np.int16)
    for call, message in [
        (lambda: TrellisQuantizer([1] * 63), "64 integers"), (lambda: TrellisQuantizer([0] * 64), "64 integers"),
        (lambda: TrellisQuantizer(Q, weight=0), "weight"), (lambda: TrellisQuantizer(Q, weight=math.nan), "weight"),
        (lambda: TrellisQuantizer(Q, scale=2), "scale"), (lambda: TrellisQuantizer(Q, passes=0), "passes"),
        (lambda: q.encode(block[0]), "shape"), (lambda: q.encode(block.astype(float)), "integers"), (lambda: q.encode(block[:0]), "shape"),
        (lambda: TrellisQuantizer(Q, scale=1).encode(block + 4096), "within -4096..4095"),
        (lambda: TrellisQuantizer([1] * 64).encode(block + 9000), "exceed 1023"), (lambda: q.decode(block[0]), "shape"),
        (lambda: q.levels, "no single list"), (lambda: q.thresholds, "no fixed thresholds"),
    ]:  # fmt: skip
        with pytest.raises(ParameterError, match=message):
            call()
