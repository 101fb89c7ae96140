"""Bjontegaard deltas: equal to the published tool, and refused with a reason where no value would be sound."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.errors import ParameterError
from codec.rd import bd_quality, bd_rate, compare, families, means
from codec.rd.interpolation import METHODS, integral
from codec.rd.points import pick_family

# The three test cases that the package bjontegaard ships in its example_usage.py (rate in kbit/s, PSNR
# in dB), anchor and test.
EXAMPLES = {
    "1": (
        [9487.76, 4593.60, 2486.44, 1358.24],
        [40.037, 38.615, 36.845, 34.851],
        [9787.80, 4469.00, 2451.52, 1356.24],
        [40.121, 38.651, 36.970, 34.987],
    ),
    "2": (
        [82472.76, 26875.24, 9487.76, 4593.6],
        [43.825, 41.404, 40.037, 38.615],
        [99896.96, 33952.04, 9787.8, 4469.0],
        [44.731, 41.875, 40.121, 38.651],
    ),
    "3": (
        [82472.76, 26875.24, 9487.76, 4593.6, 3600, 2900],
        [43.825, 41.404, 40.037, 38.615, 36.5, 35.1],
        [99896.96, 33952.04, 9787.8, 4469.0, 4040, 3300],
        [44.731, 41.875, 40.121, 38.651, 37, 36.5],
    ),
}
# Results of bjontegaard 1.3.0 (SciPy 1.17) for them, so that the check needs neither: BD-rate in
# percent, BD-PSNR in dB.
PUBLISHED = {
    ("1", "pchip"): (-4.417485351, 0.1196927854),
    ("1", "akima"): (-4.425245157, 0.1194092703),
    ("1", "cubic"): (-4.420462706, 0.1204094191),
    ("2", "pchip"): (-4.472182003, 0.08887484705),
    ("2", "akima"): (-4.08576094, 0.08990284925),
    ("2", "cubic"): (-4.699437548, 0.09540440289),
    ("3", "pchip"): (-2.952802412, 0.08953590195),
    ("3", "akima"): (-2.526920187, 0.05088930502),
    ("3", "cubic"): (-0.6392886209, 0.1035808515),
}
ANCHOR = [(0.25, 30.0), (0.5, 33.0), (1.0, 36.0), (2.0, 39.0), (4.0, 41.0)]


def scaled(curve, rate=1.0, score=0.0):
    return [(rate * bpp, value + score) for bpp, value in curve]


@st.composite
def curves(draw, least=4):
    count = draw(st.integers(least, 9))
    steps = st.lists(st.floats(0.02, 3), min_size=count, max_size=count)
    rates, scores = np.cumsum(draw(steps)), np.cumsum(draw(steps)) + draw(st.floats(-20, 60))
    return list(zip(rates.tolist(), scores.tolist()))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("example", EXAMPLES)
def test_equal_to_the_published_tool_on_its_own_examples(example, method):
    anchor_rate, anchor_score, test_rate, test_score = EXAMPLES[example]
    anchor, test = list(zip(anchor_rate, anchor_score)), list(zip(test_rate, test_score))
    rate, quality = PUBLISHED[example, method]
    assert bd_rate(anchor, test, method=method).value == pytest.approx(rate, abs=1e-6)
    assert bd_quality(anchor, test, method=method).value == pytest.approx(quality, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore")
def test_equal_to_the_published_tool_where_it_is_installed(method):
    tool = pytest.importorskip("bjontegaard")
    for anchor_rate, anchor_score, test_rate, test_score in EXAMPLES.values():
        anchor, test = list(zip(anchor_rate, anchor_score)), list(zip(test_rate, test_score))
        arguments = (anchor_rate, anchor_score, test_rate, test_score, method)
        assert bd_rate(anchor, test, method=method).value == pytest.approx(tool.bd_rate(*arguments), abs=1e-6)
        assert bd_quality(anchor, test, method=method).value == pytest.approx(tool.bd_psnr(*arguments), abs=1e-6)


@given(curves(), st.floats(0, 1), st.floats(0, 1))
def test_interpolation_equals_scipy(curve, start, stop):
    interpolate = pytest.importorskip("scipy.interpolate")
    x, y = (np.array(column) for column in zip(*curve))
    low, high = sorted(np.clip(x[0] + (x[-1] - x[0]) * np.array([start, stop]), x[0], x[-1]))
    for method, theirs in (("pchip", interpolate.PchipInterpolator), ("akima", interpolate.Akima1DInterpolator)):
        expected = float(theirs(x, y).integrate(low, high))
        assert integral(x, y, low, high, method) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_pchip_of_data_that_turns_is_flat_at_the_turn():
    interpolate = pytest.importorskip("scipy.interpolate")
    for y in ([0, 3, 1, 1, 5, 4], [5, 1, 2, 2, 2, 9], [0, 0, 0, 1, 0, 0]):
        x, y = np.array([0, 1, 1.5, 4, 5, 9.0]), np.array(y, float)
        assert integral(x, y, 0.2, 8.7, "pchip") == pytest.approx(
            float(interpolate.PchipInterpolator(x, y).integrate(0.2, 8.7))
        )
        assert integral(x, y, 0.2, 8.7, "akima") == pytest.approx(
            float(interpolate.Akima1DInterpolator(x, y).integrate(0.2, 8.7))
        )


@pytest.mark.parametrize("method", METHODS)
@given(curve=curves(), factor=st.floats(0.5, 2))
def test_a_constant_factor_on_the_rate_is_the_delta(curve, factor, method):
    result = bd_rate(curve, scaled(curve, rate=factor), method=method)
    assert result.value == pytest.approx(100 * (factor - 1), abs=1e-6)
    assert (result.low, result.high, result.share) == pytest.approx((curve[0][1], curve[-1][1], 1))


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_gain_in_score_is_the_delta(method):
    result = bd_quality(ANCHOR, scaled(ANCHOR, score=0.75), method=method)
    assert result.value == pytest.approx(0.75)
    assert (result.low, result.high) == pytest.approx((0.25, 4.0))


@given(curves(), curves())
def test_there_and_back_cancel(a, b):
    there, back = bd_rate(a, b), bd_rate(b, a)
    if there.value is None:
        assert back.value is None and there.reason
    else:
        assert (1 + there.value / 100) * (1 + back.value / 100) == pytest.approx(1)
        assert a != b or there.value == pytest.approx(0, abs=1e-9)


@given(curves(), st.randoms())
def test_order_repetition_and_lossless_points_do_not_matter(curve, random):
    other = curve + [curve[1], (curve[-1][0] + 3, math.inf)]
    random.shuffle(other)
    assert bd_rate(ANCHOR, other) == bd_rate(ANCHOR, curve)


def test_scores_may_fall_with_the_rate():
    mse = [(bpp, 100 - score) for bpp, score in ANCHOR]
    result = bd_rate(mse, scaled(mse, rate=0.8))
    assert result.value == pytest.approx(-20) and (result.low, result.high) == (59, 70)
    assert bd_quality(mse, scaled(mse, score=-2)).value == pytest.approx(-2)


def test_the_common_range_and_its_share():
    result = bd_rate(ANCHOR, scaled(ANCHOR, score=5.5))
    assert (result.low, result.high) == (35.5, 41.0)
    assert result.share == pytest.approx(5.5 / 16.5)


def test_a_short_curve_within_a_long_one_is_compared():
    short = [(1 + i / 1000, 36 + i / 1000) for i in range(4)]
    assert bd_rate(ANCHOR, short).share == pytest.approx(0.003 / 11)
    assert bd_rate(ANCHOR, scaled(ANCHOR, score=10)).value is not None


@pytest.mark.parametrize(
    "test, reason",
    [
        (ANCHOR[:3], "the test has 3 points, and a delta needs at least 4"),
        ([*ANCHOR[:3], (9, math.inf)], r"the test has 3 points \(lossless ones not counted\), and"),
        (
            scaled(ANCHOR, score=50),
            "the curves share no range of scores: the reference spans 30 to 41, the test 80 to 91",
        ),
        (scaled(ANCHOR, score=11), "share no range"),
        (scaled(ANCHOR, score=10.5), r"share less than 5% of the scores of the shorter one: the reference spans 30 to"),
        (iter(ANCHOR[:2]), "the test has 2 points, and"),
        (iter([*ANCHOR[:3], (9, math.inf)]), r"the test has 3 points \(lossless ones not counted\), and"),
        (
            [(0.25, 30.0), (0.5, 33.0), (1.0, 32.5), (2.0, 39.0), (4.0, 39.0)],
            r"the test is not monotonic: its score does not rise with the rate "
            r"between the rates 0.5 \(33\) and 1 \(32.5\); "
            r"2 \(39\) and 4 \(39\)",
        ),
        ([(0.25, 30.0), (0.5, 33.0), (0.5, 34.0), (2.0, 39.0)], r"not monotonic.*0.5 \(33\) and 0.5 \(34\)"),
        ([(bpp, -score) for bpp, score in ANCHOR], "scores rise with the rate in the reference and fall in the test"),
        ([(0.0, 1.0), *ANCHOR], "the test has a point of rate 0 with score 1"),
        ([(1.5, math.nan), *ANCHOR], "the test has a point of rate 1.5 with score nan"),
        ([(1.0, 30), (1.0 + 2e-16, 30 + 1e-14), (1.1, 31), (1.2, 32)], ""),
    ],
)
def test_refusals_say_why(test, reason):
    result = bd_rate(ANCHOR, test)
    assert result.value is None or not reason
    assert re.search(reason, result.reason)


def test_rates_that_do_not_meet():
    assert (
        "share no range of rates: the reference spans 0.25 to 4, the test 25 to 400"
        in bd_quality(ANCHOR, scaled(ANCHOR, rate=100)).reason
    )


def test_wrong_arguments():
    with pytest.raises(ParameterError, match="unknown method 'spline': there are pchip, akima, cubic"):
        bd_rate(ANCHOR, ANCHOR, method="spline")
    with pytest.raises(ParameterError, match=r"the test must be a sequence of \(rate, score\)"):
        bd_rate(ANCHOR, [1, 2, 3, 4])


def rows(point, pictures=4, families=(("jpeg", "4:2:0", 1.0), ("mozjpeg", "4:2:0", 0.9))):
    return [
        point(
            f"{picture}.png",
            sha256=str(picture) * 64,
            codec=codec,
            bpp=(1 + picture / 4) * factor ** (1 + picture / 3) * quality / 40,
            setting={"subsampling": subsampling, "quality": quality},
            metrics={"psnr": 25 + quality / 5},
        )
        for codec, subsampling, factor in families
        for picture in range(pictures)
        for quality in (20, 40, 60, 80)
    ]


def test_families_against_an_anchor(point):
    (result,) = compare(rows(point), "psnr", "jpeg").values()
    deltas = [100 * (0.9 ** (1 + picture / 3) - 1) for picture in range(4)]
    assert [found.value for found in result.images.values()] == pytest.approx(deltas)
    assert list(result.images) == ["0.png", "1.png", "2.png", "3.png"]
    assert result.mean == pytest.approx(np.mean(deltas)) and result.median == pytest.approx(np.median(deltas))
    assert min(deltas) < result.low < result.mean < result.high < max(deltas)
    assert (result.family, result.anchor, result.n, result.refused) == ("mozjpeg", "jpeg", 4, {})
    assert result == compare(rows(point), "psnr", "jpeg")["mozjpeg"]


def test_the_interval_of_few_pictures_is_not_given(point):
    (result,) = compare(rows(point, pictures=2), "psnr", "jpeg").values()
    assert result.mean is not None and result.low is result.high is None


def test_pictures_without_a_delta_are_listed_and_not_counted(point):
    points = rows(point)
    points = [row for row in points if not (row.codec == "mozjpeg" and row.image == "1.png")]
    points = [
        point(**{**vars(row), "metrics": {}}) if row.codec == "mozjpeg" and row.image == "2.png" else row
        for row in points
    ]
    points = [
        row for row in points if not (row.codec == "mozjpeg" and row.image == "3.png" and row.setting["quality"] == 20)
    ]
    result = compare(points, "psnr", "jpeg")["mozjpeg"]
    assert result.n == 1 and result.mean == result.images["0.png"].value
    assert result.refused == {
        "1.png": "the family has no rows of it",
        "2.png": "the family has no row of it with psnr",
        "3.png": "the test has 3 points, and a delta needs at least 4",
    }


def test_quality_at_equal_rate(point):
    result = compare(
        rows(point, families=(("jpeg", "4:2:0", 1.0), ("mozjpeg", "4:2:0", 0.5))), "psnr", "jpeg", quantity="quality"
    )["mozjpeg"]
    assert result.mean > 0 and result.quantity == "quality"


def test_the_last_row_of_a_setting_counts(point):
    points = rows(point)
    stale = [point(**{**vars(row), "bpp": row.bpp * 3}) for row in points]
    assert compare(stale + points, "psnr", "jpeg") == compare(points, "psnr", "jpeg")


def test_one_name_for_two_contents_is_two_pictures(point):
    points = rows(point)
    twice = points + [point(**{**vars(row), "image": "0.png"}) for row in points if row.image == "1.png"]
    assert set(compare(twice, "psnr", "jpeg")["mozjpeg"].images) == {
        "0.png (00000000)",
        "0.png (11111111)",
        "1.png",
        "2.png",
        "3.png",
    }


def test_what_cannot_be_compared(point):
    with pytest.raises(ParameterError, match="there are no rows to compare"):
        compare([], "psnr", "jpeg")
    with pytest.raises(ParameterError, match="no row has the metric 'ssim': there are psnr"):
        compare(rows(point), "ssim", "jpeg")
    with pytest.raises(ParameterError, match="no family is called 'mozjpg': did you mean 'mozjpeg'"):
        compare(rows(point), "psnr", "mozjpg")
    with pytest.raises(ParameterError, match="unknown quantity"):
        compare(rows(point), "psnr", "jpeg", quantity="size")


def test_versions_of_a_codec_are_families_where_there_are_several(point):
    both = rows(point, families=(("jpeg", "4:2:0", 1.0), ("mozjpeg", "4:2:0", 0.9)))
    newer = [
        point(**{**vars(row), "codec_version": "0.2.0", "bytes": row.bytes // 2, "bpp": row.bpp / 2})
        for row in both
        if row.codec == "jpeg"
    ]
    groups = families([*both, *newer])
    assert list(groups) == ["jpeg (0.1.0)", "mozjpeg", "jpeg (0.2.0)"] and list(families(newer)) == ["jpeg, 4:2:0"]
    assert pick_family(groups, "0.1.0") == "jpeg (0.1.0)" and pick_family(groups, "moz") == "mozjpeg"
    assert compare([*both, *newer], "psnr", "jpeg (0.1.0)")["jpeg (0.2.0)"].mean == pytest.approx(-50)
    assert [(mean.codec, mean.codec_version) for mean in means([*both, *newer])][::4] == [
        ("jpeg", "0.1.0"),
        ("mozjpeg", "0.1.0"),
        ("jpeg", "0.2.0"),
    ]
    with pytest.raises(ParameterError, match="'jpeg' has several families"):
        pick_family(groups, "jpeg")


def test_families_are_named_by_what_differs_between_codecs(point):
    def named(*families_):
        return list(families(rows(point, pictures=1, families=[(*family, 1.0) for family in families_])))

    assert named(("jpeg", "4:2:0"), ("mozjpeg", "4:2:0")) == ["jpeg", "mozjpeg"]
    assert named(("jpeg", "auto"), ("mozjpeg", "4:2:0")) == ["jpeg, automatic subsampling", "mozjpeg, 4:2:0"]
    assert named(("jpeg", "4:4:4"), ("jpeg", "4:2:0"), ("webp", "4:2:0")) == [
        "jpeg, 4:4:4",
        "jpeg, 4:2:0",
        "webp, 4:2:0",
    ]


def test_a_family_may_be_called_by_its_codec(point):
    groups = families(rows(point, families=(("jpeg", "4:4:4", 1), ("jpeg", "4:2:0", 1), ("webp", "4:2:0", 1))))
    assert pick_family(groups, "webp") == "webp, 4:2:0" and pick_family(groups, "jpeg, 4:2:0") == "jpeg, 4:2:0"
    with pytest.raises(
        ParameterError, match="'jpeg' has several families of settings: there are 'jpeg, 4:4:4'; 'jpeg, 4:2:0'"
    ):
        pick_family(groups, "jpeg")
