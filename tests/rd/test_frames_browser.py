"""The page of clips in a real browser: the figure of frames by pointer and keyboard, the shown frame, macroblocks."""

import dataclasses
import itertools
import math
import re

import pytest
from clips import clip, y4m

from codec import rd
from codec.rd import frames

PHONE = {"width": 360, "height": 740}
MODES = ("frames", "side", "slider", "flicker", "error", "bits", "blocks")


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Two clips of 9 frames by two presets, and a family of a codec that is not here."""
    folder = tmp_path_factory.mktemp("clips")
    for name, height, width in (("wide.y4m", 48, 96), ("tall.y4m", 96, 64)):
        (folder / name).write_bytes(y4m(clip(9, height, width)))
    found = list(
        rd.sweep(
            sorted(folder.iterdir()),
            codecs="h264:preset=veryfast/medium",
            crf=(20, 26, 32, 38),
            metrics=("psnr_y", "ssim_y"),
        )
    )
    medium = [row for row in found if row.setting["preset"] == "medium"]
    return found + [dataclasses.replace(row, codec="wavelets") for row in medium]


@pytest.fixture(scope="module")
def report(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    rd.report(rows, path, at=(30.0, 90.0), crop=64, title="Two clips")
    return path


def entry_of(page):
    return page.evaluate("() => { const e = entryNow(); return [e.frame, e.rates[0].versions[0].frames]; }")


def test_it_opens_with_the_frames_of_the_worst_clip(visit, report):
    page = visit(report)
    assert page.locator("#pictures-title").inner_text() == "Worst and best videos"
    assert page.locator("nav a[href='#pictures']").inner_text() == "Videos"
    assert page.is_checked("input[value=frames]")
    lines = page.locator("#frames-chart .frames-line")
    assert lines.count() == 6 and page.locator("#frames-chart text.title").count() == 4
    number, numbers = entry_of(page)
    assert f"frame {number} (0 to 8)" in page.locator("#cards .card").first.inner_text()
    counts = ", ".join(f"{numbers['type'].count(kind)} {kind}" for kind in "IPB" if kind in numbers["type"])
    assert counts in page.inner_text("#stage")
    assert "unknown codec 'wavelets'" in page.inner_text("#stage")


def test_the_keyboard_walks_along_the_frames(visit, report):
    page = visit(report)
    number, numbers = entry_of(page)
    page.focus("#rate")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "frames-chart"
    tip = page.locator("#frames-figure .tip")
    for frame in range(9):
        title, *facts = tip.inner_text().splitlines()
        assert title == f"Frame {frame}" + (", shown by the other views" if frame == number else "")
        facts = " ".join(facts)
        assert f"{numbers['type'][frame]}, {numbers['psnr'][frame]:.2f}\u202fdB, {numbers['bits'][frame]} bit" in facts
        assert f"QP {numbers['qp'][frame]:.1f}" in facts and page.inner_text("#spoken").startswith(title)
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Home")
    assert tip.inner_text().startswith("Frame 0")
    page.keyboard.press("Escape")
    assert tip.is_hidden()


def test_the_pointer_finds_the_frame_below_it(visit, report):
    page = visit(report)
    page.locator("#frames-chart").scroll_into_view_if_needed()
    box = page.locator("#frames-chart").bounding_box()
    for share, frame in ((0.06, 0), (0.5, 4), (0.98, 8)):
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
        assert page.locator("#frames-figure .tip").inner_text().startswith(f"Frame {frame}")
    page.mouse.move(2, 2)
    assert page.locator("#frames-figure .tip").is_hidden()


def test_lossless_frames_break_the_line(visit, rows, tmp_path, monkeypatch):
    """A frame without errors has an infinite PSNR: the figure leaves it out, and a note says so."""
    values = itertools.cycle((30.0, math.inf, 31.0, 32.0))
    monkeypatch.setattr(frames, "psnr", lambda a, b: next(values))
    rd.report([row for row in rows if row.codec == "h264"], tmp_path / "report.html", at=30.0, pictures=1)
    page = visit(tmp_path / "report.html")
    line = page.locator("#frames-chart .frames-line").first.get_attribute("d")
    assert line.count("M") > 1 and "NaN" not in line
    page.focus("#frames-chart")
    assert "\u221e\u202fdB" in "".join(tips(page))


def tips(page):
    for _ in range(9):
        page.keyboard.press("ArrowRight")
        yield page.locator("#frames-figure .tip").inner_text()


def test_the_other_views_show_the_frame(visit, report):
    page = visit(report)
    number, _ = entry_of(page)
    page.check("input[value=side]", force=True)
    assert page.locator("#stage figure img").count() == 3
    assert f"original, frame {number}" in page.locator("#stage figcaption").first.inner_text()
    page.check("input[value=slider]", force=True)
    assert f"of frame {number}; values are of the whole video" in page.inner_text("#stage")
    for mode in ("error", "bits"):
        page.check(f"input[value={mode}]", force=True)
        page.wait_for_timeout(150)
        assert page.locator("#stage figure canvas").count() == 2


def test_macroblocks_of_each_family_by_layer(visit, report):
    page = visit(report)
    number, numbers = entry_of(page)
    page.check("input[value=blocks]", force=True)
    images = page.locator("#stage figure img")
    assert images.count() == 2 and page.locator("#layer").is_visible()
    assert images.first.evaluate("i => i.naturalWidth") == 128 == images.first.bounding_box()["width"]
    caption = page.locator("#stage figcaption").first.inner_text()
    assert caption.endswith(f"{numbers['type'][number]} frame")
    page.select_option("#zoom", "3")
    assert images.first.bounding_box()["width"] == 192
    page.select_option("#layer", "qp")
    canvases = page.locator("#stage figure canvas")
    assert canvases.count() == 2 and page.locator("#zoom").is_hidden()
    assert f"QP {numbers['qp'][number]:.1f} on average" in page.locator("#stage figcaption").first.inner_text()
    page.wait_for_timeout(150)
    canvases.first.hover()
    assert re.search(r"QP \d+\.\d at \d+, \d+", page.locator("#stage figcaption").first.inner_text())
    assert re.search(r"^QP \d+\.0\s+QP \d+\.0; the outline is the crop", page.inner_text("#stage .scale"))


def test_another_clip_and_another_rate(visit, report):
    page = visit(report)
    chart = "document.getElementById('frames-chart').outerHTML"
    seen = {page.evaluate(chart)}
    page.select_option("#rate", "1")
    seen.add(page.evaluate(chart))
    page.locator("input[name=entry]:checked").focus()
    page.keyboard.press("ArrowRight")
    seen.add(page.evaluate(chart))
    assert len(seen) == 3


def test_nothing_is_wider_than_a_phone_and_the_figure_follows_the_width(visit, report):
    page = visit(report, PHONE, has_touch=True)
    for mode in MODES:
        page.check(f"input[value={mode}]", force=True)
        page.wait_for_timeout(60)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), mode
    page.check("input[value=frames]", force=True)
    page.set_viewport_size({"width": 1000, "height": 740})
    page.wait_for_function("document.getElementById('frames-chart').viewBox.baseVal.width > 700")


def test_a_clip_that_is_gone_is_told(visit, rows, tmp_path):
    gone = [dataclasses.replace(row, image="/gone/" + row.image[-8:]) for row in rows]
    rd.report(gone, tmp_path / "report.html")
    page = visit(tmp_path / "report.html")
    assert "No such file" in page.inner_text("#stage") and not re.search(r"frame \d", page.inner_text("#cards"))
    rd.report(gone, tmp_path / "report.html", pictures=0)
    assert "No videos were asked for" in visit(tmp_path / "report.html").inner_text("#pictures-lead")
