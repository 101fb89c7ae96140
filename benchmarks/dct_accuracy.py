"""Accuracy of the 8x8 transforms: the IDCT by the procedure of IEEE 1180-1990, the FDCT on the same samples.

usage: python benchmarks/dct_accuracy.py [blocks]       prints a table; exit 1 when a bound of IEEE 1180 is broken

The procedure: random samples -> float64 FDCT, rounded, clipped to 12 bits -> float64 IDCT and the IDCT under test, both
rounded and clipped to 9 bits -> differences. For the FDCT the reference is the float64 FDCT, and differences are in
units of its coefficients.
"""

import sys
from dataclasses import dataclass

import numpy as np

RANGES = ((-256, 255), (-5, 5), (-300, 300))
FDCT_RANGES = ((-128, 127), (-5, 5))  # range of level-shifted 8-bit samples
BLOCKS = 10_000

# IEEE 1180-1990, 3.3: limits of peak, mean square error (any sample, all samples) and mean error (any sample, all).
IEEE_1180_BOUNDS = (1, 0.06, 0.02, 0.015, 0.0015)


@dataclass(frozen=True)
class Errors:
    """Statistics of (blocks, 64) differences."""

    peak: float  # largest magnitude
    sample_mse: float  # largest over the 64 positions
    mse: float
    sample_mean: float  # largest magnitude over the 64 positions
    mean: float  # magnitude

    @classmethod
    def of(cls, difference):
        square, mean = (difference**2).mean(0), difference.mean(0)
        return cls(
            float(np.abs(difference).max()),
            float(square.max()),
            float(square.mean()),
            float(np.abs(mean).max()),
            float(abs(mean.mean())),
        )

    @property
    def row(self):
        return self.peak, self.sample_mse, self.mse, self.sample_mean, self.mean

    @property
    def meets_ieee_1180(self):
        return all(value <= bound for value, bound in zip(self.row, IEEE_1180_BOUNDS))


def dct_matrix():
    """Rows are the basis functions of T.81 A.3.3: C(u)/2 cos((2x + 1) u pi / 16)."""
    u, x = np.mgrid[:8, :8]
    return np.where(u == 0, np.sqrt(0.5), 1) / 2 * np.cos((2 * x + 1) * u * np.pi / 16)


def float_fdct(samples):
    basis = dct_matrix()
    return (basis @ samples.reshape(-1, 8, 8) @ basis.T).reshape(-1, 64)


def float_idct(coefficients):
    basis = dct_matrix()
    return (basis.T @ coefficients.reshape(-1, 8, 8) @ basis).reshape(-1, 64)


def ieee_1180_random(low, high, count):
    """The generator of IEEE 1180-1990: x <- 1103515245 x + 12345 modulo 2^32 from x = 1; bits 7FFFFFFE
    of x, scaled to low..high."""
    multiplier, increment = 1103515245, 12345
    x = np.array([(multiplier + increment) % 2**32], np.uint64)
    while x.size < count:  # the next x.size values are one affine step away from these
        x = np.append(x, (x * np.uint64(multiplier) + np.uint64(increment)) % 2**32)
        multiplier, increment = multiplier * multiplier % 2**32, (multiplier + 1) * increment % 2**32
    unit = (x[:count] & 0x7FFFFFFE) / 0x7FFFFFFF
    return (unit * (high - low + 1)).astype(np.int64) + low


def idct_errors(idct, low, high, sign=1, blocks=BLOCKS):
    """IEEE 1180-1990 statistics of `idct`: (N, 64) integers -> (N, 64) integers."""
    samples = sign * ieee_1180_random(low, high, 64 * blocks).reshape(-1, 64)
    coefficients = np.rint(float_fdct(samples)).clip(-2048, 2047).astype(np.int64)
    reference = np.rint(float_idct(coefficients)).clip(-256, 255)
    return Errors.of(idct(coefficients).clip(-256, 255) - reference)


def fdct_errors(fdct, low, high, sign=1, blocks=BLOCKS):
    """The same statistics of `fdct`, which gives 8 times the coefficients, in units of coefficients."""
    samples = (sign * ieee_1180_random(low, high, 64 * blocks)).clip(-128, 127).reshape(-1, 64)
    return Errors.of(fdct(samples) / 8 - float_fdct(samples))


def main(blocks=BLOCKS):
    from codec._core import fdct, idct

    print(
        f"{'transform':10}{'range':>12}{'sign':>6}{'peak':>10}{'mse/sample':>12}"
        f"{'mse':>10}{'mean/sample':>13}{'mean':>10}"
    )
    fine = True
    for name, measure, transform, ranges in (
        ("IDCT", idct_errors, idct, RANGES),
        ("FDCT", fdct_errors, fdct, FDCT_RANGES),
    ):
        for low, high in ranges:
            for sign in (1, -1):
                errors = measure(transform, low, high, sign, blocks)
                fine &= name == "FDCT" or errors.meets_ieee_1180
                print(
                    f"{name:10}{f'{low}..{high}':>12}{sign:>+6}{errors.peak:>10.4f}"
                    f"{errors.sample_mse:>12.6f}{errors.mse:>10.6f}"
                    f"{errors.sample_mean:>13.6f}{errors.mean:>10.6f}"
                )
    print("IEEE 1180 bounds on the IDCT" + "{:>10}{:>12}{:>10}{:>13}{:>10}".format(*IEEE_1180_BOUNDS))
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
