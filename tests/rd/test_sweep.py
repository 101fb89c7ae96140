"""A sweep measures whole files: encode, count bytes, decode; it continues after failures and keeps its order."""

import dataclasses
import hashlib
import os
import pathlib
import sys
from dataclasses import replace

import numpy as np
import pytest

import codec
from codec import rd, registry
from codec.errors import MissingPackageError, ParameterError
from codec.metrics.names import METRICS
from codec.rd.fingerprint import fingerprint

SAMPLES = pathlib.Path(__file__).parent.parent.parent / "samples"
PICTURES = [SAMPLES / name for name in ("graphics.png", "odd_17x33.png", "zone_plate.png")]


def comparable(rows):
    """Rows without the fields that differ from run to run."""
    return [(row.image, row.sha256, row.setting, row.bytes, row.bpp, row.metrics) for row in rows]


def test_one_row_per_picture_and_setting_in_order():
    sweep = rd.sweep(PICTURES, quality=(30, 80), subsampling=("4:2:0", "4:4:4"))
    assert sweep.total == 12
    rows = list(sweep)
    assert sweep.done == 12 and sweep.failures == []
    assert [(row.image, row.setting["subsampling"], row.setting["quality"]) for row in rows] == [
        (str(path), subsampling, quality)
        for path in PICTURES
        for subsampling in ("4:2:0", "4:4:4")
        for quality in (30, 80)
    ]


def test_a_row_says_what_a_user_would_measure():
    (row,) = rd.sweep(
        SAMPLES / "graphics.png", quality=60, subsampling="4:4:4", effort=3, metrics=("psnr", "ssim", "mse")
    )
    pixels = np.asarray(pytest.importorskip("PIL.Image").open(SAMPLES / "graphics.png"))
    data = codec.encode(pixels, 60, subsampling="4:4:4", effort=3)
    decoded = codec.decode(data)
    assert row.bytes == len(data)
    assert (row.width, row.height, row.bpp) == (320, 200, 8 * len(data) / 64000)
    assert row.sha256 == hashlib.sha256((SAMPLES / "graphics.png").read_bytes()).hexdigest()
    assert row.metrics == {name: codec.metrics.by_name(name)(pixels, decoded) for name in ("psnr", "ssim", "mse")}
    assert row.codec == "jpeg" and row.setting == {"subsampling": "4:4:4", "effort": 3, "quality": 60}
    assert row.encode_seconds > 0 < row.decode_seconds
    assert (
        row.cpu == codec.cpu.level()
        and row.python
        and row.machine
        and row.codec_version == codec.__version__
        and row.workers == 1
    )


def test_a_gray_picture_costs_the_same_at_every_subsampling():
    """The encoder refuses to subsample absent chroma; a sweep over gray and colour pictures must
    still compare all of them."""
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
        tiny_path = str(SAMPLES / "odd_1x1.png")
        assert [row.image for row in rows] == [str(PICTURES[0])] * 2 + [tiny_path] * 2 + [str(PICTURES[1])] * 2
        assert sweep.done == sweep.total == 10
        missing, text, *tiny = sweep.failures
        assert missing.setting is None and str(missing).startswith(f"{tmp_path / 'none.png'}: cannot read")
        assert text.image == str(tmp_path / "text.png")
        assert [failure.setting["quality"] for failure in tiny] == [40, 60]
        assert (
            "odd_1x1.png at jpeg, subsampling auto, effort 5, quality 40: "
            "the row has no ssim: SSIM needs at least 11 x 11" in str(tiny[0])
        )
        assert all(
            list(row.metrics) == ["psnr"] and "at least 11 x 11" in row.missing["ssim"]
            for row in rows
            if row.image == tiny_path
        )


def test_settings_may_be_numpy_integers(tmp_path):
    rows = rd.write_points(
        tmp_path / "rows.jsonl", rd.sweep(PICTURES[1], quality=np.arange(20, 80, 20), effort=np.int64(3))
    )
    assert rd.read_points(tmp_path / "rows.jsonl") == rows and [row.setting["quality"] for row in rows] == [20, 40, 60]


def test_what_reading_loses_is_told(tmp_path):
    pytest.importorskip("PIL.Image").new("RGBA", (20, 20), (255, 0, 0, 100)).save(tmp_path / "clear.png")
    sweep = rd.sweep([tmp_path / "clear.png", PICTURES[1]], quality=50)
    assert len(list(sweep)) == 2
    (message,) = sweep.warnings
    assert message.startswith(f"{tmp_path / 'clear.png'}: ")


def test_progress_counts_pictures_times_settings(tmp_path):
    seen = []
    list(
        rd.sweep(
            [tmp_path / "none.png", PICTURES[1]],
            quality=(40, 60, 80),
            progress=lambda done, total: seen.append((done, total)),
        )
    )
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


def test_codecs_side_by_side_and_settings_of_their_own():
    rows = list(
        rd.sweep(
            PICTURES[1],
            codecs=("jpeg:effort=1/9", "libjpeg-turbo", "webp:quality=10"),
            quality=(50, 90),
            subsampling="4:2:0",
        )
    )
    assert [(row.codec, row.setting.get("effort"), row.setting["quality"]) for row in rows] == [
        *(("jpeg", effort, quality) for effort in (1, 9) for quality in (50, 90)),
        ("libjpeg-turbo", None, 50),
        ("libjpeg-turbo", None, 90),
        ("webp", None, 10),
    ]
    assert {row.setting["subsampling"] for row in rows} == {"4:2:0"} and list(rows[0].setting)[-1] == "quality"
    assert "libjpeg_turbo" in rows[4].codec_version and rows[0].codec_version == codec.__version__
    assert rows[0].versions["numpy"] == np.__version__


def test_a_parameter_that_no_codec_has_and_a_value_that_one_does_not_take():
    with pytest.raises(ParameterError, match="libjpeg-turbo has no parameter 'effort'"):
        rd.sweep(PICTURES, codecs="libjpeg-turbo", effort=3)
    with pytest.raises(ParameterError, match="subsampling of webp must be in 4:2:0, not '4:4:4'"):
        rd.sweep(PICTURES, codecs=("jpeg", "webp"), subsampling="4:4:4")
    with pytest.raises(ParameterError, match="unknown codec 'jpge': did you mean 'jpeg'"):
        rd.sweep(PICTURES, codecs="jpge")


def test_a_codec_whose_package_is_missing_is_told_before_a_picture_is_read():
    absent = registry.Codec(
        "absent", None, None, {"quality": registry.Number(75, 1, 100)}, needs=("no_such_module",), install="no-such"
    )
    with pytest.raises(
        MissingPackageError, match="absent needs no_such_module, which is not installed: pip install no-such"
    ):
        rd.sweep(["none.png"], codecs=absent)


def test_a_codec_that_fails_on_one_picture_does_not_stop_the_others():
    def encode(pixels, *, quality):
        if pixels.shape == (33, 17, 3):
            raise ZeroDivisionError("odd")
        return codec.encode(pixels, quality)

    moody = registry.Codec("moody", encode, codec.decode, {"quality": registry.Number(75, 1, 100)})
    sweep = rd.sweep(PICTURES, codecs=(moody, "jpeg"), quality=(40, 60))
    rows = list(sweep)
    assert [(row.image, row.codec) for row in rows if "odd" in row.image] == [(str(PICTURES[1]), "jpeg")] * 2
    assert len(rows) == 10 and sweep.done == sweep.total == 12
    assert str(sweep.failures[0]).startswith(
        f"{PICTURES[1]} at moody, quality 40: moody failed at encoding: ZeroDivisionError: odd"
    )


def test_failures_are_told_as_they_happen_and_tried_again(tmp_path):
    broken = [True]

    def encode(pixels, *, quality):
        if broken and pixels.shape == (33, 17, 3):
            raise ZeroDivisionError("odd")
        return codec.encode(pixels, quality)

    def decode(data):
        small = codec.probe(data).width < 200  # not the picture that identifies the codec
        return np.zeros((1, 1), np.uint8) if broken and small and len(data) % 2 == 0 else codec.decode(data)

    moody = registry.Codec("moody", encode, decode, {"quality": registry.Number(75, 1, 100)}, version=lambda: "3")
    told = []
    rows = list(rd.sweep([tmp_path / "none.png", *PICTURES], codecs=moody, quality=(40, 60), failed=told.append))
    assert len(rows) + len(told) - 1 == 6 and {failure.stage for failure in told} >= {"read", "encode"}
    assert all(failure.codec_version == "3" and len(failure.sha256) == 64 for failure in told[1:])
    broken.clear()
    again = rd.sweep(PICTURES, codecs=moody, quality=(40, 60), done=rows)
    new = list(again)
    assert len(new) == len(told) - 1 and again.failures == [] and rd.outstanding([*told, *new]) == told[:1]


def test_what_is_there_is_not_measured_again():
    first = list(rd.sweep(PICTURES, quality=(40, 60)))
    again = rd.sweep(PICTURES, quality=(40, 50, 60), done=first)
    new = list(again)
    assert (
        [row.setting["quality"] for row in new] == [50] * 3 and again.reused == first and again.done == again.total == 9
    )
    stale = [dataclasses.replace(row, codec_version="0.0.1") for row in first]
    assert len(list(rd.sweep(PICTURES, quality=(40, 60), done=stale))) == 6
    assert len(list(rd.sweep(PICTURES, quality=(40, 60), metrics="mse", done=first))) == 6


def test_a_row_without_a_metric_is_not_measured_again_but_told_again():
    first = list(rd.sweep(SAMPLES / "odd_1x1.png", quality=40))
    again = rd.sweep(SAMPLES / "odd_1x1.png", quality=40, done=first)
    assert list(again) == [] and again.reused == first and "the row has no ssim" in str(again.failures[0])


def test_values_that_are_not_numbers_are_no_values(monkeypatch):
    monkeypatch.setitem(METRICS, "mse", lambda a, b: float("nan"))
    (row,) = rd.sweep(PICTURES[1], quality=40, metrics=("psnr", "mse"))
    assert list(row.metrics) == ["psnr"] and row.missing == {"mse": "mse of this picture is not a number"}


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="the system does not tell")
def test_peak_memory_of_an_encode():
    def encode(pixels, *, quality):
        return bytes(np.ones(quality << 20, np.uint8).data)[:1] + codec.encode(pixels)

    greedy = registry.Codec(
        "greedy", encode, lambda data: codec.decode(data[1:]), {"quality": registry.Number(8, 1, 100)}
    )
    few, many = (row.peak_memory for row in rd.sweep(PICTURES[1], codecs=greedy, quality=(4, 64), metrics="psnr"))
    if few is None:
        pytest.skip("the system does not let a process reset its own mark")
    assert few < 24 << 20 < 100 << 20 < many < 200 << 20
    assert [row.peak_memory for row in rd.sweep(PICTURES[1], codecs=greedy, quality=4, memory=False)] == [None]
    assert [row.peak_memory for row in rd.sweep(PICTURES[1], codecs=greedy, quality=4, workers=2)] == [None]


def grainy(shift):
    """A codec of one version whose bytes depend on `shift`."""

    def encode(pixels, *, quality):
        return codec.encode(pixels, max(1, quality - shift))

    return registry.Codec("grainy", encode, codec.decode, {"quality": registry.Number(75, 1, 100)}, version=lambda: "1")


def test_rows_of_another_build_of_the_same_version_are_measured_again():
    first = list(rd.sweep(PICTURES[:1], codecs=grainy(0), quality=(40, 60)))
    assert len({row.fingerprint for row in first}) == 2 and all(len(row.fingerprint) == 16 for row in first)
    same = rd.sweep(PICTURES[:1], codecs=grainy(0), quality=(40, 60), done=first)
    assert list(same) == [] and same.reused == first and same.outdated == []
    other = rd.sweep(PICTURES[:1], codecs=grainy(5), quality=(40, 60), done=first)
    assert [row.setting["quality"] for row in other] == [40, 60] and other.outdated == first and other.reused == []


def test_rows_without_a_fingerprint_are_measured_again_and_counted():
    first = [replace(row, fingerprint="") for row in rd.sweep(PICTURES[:1], codecs=grainy(0), quality=(40,))]
    again = rd.sweep(PICTURES[:1], codecs=grainy(0), quality=(40,), done=first)
    assert len(list(again)) == 1 and again.outdated == first


def test_a_change_of_the_encoder_changes_its_fingerprint(monkeypatch):
    ours = registry.by_name("jpeg")
    before = {effort: fingerprint(ours, ours.setting(effort=effort)) for effort in (1, 5)}
    assert before == {effort: fingerprint(ours, ours.setting(effort=effort)) for effort in (1, 5)}
    monkeypatch.setattr(sys.modules["codec.jpeg.pipeline"], "masking_of", lambda tune: None)
    after = {effort: fingerprint(ours, ours.setting(effort=effort)) for effort in (1, 5)}
    assert after[1] == before[1] and after[5] != before[5]
