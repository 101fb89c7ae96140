"""Figures are drawn from rows only: equal rows give equal files, and errors are raised before anything is drawn."""

import math
import subprocess
import sys
from functools import partial

import pytest

from codec import rd
from codec.errors import FileError, MissingPackageError, ParameterError
from codec.rd.plot import families


@pytest.fixture
def rows(point):
    return partial(make_rows, point)


def make_rows(point, pictures=3, subsamplings=("4:2:0", "4:4:4"), efforts=(5,)):
    return [
        point(
            f"{picture}.png",
            bpp=(0.3 + picture / 5) * quality / 20 * (1 + s / 10),
            setting={"subsampling": subsampling, "effort": effort, "quality": quality},
            metrics={"psnr": 20 + quality / 5 + picture + s, "ssim": 1 - 1 / (quality + picture + s + effort)},
        )
        for picture in range(pictures)
        for s, subsampling in enumerate(subsamplings)
        for effort in efforts
        for quality in (20, 40, 60, 80)
    ]


def test_families_are_named_by_what_differs(rows):
    assert list(families(rows())) == ["4:2:0", "4:4:4"]
    assert list(families(rows(subsamplings=("auto",), efforts=(1, 9)))) == ["effort 1", "effort 9"]
    assert list(families(rows(efforts=(1, 9)))) == [
        "4:2:0, effort 1",
        "4:2:0, effort 9",
        "4:4:4, effort 1",
        "4:4:4, effort 9",
    ]
    assert list(families(rows(subsamplings=("4:2:2",)))) == ["jpeg, 4:2:2, effort 5"]


@pytest.mark.parametrize(
    "suffix, starts", [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG")]
)
def test_the_suffix_chooses_the_format_and_the_rows_the_bytes(tmp_path, suffix, starts, rows):
    pytest.importorskip("matplotlib")
    for name in ("one", "two"):
        rd.plot(rows(), tmp_path / (name + suffix))
    one, two = ((tmp_path / (name + suffix)).read_bytes() for name in ("one", "two"))
    assert one.startswith(starts) and one == two


def test_one_panel_per_metric_one_thick_curve_per_family_one_thin_per_picture(rows):
    pytest.importorskip("matplotlib")
    figure = rd.plot(rows(pictures=3), title="A title")
    assert [panel.get_ylabel() for panel in figure.axes] == ["PSNR (dB)", "SSIM"]
    for panel in figure.axes:
        thick = [line for line in panel.lines if line.get_linewidth() > 1]
        assert [line.get_label() for line in thick] == ["4:2:0", "4:4:4"]
        assert len(panel.lines) - len(thick) == 6
        assert len({(line.get_color(), line.get_linestyle(), line.get_marker()) for line in thick}) == 2
    mean = rd.means(rows())[0]
    (x, y), *_ = next(line for line in figure.axes[0].lines if line.get_linewidth() > 1).get_xydata()
    assert (x, y) == pytest.approx((mean.bpp, mean.metrics["psnr"]))
    assert "3 pictures" in figure.get_supxlabel() and figure.legends[0].get_title().get_text() == "A title"


def test_means_are_over_the_same_pictures_in_every_family(rows):
    pytest.importorskip("matplotlib")
    without = [row for row in rows(pictures=2) if not (row.image == "1.png" and row.setting["subsampling"] == "4:4:4")]
    (panel,) = rd.plot(without, metrics="psnr").axes
    thick = [line for line in panel.lines if line.get_linewidth() > 1]
    alone = [line for line in rd.plot(rows(pictures=1), metrics="psnr").axes[0].lines if line.get_linewidth() > 1]
    assert [line.get_xydata().tolist() for line in thick] == [line.get_xydata().tolist() for line in alone]


def test_infinite_values_are_left_out(rows, point):
    pytest.importorskip("matplotlib")
    lossless = [
        *rows(pictures=1, subsamplings=("4:4:4",)),
        point(
            "0.png",
            bpp=20.0,
            setting={"subsampling": "4:4:4", "effort": 5, "quality": 100},
            metrics={"psnr": math.inf, "ssim": 1.0},
        ),
    ]
    psnr, ssim = rd.plot(lossless).axes
    assert [len(line.get_xdata()) for line in psnr.lines] == [4, 4]
    assert [len(line.get_xdata()) for line in ssim.lines] == [5, 5]


def test_a_picture_without_a_metric_is_left_out_of_its_panel_only(rows, point):
    pytest.importorskip("matplotlib")
    tiny = [point(**{**vars(row), "image": "tiny.png", "metrics": {"psnr": 30.0}}) for row in rows(pictures=1)]
    psnr, ssim = rd.plot([*rows(pictures=2), *tiny]).axes
    assert [len([line for line in panel.lines if line.get_linewidth() < 1]) for panel in (psnr, ssim)] == [6, 4]


def test_a_lossless_picture_does_not_take_the_mean_away(rows, point):
    pytest.importorskip("matplotlib")
    flat = [point(**{**vars(row), "image": "flat.png", "metrics": {"psnr": math.inf}}) for row in rows(pictures=1)]
    (panel,) = rd.plot(rows(pictures=2), metrics="psnr").axes
    figure = rd.plot([*rows(pictures=2), *flat], metrics="psnr")
    thick, with_flat = ([line for line in p.lines if line.get_linewidth() > 1] for p in (panel, *figure.axes))
    assert [line.get_xydata().tolist() for line in with_flat] == [line.get_xydata().tolist() for line in thick]
    caption = " ".join(figure.get_supxlabel().split())
    assert "3 pictures" in caption and "the mean of PSNR is without flat.png, which some settings keep" in caption


def test_a_family_looks_the_same_in_every_panel_and_the_legend_has_all(point):
    pytest.importorskip("matplotlib")
    rows = [
        point("a.png", quality, codec=codec, bpp=quality / 20, metrics={name: float(quality) for name in names})
        for codec, names in (("jpeg-xl", ["psnr"]), ("jpeg", ["psnr_y", "mse"]))
        for quality in (20, 40, 60)
    ]
    figure = rd.plot([*rows, *(row for row in rows if row.codec == "jpeg")], metrics=["psnr", "mse", "psnr_y"])
    looks = {}
    for panel in figure.axes:
        for line in panel.lines:
            if line.get_linewidth() > 1:
                looks.setdefault(line.get_label(), set()).add((line.get_color(), line.get_marker()))
    first, second = looks["jpeg-xl"], looks["jpeg"]
    assert len(first) == len(second) == 1 and first != second
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(looks)


def speed(family, mpixels, bd_rate, front, low=None, high=None):
    return rd.Speed(family, mpixels, 2 * mpixels, bd_rate, low, high, 3, front)


def test_speed_against_size_with_the_front_and_the_intervals(tmp_path):
    pytest.importorskip("matplotlib")
    shown = [
        speed("a", 10.0, 0.0, True),
        speed("b", 2.0, -20.0, True, -22.0, -17.0),
        speed("c", 1.0, 5.0, False),
        speed("d", 1.0, None, False),
    ]
    figure = rd.plot_speed(shown, tmp_path / "speed.svg", metric="ssim", anchor="a", caption="here")
    (panel,) = figure.axes
    assert panel.lines[0].get_xydata().tolist() == [[-20.0, 2.0], [0.0, 10.0]]
    assert [line.get_xdata() for line in panel.lines if list(line.get_xdata()) == [-22.0, -17.0]]
    assert {text.get_text() for text in panel.texts} == {
        "a",
        "b",
        "c",
    } and "without a BD-rate: d" in figure.get_supxlabel()
    assert panel.get_xlabel().startswith("BD-rate by SSIM against a, %") and panel.get_ylabel() == "encode, MP/s"


def test_labels_of_neighbours_do_not_cover_each_other():
    pytest.importorskip("matplotlib")
    near = [speed("jpeg, effort 8", 8.0, -25.9, True), speed("jpeg, effort 9", 7.4, -26.0, True)]
    figure = rd.plot_speed([*near, speed("anchor", 50.0, 0.0, True)], metric="ssim", anchor="anchor")
    figure.draw_without_rendering()
    first, second, _ = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not first.overlaps(second)


def test_a_speed_plot_without_a_bd_rate_is_refused():
    pytest.importorskip("matplotlib")
    with pytest.raises(ParameterError, match="no family has a BD-rate by ssim against a"):
        rd.plot_speed([speed("d", 1.0, None, False)], metric="ssim", anchor="a")


def test_captions_are_broken_into_lines_that_fit(rows, point):
    pytest.importorskip("matplotlib")
    many = [
        point(**{**vars(row), "codec": f"codec{i}", "codec_version": f"library {i}.0.0 of a package"})
        for i in range(8)
        for row in rows(1)
    ]
    figure = rd.plot(many, metrics="psnr")
    assert max(map(len, figure.get_supxlabel().splitlines())) <= 16 * figure.get_figwidth()


def test_what_cannot_be_drawn(tmp_path, rows):
    pytest.importorskip("matplotlib")
    with pytest.raises(ParameterError, match=r"rd.gif: a figure is written as .png, .svg, .pdf"):
        rd.plot(rows(), tmp_path / "rd.gif")
    with pytest.raises(ParameterError, match="there are no rows to draw"):
        rd.plot([])
    with pytest.raises(ParameterError, match="no row has 'mse'; the first has psnr, ssim: sweep again"):
        rd.plot(rows(), metrics="mse")
    with pytest.raises(FileError, match="cannot write .*rd.png"):
        rd.plot(rows(), tmp_path / "nowhere" / "rd.png")


def test_without_matplotlib_the_error_tells_what_to_install(monkeypatch, rows):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        MissingPackageError, match=r"drawing needs matplotlib, which is not installed: pip install codec\[lab\]"
    ):
        rd.plot(rows())


def test_the_laboratory_does_not_load_matplotlib_by_itself():
    code = "import sys, codec.rd; codec.rd.sweep; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
