"""The page of quantizers in a real browser: choice, pointer and keyboard, dark mode, hostile text, poor data."""

import numpy as np
import pytest

from codec import rd
from codec.quantizers import recommend

HOSTILE = '"><img src=x onerror="window.owned=1">\'</script><script>window.owned=2</script>&lt;b&gt;\u2028\u202egnp'
X = np.random.default_rng(4).laplace(size=6000)
RANKED = recommend(X, bits=3)


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "q.html"
    rd.quantization_report(X, RANKED, path, name=HOSTILE, notes=[HOSTILE], command="codec quantize x.npy")
    return path


def test_choosing_a_quantizer_changes_every_section(visit, page_file):
    page = visit(page_file)
    assert page.locator("#ranking-table tbody tr").count() == len(RANKED)
    assert page.locator("#values-figure .threshold").count() == 7
    place = next(i for i, one in enumerate(RANKED) if one.method == "mu-law")
    page.select_option("#choice", str(place))
    assert (
        page.locator("#reasons-title").inner_text() == "mu-law"
        and "mu-law" in page.locator("#values-lead").inner_text()
    )
    page.locator("#ranking-table button").first.click()
    assert page.locator("#reasons-title").inner_text() == RANKED[0].method
    assert RANKED[0].reasons[0] in page.locator("#reasons").inner_text()


@pytest.mark.parametrize("figure, lines", [("values", 1), ("plane", 2), ("time", 1), ("error", 1), ("lag", 1)])
def test_figures_by_keyboard(visit, page_file, figure, lines):
    page = visit(page_file)
    page.locator(f"#{figure}-figure-chart").focus()
    page.keyboard.press("End")
    last = page.locator(f"#{figure}-figure .tip").inner_text()
    page.keyboard.press("Home")
    first = page.locator(f"#{figure}-figure .tip").inner_text()
    assert first != last and page.locator("#spoken").inner_text()
    page.keyboard.press("ArrowDown")
    assert (page.locator(f"#{figure}-figure .tip").inner_text() != first) == (lines > 1)
    page.keyboard.press("Escape")
    assert page.locator(f"#{figure}-figure .tip").is_hidden()


def test_pointing_at_a_bin_tells_its_values(visit, page_file):
    page = visit(page_file)
    page.locator("#values-figure-chart").scroll_into_view_if_needed()
    box = page.locator("#values-figure-chart").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    text = page.locator("#values-figure .tip").inner_text()
    assert "values" in text and "share" in text and "becomes" in text
    page.mouse.move(5, 5)
    assert page.locator("#values-figure .tip").is_hidden()


def test_switches(visit, page_file):
    page = visit(page_file)
    before = page.locator("#values-figure path.fill").first.get_attribute("d")
    page.check("#logcounts")
    assert page.locator("#values-figure path.fill").first.get_attribute("d") != before
    curves = page.locator("#plane-figure path.mean").count()
    page.locator("#legend .chip").first.click()
    assert page.locator("#plane-figure path.mean").count() == curves - 1
    for chip in page.locator("#legend .chip").all()[1:]:
        chip.click()
    assert "switched off" in page.locator("#plane-figure .empty").inner_text()


def test_dark_mode_and_a_narrow_screen(visit, page_file):
    page = visit(page_file, {"width": 360, "height": 740}, color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 24)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.select_option("#theme", "light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(247, 246, 243)"


def test_text_stays_text(visit, page_file):
    page = visit(page_file)
    assert page.evaluate("window.owned === undefined") and page.locator("img").count() == 0
    assert "onerror" in page.locator("#summary").inner_text() and "onerror" in page.locator("#origin-body").inner_text()


@pytest.mark.parametrize("x", [np.full(20, 3.0), np.zeros(20), np.array([1.0, 2.0])])
def test_poor_data(visit, tmp_path, x):
    rd.quantization_report(x, recommend(x, bits=2), tmp_path / "q.html")
    page = visit(tmp_path / "q.html")
    assert page.locator("#ranking-table tbody tr").count() > 0 and page.locator("#lag-figure svg").count() == 1
