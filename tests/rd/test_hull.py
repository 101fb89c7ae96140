"""No mixture of points beats the hull; no point beats the front in both respects."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.errors import ParameterError
from codec.rd import hull, pareto, speeds

SCORES = st.lists(st.tuples(st.integers(1, 30), st.integers(-20, 20)), min_size=1, max_size=30)


def make(point, pairs, sign=1, metric="psnr"):
    return [
        point(quality=i, bpp=float(rate), metrics={metric: float(sign * score)})
        for i, (rate, score) in enumerate(pairs)
    ]


@given(SCORES)
def test_no_mixture_of_two_points_beats_the_hull(point, pairs):
    found = [(p.bpp, p.metrics["psnr"]) for p in hull(make(point, pairs + [(40, 40)]), "psnr")]
    rates, scores = zip(*found)
    assert (np.diff(rates) > 0).all() and (np.diff(scores) > 0).all()
    slopes = np.diff(scores) / np.diff(rates)
    assert (np.diff(slopes) < 0).all()
    assert all(score <= np.interp(rate, rates, scores) + 1e-9 for rate, score in pairs)


@given(SCORES)
def test_smaller_may_be_better(point, pairs):
    pairs = [(0.5, -50), *pairs, (40, 40)]
    rising, falling = hull(make(point, pairs), "psnr"), hull(make(point, pairs, -1, "mse"), "mse")
    foreign = hull(make(point, pairs, -1, "vmaf"), "vmaf")
    assert [p.setting for p in rising] == [p.setting for p in falling] == [p.setting for p in foreign]


def test_lossless_rows_and_rows_without_the_metric_are_left_out(point):
    rows = make(point, [(1, 30), (2, 33)]) + [point(bpp=9.0, metrics={"psnr": math.inf}), point(bpp=0.1, metrics={})]
    assert [p.bpp for p in hull(rows, "psnr")] == [1.0, 2.0]
    with pytest.raises(ParameterError, match="no row has the metric 'mse'"):
        hull(rows, "mse")


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20))
def test_the_front_is_what_nothing_beats(pairs):
    def beats(a, b):
        return a[0] <= b[0] and a[1] >= b[1] and a != b

    assert {pairs[i] for i in pareto(pairs)} == {b for b in pairs if not any(beats(a, b) for a in pairs)}
    assert [pairs[i][0] for i in pareto(pairs)] == sorted({pairs[i][0] for i in pareto(pairs)})


def test_speed_and_size_of_families(point):
    rows = [
        point(f"{i}.png", codec=codec, quality=q, bpp=q * factor / 40, metrics={"psnr": q / 2}, encode_seconds=seconds)
        for codec, factor, seconds in (("slow", 0.8, 2.0), ("fast", 1.0, 0.5), ("worse", 1.1, 1.0))
        for i in range(3)
        for q in (20, 40, 60, 80)
    ]
    slow, fast, worse = speeds(rows, "psnr", "fast")
    assert (slow.bd_rate, fast.bd_rate, worse.bd_rate) == pytest.approx((-20, 0, 10))
    assert [s.front for s in (slow, fast, worse)] == [True, True, False]
    assert fast.encode_mpixels_per_second == pytest.approx(200 / 1e6 / 0.5) and slow.n == fast.n == 3
    assert [s.front for s in speeds(rows, "psnr", "fast", of="decode")] == [True, False, False]
