"""Pages and figures of quantizers: the numbers of the library, nothing from outside, the same bytes again."""

import json
import math
import re

import numpy as np
import pytest

from codec import rd
from codec.errors import ParameterError
from codec.quantizers import DeadZone, LloydMax, analyse, recommend
from codec.quantizers.densities import Laplacian, shannon_bound
from codec.quantizers.recommendation import METHODS

X = np.random.default_rng(4).laplace(size=6000)
RANKED = recommend(X, bits=3)
HOSTILE = '"><img src=x onerror="window.owned=1"></script><!--\u2028'


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


def test_the_page_has_the_numbers_of_the_reports():
    data = data_of(rd.quantization_report(X, RANKED, name="x", goal="3 bits"))
    assert [one["method"] for one in data["ranked"]] == [one.method for one in RANKED]
    for one, shown in zip(RANKED, data["ranked"]):
        assert shown["sqnr"] == pytest.approx(one.report.sqnr, rel=1e-5)
        assert shown["reasons"] == list(one.reasons)
        error = one.quantizer.transform(X) - X
        assert shown["envelope"][0] == pytest.approx([error[:20].min(), error[:20].max()], rel=1e-5)
        for threshold, low, high in zip(shown["thresholds"], shown["levels"], shown["levels"][1:]):
            below, above = one.quantizer.transform(np.array([threshold - 1e-3, threshold + 1e-3]))
            assert (below, above) == pytest.approx((low, high), rel=1e-5, abs=1e-12)
    assert sum(data["data"]["counts"]) == X.size
    intercept, slope = data["bound"]
    assert slope == pytest.approx(6.0206, abs=1e-4)
    assert intercept == pytest.approx(10 * math.log10(np.mean(X**2) / shannon_bound(Laplacian.fit(X), 0)), abs=0.05)


def test_text_is_data_and_the_page_is_closed():
    page = rd.quantization_report(X, RANKED, name=HOSTILE, title=HOSTILE, notes=[HOSTILE], command=HOSTILE)
    assert page.isascii() and "<img" not in page and "default-src" in page
    assert not re.search(r"(?:src|href)=\"?https?:", page)


def test_the_same_data_gives_the_same_page(tmp_path):
    pages = [rd.quantization_report(X, recommend(X, bits=3), tmp_path / f"{n}.html", chosen=1) for n in (1, 2)]
    assert pages[0] == pages[1] == (tmp_path / "1.html").read_text() and data_of(pages[0])["chosen"] == 1


@pytest.mark.parametrize("x", [np.full(10, 3.0), np.zeros(10), np.array([1.0]), np.array([1, 2, 3])])
def test_poor_data_has_a_page(x):
    data = data_of(rd.quantization_report(x, recommend(x, bits=2)))
    assert (data["density"] is None) == (len(set(x)) == 1) == (data["bound"] is None)


def test_curves_are_measured():
    curves = rd.rate_distortion(X)
    assert set(curves) <= set(METHODS) and {"uniform", "rounding", "lloyd-max"} <= set(curves)
    rate, sqnr, label = curves["rounding"][3]
    step = X.std() * 2.0 ** np.arange(-4, 2.5, 0.5)
    report = analyse(X, DeadZone(float(step[::-1][3]), 0.5))
    assert (rate, sqnr) == pytest.approx((report.entropy, report.sqnr)) and label == f"step {step[::-1][3]:.4g}"
    report = analyse(X, LloydMax(8).fit(X))
    assert any((r, s) == pytest.approx((report.entropy, report.sqnr)) for r, s, _ in curves["lloyd-max"])


def test_figures(tmp_path):
    pytest.importorskip("matplotlib")
    figure = rd.plot_quantization(
        X, RANKED[0].quantizer, tmp_path / "q.svg", methods=["rounding"], title="t", caption="c"
    )
    histogram, plane, time = figure.axes
    assert sum(line.get_xdata()[0] == line.get_xdata()[1] for line in histogram.lines) == 7  # thresholds
    labels = [text.get_text() for text in plane.get_legend().get_texts()]
    assert labels == ["rounding", "this one", "Shannon's bound"] and "least" in time.get_ylabel()
    again = rd.plot_quantization(
        X, RANKED[0].quantizer, tmp_path / "again.svg", methods=["rounding"], title="t", caption="c"
    )
    assert (tmp_path / "q.svg").read_bytes() == (tmp_path / "again.svg").read_bytes() and again is not figure
    rd.plot_quantization(np.full(9, 2.0), DeadZone(1.0), log_counts=True)


def test_bad_arguments_are_refused():
    for call in (
        lambda: rd.quantization_report(X, []),
        lambda: rd.quantization_report(X, RANKED, chosen=99),
        lambda: rd.quantization_report([math.nan], RANKED),
        lambda: rd.rate_distortion(X, methods=["best"]),
        lambda: rd.plot_quantization(X, RANKED[0].quantizer, "figure.txt"),
    ):
        with pytest.raises(ParameterError):
            call()
