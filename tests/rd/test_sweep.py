"""A sweep measures what a user would: file in, bytes out, pixels back; it keeps going, and keeps its order."""
import hashlib
import pathlib

import numpy as np
import pytest

import codec
from codec import rd
from codec.errors import ParameterError

SAMPLES = pathlib.Path(__file__).parent.parent.parent / "samples"
PICTURES = [SAMPLES / name for name in ("graphics.png", "odd_17x33.png", "zone_plate.png")]


def comparable(rows):
    """Rows without what differs from run to run."""
    return [(row.image, row.sha256, row.setting, row.bytes, row.bpp, row.metrics) for row in rows]


def test_one_row_per_picture_and_setting_in_order():
    sweep = rd.sweep(PICTURES, quality=(30, 80), subsampling=("4:2:0", "4:4:4"))
    assert sweep.total == 12
    rows = list(sweep)
    assert sweep.done == 12 and sweep.failures == []
    assert [(row.image, row.setting["subsampling"], row.setting["quality"]) for row in rows] == [
        (str(path), subsampling, quality) for path in PICTURES for subsampling in ("4:2:0", "4:4:4") for quality in (30, 80)
    ]


def test_a_row_says_what_a_user_would_measure():
    (row,) = rd.sweep(SAMPLES / "graphics.png", quality=60, subsampling="4:4:4", effort=3, metrics=("psnr", "ssim", "mse"))
    pixels = np.asarray(pytest.importorskip("PIL.Image").open(SAMPLES / "graphics.png"))
    data = codec.encode(pixels, 60, subsampling="4:4:4", effort=3)
    decoded = codec.decode(data)
    assert row.bytes == len(data)
    assert (row.width, row.height, row.bpp) == (320, 200, 8 * len(data) / 64000)
    assert row.sha256 == hashlib.sha256((SAMPLES / "graphics.png").read_bytes()).hexdigest()
    assert row.metrics == {name: codec.metrics.by_name(name)(pixels, decoded) for name in ("psnr", "ssim", "mse")}
    assert row.codec == "jpeg" and row.setting == {"subsampling": "4:4:4", "effort": 3, "quality": 60}
    assert row.encode_seconds > 0 < row.decode_seconds
    assert row.cpu == codec.cpu.level() and row.python and row.machine and row.codec_version == codec.__version__ and row.workers == 1


def test_a_gray_picture_costs_the_same_at_every_subsampling():
    """The encoder refuses to subsample what it has not; a sweep over gray and colour pictures must still compare all of them."""
    rows = list(rd.sweep(SAMPLES / "zone_plate.png", quality=50, subsampling=("4:2:0", "4:4:4")))
    assert [row.setting["subsampling"] for row in rows] == ["4:2:0", "4:4:4"]
    assert rows[0].bytes == rows[1].bytes


def test_four_channels_are_inks(tmp_path):
    image = pytest.importorskip("PIL.Image")
    image.new("CMYK", (32, 32), (10, 200, 30, 40)).save(tmp_path / "inks.tif")
    (row,) = rd.sweep(tmp_path / "inks.tif", quality=90)
    assert row.metrics["psnr"] > 40


def test_workers_change_times_only():
    one, three = (rd.sweep(PICTURES, quality=(20, 50, 95), workers=workers) for workers in (1, 3))
    assert comparable(one) == comparable(three)


def test_a_picture_that_fails_is_reported_and_the_others_go_on(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    paths = [tmp_path / "none.png", PICTURES[0], tmp_path / "text.png", SAMPLES / "odd_1x1.png", PICTURES[1]]
    for workers in (1, 2):
        sweep = rd.sweep(paths, quality=(40, 60), workers=workers)
        rows = list(sweep)
        assert [row.image for row in rows] == [str(PICTURES[0])] * 2 + [str(PICTURES[1])] * 2
        assert sweep.done == sweep.total == 10
        missing, text, *tiny = sweep.failures
        assert missing.setting is None and str(missing).startswith(f"{tmp_path / 'none.png'}: cannot read")
        assert text.image == str(tmp_path / "text.png")
        assert [failure.setting["quality"] for failure in tiny] == [40, 60]
        assert "odd_1x1.png at subsampling auto, effort 5, quality 40: SSIM needs at least 11 x 11" in str(tiny[0])


def test_settings_may_be_numpy_integers(tmp_path):
    rows = rd.write_points(tmp_path / "rows.jsonl", rd.sweep(PICTURES[1], quality=np.arange(20, 80, 20), effort=np.int64(3)))
    assert rd.read_points(tmp_path / "rows.jsonl") == rows and [row.setting["quality"] for row in rows] == [20, 40, 60]


def test_what_reading_loses_is_told(tmp_path):
    pytest.importorskip("PIL.Image").new("RGBA", (20, 20), (255, 0, 0, 100)).save(tmp_path / "clear.png")
    sweep = rd.sweep([tmp_path / "clear.png", PICTURES[1]], quality=50)
    assert len(list(sweep)) == 2
    (message,) = sweep.warnings
    assert message.startswith(f"{tmp_path / 'clear.png'}: ")


def test_progress_counts_pictures_times_settings(tmp_path):
    seen = []
    list(rd.sweep([tmp_path / "none.png", PICTURES[1]], quality=(40, 60, 80), progress=lambda done, total: seen.append((done, total))))
    assert seen == [(3, 6), (4, 6), (5, 6), (6, 6)]


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_may_end_the_sweep(workers):
    sweep = rd.sweep(PICTURES, quality=(40, 60), progress=lambda done, total: done < 3, workers=workers)
    assert len(list(sweep)) == sweep.done == 3


def test_repeated_pictures_and_settings_are_measured_once():
    assert len(list(rd.sweep([PICTURES[1], str(PICTURES[1])], quality=(50, 50)))) == 1


@pytest.mark.parametrize(
    "options, says",
    [
        ({"metrics": ("psnr", "sim")}, "unknown metric 'sim': did you mean 'ssim'?"),
        ({"metrics": "vmaf"}, "unknown metric 'vmaf': there are psnr"),
        ({"quality": ()}, "quality is empty"),
        ({"quality": (50, 1000)}, "quality"),
        ({"subsampling": "4:2:7"}, "subsampling"),
        ({"effort": 0}, "effort"),
        ({"workers": 0}, "workers must be a positive integer, not 0"),
    ],
)
def test_wrong_settings_are_refused_before_a_picture_is_read(options, says):
    with pytest.raises(ParameterError, match=says.replace("?", r"\?")):
        rd.sweep(["/no/such/picture.png"], **options)


def test_no_pictures_are_refused():
    with pytest.raises(ParameterError, match="images is empty"):
        rd.sweep([])
