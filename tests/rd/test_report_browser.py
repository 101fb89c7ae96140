"""The page in a real browser: display, pointer and keyboard, and no errors, network requests or hostile markup."""

import re

import numpy as np
import pytest
from PIL import Image

from codec import rd

HOSTILE = '"><img src=x onerror="window.owned=1">\'</script><script>window.owned=2</script>&lt;b&gt;\u2028\u202egnp'
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three pictures that compress with visible errors."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(5)
    for number, name in enumerate(("smooth.png", "rough.png", "mixed.png")):
        y, x = np.mgrid[0:96, 0:128]
        base = 128 + 60 * np.sin(x / (9 - 3 * number)) * np.cos(y / (7 - 2 * number))
        noise = rng.normal(0, (3, 18, 9)[number], (96, 128, 3))
        Image.fromarray(np.clip(base[..., None] * (1, 0.9, 0.7) + noise, 0, 255).astype(np.uint8)).save(folder / name)
    return folder


@pytest.fixture(scope="module")
def rows(folder):
    return list(
        rd.sweep(sorted(folder.iterdir()), quality=(20, 40, 60, 80), subsampling=("4:2:0", "4:4:4"), effort=(1, 9))
    )


@pytest.fixture(scope="module")
def report(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    rd.report(rows, path, crop=64, at=(1.0, 2.0), title="Three pictures")
    return path


def tip(page, figure):
    return page.locator(f"#{figure} .tip").inner_text()


def test_pointing_at_a_curve_tells_file_setting_and_values(visit, report, rows):
    page = visit(report)
    row = next(
        row
        for row in rows
        if row.image.endswith("rough.png") and row.setting == {"subsampling": "4:4:4", "effort": 9, "quality": 60}
    )
    page.select_option("#image", label="rough.png")
    mark = page.locator("#curves-chart path.mark.s3").nth(2).bounding_box()
    page.mouse.move(mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)
    text = tip(page, "curves-figure")
    for part in (
        "rough.png",
        "4:4:4, effort 9",
        "quality 60",
        f"{row.metrics['psnr']:.2f}",
        f"{row.metrics['ssim']:.4f}",
        "bpp",
        "MP/s",
    ):
        assert part in text
    assert re.sub(r"\D", "", text.split("size")[1].split("B")[0]) == str(row.bytes)
    page.mouse.move(5, 5)
    assert page.locator("#curves-figure .tip").is_hidden()


def test_the_keyboard_walks_along_and_between_curves(visit, report):
    page = visit(report)
    page.focus("#each")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "curves-chart"
    first = tip(page, "curves-figure")
    assert "Mean of 3 pictures" in first and "quality 20" in first
    page.keyboard.press("ArrowRight")
    assert "quality 40" in tip(page, "curves-figure")
    page.keyboard.press("ArrowDown")
    assert tip(page, "curves-figure").split("family")[1] != first.split("family")[1]
    page.keyboard.press("End")
    assert "quality 80" in tip(page, "curves-figure") and "quality 80" in page.inner_text("#spoken")
    page.keyboard.press("Escape")
    assert page.locator("#curves-figure .tip").is_hidden()


def test_metrics_families_pictures_and_axes_can_be_switched(visit, report):
    page = visit(report)
    assert "PSNR" in page.locator("#curves-chart text.title").first.text_content()
    page.select_option("#metric", label="SSIM")
    assert "SSIM" in page.locator("#curves-chart text.title").first.text_content() and "equal SSIM" in page.inner_text(
        "#deltas-lead"
    )
    assert "SSIM" in page.inner_text("#pictures-lead")
    lines = page.locator("#curves-chart path.mean").count()
    chip = page.locator("#legend button").first
    chip.click()
    assert (
        page.locator("#curves-chart path.mean").count() == lines - 1 and chip.get_attribute("aria-pressed") == "false"
    )
    chip.press("Enter")
    assert page.locator("#curves-chart path.mean").count() == lines
    page.check("#each")
    assert page.locator("#curves-chart path.one").count() == 12
    page.uncheck("#log")
    assert page.locator("#curves-chart text.title").last.text_content() == "bits per pixel"
    page.select_option("#image", label="smooth.png")
    assert page.locator("#curves-chart path.one").count() == 0 and "smooth.png" in page.inner_text("#curves-lead")


def test_the_anchor_can_be_switched(visit, report, rows):
    page = visit(report)
    for anchor in ("4:4:4, effort 1", "4:2:0, effort 9"):
        page.select_option("#anchor", label=anchor)
        for family, expected in rd.compare(rows, "psnr", anchor).items():
            line = page.locator("#deltas-table tbody tr", has=page.locator("th", has_text=family)).inner_text()
            shown = f"{abs(expected.mean):.1f}" if expected.mean is not None else "none"
            assert shown in line.replace("\u2212", "-")
        assert page.locator("#deltas-table tr.anchor th").inner_text().strip() == anchor


def test_a_dot_of_the_strip_plot_tells_and_chooses_its_picture(visit, report, rows):
    page = visit(report)
    page.focus("#strips-chart")
    page.keyboard.press("ArrowRight")
    text = tip(page, "strips-figure")
    name = text.splitlines()[0]
    result = rd.compare(rows, "psnr", "4:2:0, effort 1")["4:2:0, effort 9"].images
    value = next(one.value for image, one in result.items() if image.endswith(name))
    assert f"{abs(value):.1f}" in text
    page.keyboard.press("Enter")
    assert (
        page.locator("#image option:checked").inner_text() == name
        and page.locator("#strips-chart .chosen").count() >= 1
    )


def test_side_by_side_shows_the_original_and_every_family_at_its_scale(visit, report):
    page = visit(report)
    images = page.locator("#stage figure img")
    assert images.count() == 5 and "original" in page.locator("#stage figcaption").first.inner_text()
    assert images.first.bounding_box()["width"] == 64
    assert page.evaluate("getComputedStyle(document.querySelector('#stage img')).imageRendering") == "pixelated"
    page.select_option("#zoom", "3")
    assert images.first.bounding_box()["width"] == 192
    page.locator("input[name=entry]").first.focus()
    before = page.locator("#stage figcaption").nth(1).inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("#stage figcaption").nth(1).inner_text() != before
    page.select_option("#rate", "1")
    assert page.locator("#stage figcaption").nth(1).inner_text() != before


def test_the_slider_moves_by_arrow_keys_and_by_pointer(visit, report):
    page = visit(report)
    page.check("input[value=slider]", force=True)
    page.focus("#seam")
    clip = "document.querySelector('.pair .over').style.clipPath"
    assert "50%" in page.evaluate(clip)
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    assert "60%" in page.evaluate(clip) and "40 %" in page.get_attribute("#seam", "aria-valuetext")
    page.keyboard.press("End")
    assert page.input_value("#seam") == "100"
    box = page.locator(".pair").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 20)
    assert page.input_value("#seam") == "25"


def test_flicker_turns_and_stops(visit, report):
    page = visit(report)
    from playwright.sync_api import expect

    page.check("input[value=flicker]", force=True)
    tag = page.locator(".pair .tag")
    seen = {tag.inner_text()}
    expect(tag).not_to_have_text(tag.inner_text())
    seen.add(tag.inner_text())
    assert "original" in seen and len(seen) == 2
    page.click("#play")
    still = tag.inner_text()
    page.wait_for_timeout(900)
    assert tag.inner_text() == still and page.inner_text("#play") == "Play"
    page.click("#swap")
    assert tag.inner_text() != still


def test_flicker_stands_still_where_motion_is_not_wanted(visit, report):
    page = visit(report, reduced_motion="reduce")
    page.check("input[value=flicker]", force=True)
    still = page.locator(".pair .tag").inner_text()
    page.wait_for_timeout(900)
    assert page.locator(".pair .tag").inner_text() == still and "reduced motion" in page.inner_text("#stage")
    page.click("#swap")
    assert page.locator(".pair .tag").inner_text() != still


def test_error_and_bit_maps_are_painted_and_tell_values(visit, report):
    page = visit(report)
    from playwright.sync_api import expect

    colours = "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size"
    for mode, extent in (("error", ""), ("error", "1"), ("bits", None)):
        page.check(f"input[value={mode}]", force=True)
        if extent is not None:
            page.select_option("#whole", extent)
        expect(page.locator("#stage figcaption", has_text="\u2026")).to_have_count(0)
        page.wait_for_timeout(150)
        canvases = page.locator("#stage figure canvas")
        assert canvases.count() == 4
        for number in range(4):
            assert canvases.nth(number).evaluate(colours) > 8
    canvases.first.hover()
    assert re.search(r"[\d.]+ bits( or more)? at \d+, \d+", page.locator("#stage figcaption").first.inner_text())


def test_nothing_is_wider_than_a_phone(visit, report):
    page = visit(report, PHONE, has_touch=True)
    fits = "document.documentElement.scrollWidth <= innerWidth && document.body.scrollWidth <= innerWidth"
    assert page.evaluate(fits)
    for mode in ("side", "slider", "flicker", "error", "bits"):
        page.check(f"input[value={mode}]", force=True)
        page.wait_for_timeout(60)
        assert page.evaluate(fits), mode
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    page.check("input[value=slider]", force=True)
    page.select_option("#zoom", "4")
    assert page.locator(".pair").bounding_box()["width"] == 256 and page.evaluate(fits)


def test_a_finger_gets_what_a_mouse_gets(visit, report):
    page = visit(report, PHONE, has_touch=True)
    for chart, figure in (("curves-chart", "curves-figure"), ("strips-chart", "strips-figure")):
        page.locator(f"#{chart}").scroll_into_view_if_needed()
        box = page.locator(f"#{chart} path.mark").nth(3).bounding_box()
        page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_timeout(100)
        assert "family" in tip(page, figure)
        tooltip = page.locator(f"#{figure} .tip").bounding_box()
        assert tooltip["x"] >= 0 and tooltip["x"] + tooltip["width"] <= 360


CONTRAST = """() => {
  const parse = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return [m[0], m[1], m[2], m[3] === undefined ? 1 : m[3]]; };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; } };
  const light = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ratios = {};
  for (const e of document.querySelectorAll('body *:not(script):not(noscript)')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.closest('.pair, .unseen, .skip')) continue;
    const style = getComputedStyle(e), a = light(parse(e instanceof SVGElement ? style.fill : style.color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), name = e.tagName + '.' + (e.getAttribute('class') || '') + ' ' + e.textContent.trim().slice(0, 20);
    ratios[name] = Math.min(ratio, ratios[name] || 99);
  }
  return ratios;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_and_the_theme_follows_system_and_switch(visit, report, scheme):
    page = visit(report, color_scheme=scheme)
    for switch in ("", "dark", "light"):
        page.select_option("#theme", switch)
        ratios = page.evaluate(CONTRAST)
        assert len(ratios) > 60 and {name: ratio for name, ratio in ratios.items() if ratio < 4.5} == {}
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", background))) < 200) == ((switch or scheme) == "dark")


def test_everything_is_reached_by_tab_and_shows_its_focus(visit, report):
    page = visit(report)
    reached = []
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e.closest('.card, .modes label') || e);"
            "return [e.id || e.name || e.getAttribute('aria-label') || e.textContent.slice(0, 20), s.outlineStyle, e.tagName]; }"
        )
        if focused[2] == "BODY":
            break
        reached.append(focused[0])
        assert focused[1] != "none", focused
    order = [
        reached.index(name)
        for name in (
            "theme",
            "metric",
            "anchor",
            "image",
            "log",
            "curves-chart",
            "strips-chart",
            "entry",
            "mode",
            "rate",
        )
    ]
    assert order == sorted(order)


def test_controls_have_names(visit, report):
    page = visit(report)
    nameless = page.evaluate(
        "[...document.querySelectorAll('select, input, button, summary, [role=group], [role=region]')].filter(e => !e.closest('[hidden]') &&"
        " !e.getAttribute('aria-label') && !(e.labels && e.labels.length && e.labels[0].textContent.trim()) && !e.textContent.trim())"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    assert nameless == []
    assert page.evaluate(
        "[...document.querySelectorAll('[id]')].length === new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size"
    )


def test_hostile_names_are_text(visit, rows, tmp_path):
    hostile = [
        rd.Point(
            **{
                **vars(row),
                "image": HOSTILE + row.image[-9:],
                "codec": HOSTILE,
                "machine": HOSTILE,
                "setting": {**row.setting, HOSTILE: HOSTILE},
            }
        )
        for row in rows
    ]
    rd.report(hostile, tmp_path / "report.html", title=HOSTILE, failures=[HOSTILE])
    page = visit(tmp_path / "report.html")
    for mode in ("side", "slider", "flicker", "error", "bits"):
        page.check(f"input[value={mode}]", force=True)
    page.focus("#curves-chart")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(100)
    assert page.evaluate("window.owned") is None
    assert page.evaluate("[...document.images].filter(i => !i.src.startsWith('data:')).length") == 0
    shown = HOSTILE.replace("\u2028", "\\u2028").replace("\u202e", "\\u202e")
    assert page.locator("h1").text_content() == shown and page.title() == shown
    assert shown in page.inner_text("#failures-body") and shown in page.inner_text("#origin-body")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_policy_holds_against_markup_that_gets_in(browser, report):
    """Even if a name were parsed as HTML, the browser would run no script and fetch nothing."""
    page = browser.new_page()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(report.as_uri())
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', `<img src='http://127.0.0.1:9/x.png' onerror='window.owned=1'>`)"
    )
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.owned = 2' }))"
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.owned") is None
    page.close()


@pytest.mark.parametrize(
    "case", ["one row", "one picture", "no overlap", "no finite value", "no original", "no pictures"]
)
def test_poor_rows_make_a_page_that_says_what_is_missing(visit, rows, tmp_path, case):
    one = [row for row in rows if row.image.endswith("rough.png") and row.setting["effort"] == 1]
    cases = {
        "one row": (one[:1], {}, "#deltas-lead", "one family of settings only"),
        "one picture": (one, {}, "#deltas-lead", "Too few pictures for an interval"),
        "no overlap": (
            [rd.Point(**{
                **vars(r), "metrics": {"psnr": r.metrics["psnr"] + 100 * (r.setting["subsampling"] == "4:4:4")}
            }) for r in one],
            {}, "#refused", "share no range of scores",
        ),
        "no finite value": ([rd.Point(**{**vars(r), "metrics": {"psnr": float("inf")}}) for r in one],
                            {}, "#curves-figure", "No row shown here has a finite PSNR"),
        "no original": ([rd.Point(**{**vars(r), "image": "/gone/rough.png"}) for r in one],
                        {}, "#stage", "No such file"),
        "no pictures": (one, {"pictures": 0}, "#pictures-lead", "No pictures were asked for"),
    }  # fmt: skip
    points, options, where, says = cases[case]
    rd.report(points, tmp_path / "report.html", **options)
    page = visit(tmp_path / "report.html")
    assert says in page.inner_text(where)


def test_it_prints_without_its_controls(visit, report):
    page = visit(report, color_scheme="dark")
    page.emulate_media(media="print")
    assert (
        page.locator("#theme").is_hidden()
        and page.locator("#cards").is_hidden()
        and page.locator("#deltas-table").is_visible()
    )
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert {name: ratio for name, ratio in page.evaluate(CONTRAST).items() if ratio < 4.5} == {}
