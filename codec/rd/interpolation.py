"""Interpolation through a few points, with exact integrals, for Bjontegaard deltas.

`pchip` is Fritsch and Butland's choice of slopes (SIAM J. Sci. Stat. Comput. 5(2), 1984) with the one-sided three-point
ends of Moler, "Numerical Computing with MATLAB", 3.4: monotonic data gives a monotonic curve. `akima` is Akima's (J.
ACM 17(4), 1970). `cubic` is the polynomial of degree three through, or nearest to, all points, as in ITU-T VCEG-M33
(2001); it tends to overshoot.
"""

import numpy as np


def integral(x, y, low, high, method):
    """Integrate the curve through (x, y) from `low` to `high`, which lie within x. x rises strictly, with at least four
    points.
    """
    return METHODS[method](x, y, low, high)


def _piecewise(slopes):
    def integrate(x, y, low, high):
        h, d = np.diff(x), slopes(x, y)
        m = np.diff(y) / h
        # Hermite cubic on each piece, in powers of t = x - x[i].
        c2 = (3 * m - 2 * d[:-1] - d[1:]) / h
        c3 = (d[:-1] + d[1:] - 2 * m) / h**2

        def area(i, t):
            return t * (y[i] + t * (d[i] / 2 + t * (c2[i] / 3 + t * c3[i] / 4)))

        before = np.concatenate([[0.0], np.cumsum(area(np.arange(h.size), h))])

        def upto(value):
            i = min(max(int(np.searchsorted(x, value)) - 1, 0), h.size - 1)
            return before[i] + area(i, value - x[i])

        return float(upto(high) - upto(low))

    return integrate


def _pchip_slopes(x, y):
    h, m = np.diff(x), np.diff(y) / np.diff(x)
    d = np.zeros_like(y)
    same_way = m[:-1] * m[1:] > 0
    w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
    left, right = np.where(same_way, m[:-1], 1), np.where(same_way, m[1:], 1)
    d[1:-1] = np.where(same_way, (w1 + w2) / (w1 / left + w2 / right), 0)
    d[0] = _end_slope(h[0], h[1], m[0], m[1])
    d[-1] = _end_slope(h[-1], h[-2], m[-1], m[-2])
    return d


def _end_slope(h0, h1, m0, m1):
    """Slope of the parabola through the last three points, limited to keep the direction of the data."""
    d = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
    if np.sign(d) != np.sign(m0):
        return 0.0
    return 3 * m0 if np.sign(m0) != np.sign(m1) and abs(d) > 3 * abs(m0) else d


def _akima_slopes(x, y):
    m = np.diff(y) / np.diff(x)
    # Two more slopes on each side, continuing the parabola through the last three points.
    m = np.concatenate([[3 * m[0] - 2 * m[1], 2 * m[0] - m[1]], m, [2 * m[-1] - m[-2], 3 * m[-1] - 2 * m[-2]]])
    change = np.abs(np.diff(m))
    w1, w2 = change[2:], change[:-2]
    total = w1 + w2
    straight = total <= 1e-9 * total.max(initial=0)
    weighted = (w1 * m[1:-2] + w2 * m[2:-1]) / np.where(straight, 1, total)
    # Between two straight lines every weight is as good: the mean of the slopes around.
    return np.where(straight, (m[1:-2] + m[2:-1]) / 2, weighted)


def _cubic(x, y, low, high):
    # Centred and scaled: powers of a score near 1, or of a rate near 0, are badly conditioned as they are.
    center, scale = (x[0] + x[-1]) / 2, (x[-1] - x[0]) / 2
    powers = np.polyint(np.polyfit((x - center) / scale, y, 3))
    return float(scale * (np.polyval(powers, (high - center) / scale) - np.polyval(powers, (low - center) / scale)))


METHODS = {"pchip": _piecewise(_pchip_slopes), "akima": _piecewise(_akima_slopes), "cubic": _cubic}
