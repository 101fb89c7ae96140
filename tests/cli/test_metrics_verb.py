"""`codec metrics`: the figures of the library, as text and as JSON."""

import pathlib
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

import codec
from codec import metrics
from codec.metrics.names import FACTS, METRICS
from codec.palette import png


@pytest.fixture
def pair(tmp_path):
    a = np.random.default_rng(5).integers(0, 256, (20, 30, 3), np.uint8)
    b = np.clip(a.astype(int) + 4, 0, 255).astype(np.uint8)
    Image.fromarray(a).save(tmp_path / "a.png")
    Image.fromarray(b).save(tmp_path / "b.ppm")
    return tmp_path / "a.png", tmp_path / "b.ppm", a, b


def test_psnr_and_ssim_one_per_line(run, pair):
    left, right, a, b = pair
    outcome = run("metrics", left, right)
    assert outcome.code == 0 and outcome.err == ""
    assert outcome.text == f"psnr\t{metrics.psnr(a, b):.6g}\tdB\nssim\t{metrics.ssim(a, b):.6g}\n"


def test_json_has_all_digits_and_says_which_ssim(run, pair):
    left, right, a, b = pair
    row = run("metrics", left, right, "--metric", "mse,ssim", "--json").json
    assert row["metrics"] == {"mse": metrics.mse(a, b), "ssim": metrics.ssim(a, b)}
    assert row["variants"] == {"ssim": "wang2004"}
    assert (row["width"], row["height"], row["verb"], row["schema"]) == (30, 20, "metrics", 1)


def test_equal_pictures(run, pair):
    left = pair[0]
    assert run("metrics", left, left).text == "psnr\tinf\tdB\nssim\t1\n"
    assert run("metrics", left, left, "--json").json["metrics"] == {"psnr": "inf", "ssim": 1.0}


def test_one_picture_may_come_from_stdin(run, pair):
    left, right, a, b = pair
    outcome = run("metrics", left, "-", "--metric", "mse", stdin=right.read_bytes())
    assert float(outcome.text.split()[1]) == pytest.approx(metrics.mse(a, b), rel=1e-5)
    assert run("metrics", "-", "-").code == 2


def test_an_unknown_metric_is_a_usage_error_with_the_nearest_name(run, pair):
    outcome = run("metrics", pair[0], pair[1], "--metric", "psnr,sim")
    assert outcome.code == 2 and "unknown metric 'sim': did you mean 'ssim'?" in outcome.err


def test_pictures_that_do_not_compare_fail(run, pair, tmp_path):
    Image.new("RGB", (31, 20)).save(tmp_path / "wide.png")
    outcome = run("metrics", pair[0], tmp_path / "wide.png")
    assert outcome.code == 1 and outcome.text == ""
    assert "a has shape (20, 30, 3) and b has shape (20, 31, 3)" in outcome.err
    outcome = run("metrics", pair[0], tmp_path / "none.png")
    assert outcome.code == 1 and "none.png" in outcome.err
    row = run("metrics", pair[0], tmp_path / "wide.png", "--json").json
    assert row["metrics"] == {"psnr": None, "ssim": None} and "shape" in row["error"]


def test_help_describes_every_metric(run):
    text = run("metrics", "--help").text
    for name, fact in FACTS.items():
        assert f"  {name} " in text and fact.summary.split()[0] in text


def test_all_metrics(run, pair):
    left, right, a, b = pair
    row = run("metrics", left, right, "--metric", "all", "--json").json
    assert list(row["metrics"]) == list(METRICS) and row["metrics"]["ciede2000"] == metrics.ciede2000(a, b)


def test_small_pictures_have_the_metrics_that_exist_for_them(run, tmp_path):
    for name, level in (("a.png", 10), ("b.png", 14)):
        Image.new("RGB", (9, 9), (level,) * 3).save(tmp_path / name)
    files = tmp_path / "a.png", tmp_path / "b.png"
    outcome = run("metrics", *files, "--metric", "mse,ssim")
    lines = [line.split("\t") for line in outcome.text.splitlines()]
    assert outcome.code == 0 and lines[0] == ["mse", "16"] and lines[1][:2] == ["ssim", "-"] and "11" in lines[1][2]
    row = run("metrics", *files, "--metric", "mse,ssim", "--json").json
    assert row["metrics"] == {"mse": 16.0, "ssim": None} and list(row["missing"]) == ["ssim"]
    outcome = run("metrics", *files, "--metric", "ssim")
    assert outcome.code == 1 and outcome.text == "" and "11" in outcome.err


def test_gray_and_colour_are_compared_as_colour_and_said(run, pair, tmp_path):
    left, _, a, _ = pair
    gray = a[:, :, 1]
    Image.fromarray(gray).save(tmp_path / "gray.png")
    row = run("metrics", left, tmp_path / "gray.png", "--metric", "mse", "--json").json
    assert row["metrics"]["mse"] == metrics.mse(a, np.dstack([gray] * 3))
    assert row["warnings"] == ["the result is gray and was compared as RGB"]


def test_transparency_and_depth_are_said(run, pair, tmp_path):
    left, _, a, _ = pair
    alpha = np.full(a.shape[:2], 255, np.uint8)
    alpha[:5] = 0
    Image.fromarray(np.dstack([a, alpha])).save(tmp_path / "alpha.png")
    row = run("metrics", left, tmp_path / "alpha.png", "--metric", "mse", "--json").json
    on_white = a.copy()
    on_white[:5] = 255
    assert row["metrics"]["mse"] == metrics.mse(a, on_white)
    assert "laid on white" in row["warnings"][0] and "transparency of the two differs" in row["warnings"][1]
    Image.fromarray(a[:, :, 0].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(a[:, :, 0]).save(tmp_path / "flat.png")
    outcome = run("metrics", tmp_path / "flat.png", tmp_path / "deep.png", "--metric", "mse")
    assert outcome.text == "mse\t0\n" and "both were compared at 16 bits" in outcome.err


def test_what_a_picture_is_too_small_for_is_said_without_python(run, tmp_path):
    Image.new("RGB", (5, 5)).save(tmp_path / "five.png")
    outcome = run("metrics", tmp_path / "five.png", tmp_path / "five.png", "--metric", "mse,ssim,ms_ssim,ssimulacra2")
    assert [line.split("\t")[2].partition(", and")[0] for line in outcome.text.splitlines()[1:]] == [
        "SSIM needs at least 11 x 11 pixels",
        "MS-SSIM needs at least 161 x 161 pixels",
        "SSIMULACRA 2 needs sides of at least 8 and 1 to 4 channels",
    ]
    assert "channels last" not in outcome.text


def test_colour_of_16_bits_is_compared_at_16(run, tmp_path):
    a = np.random.default_rng(4).integers(0, 65536, (24, 24, 3), np.uint16)
    b = a ^ 3
    for name, pixels in (("a", a), ("b", b)):
        rows = pixels.astype(">u2").view(np.uint8).reshape(24, -1)
        head, body = struct.pack(">IIBBBBB", 24, 24, 16, 2, 0, 0, 0), zlib.compress(np.pad(rows, ((0, 0), (1, 0))))
        chunks = b"".join(png.chunk(*part) for part in ((b"IHDR", head), (b"IDAT", body), (b"IEND", b"")))
        (tmp_path / f"{name}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    outcome = run("metrics", tmp_path / "a.png", tmp_path / "b.png", "--metric", "psnr")
    assert outcome.err == "" and outcome.text == f"psnr\t{metrics.psnr(a, b):.6g}\tdB\n"


@pytest.mark.parametrize("kind", ["png", "tif", "pgm"])
def test_gray_pictures_of_16_bits_are_compared_at_16(run, tmp_path, kind):
    a = np.random.default_rng(3).integers(0, 65536, (24, 24), np.uint16)
    b = a ^ 3
    for name, pixels in (("a", a), ("b", b)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.{kind}")
    outcome = run("metrics", tmp_path / f"a.{kind}", tmp_path / f"b.{kind}", "--metric", "psnr")
    assert outcome.err == "" and outcome.text == f"psnr\t{metrics.psnr(a, b):.6g}\tdB\n"


def test_samples_of_12_bits_have_their_own_peak(run, tmp_path):
    a = np.random.default_rng(2).integers(0, 4096, (24, 24), np.uint16)
    b = np.minimum(a + 16, 4095)
    for name, pixels in (("a.jpg", a), ("b.jpg", b)):
        (tmp_path / name).write_bytes(codec.jpeg.encode_lossless(pixels, bits=12).data)
    row = run("metrics", tmp_path / "a.jpg", tmp_path / "b.jpg", "--metric", "psnr", "--json").json
    error = ((a.astype(float) - b) ** 2).mean()
    assert row["metrics"]["psnr"] == pytest.approx(10 * np.log10(4095**2 / error), abs=1e-3)


def test_another_meaning_of_the_colours_is_said(run, pair, tmp_path):
    left, right, _, _ = pair
    wide = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    same = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name, profile in (("wide.png", wide), ("same.png", same)):
        Image.open(left).save(tmp_path / name, icc_profile=profile)
    chunk = PngImagePlugin.PngInfo()
    chunk.add(b"gAMA", (100000).to_bytes(4, "big"))
    Image.open(left).save(tmp_path / "linear.png", pnginfo=chunk)
    for name in ("wide.png", "linear.png"):
        assert "colours differ in meaning" in run("metrics", tmp_path / name, right).err, name
        assert run("metrics", tmp_path / name, tmp_path / name).err == ""
    assert run("metrics", tmp_path / "same.png", right).err == ""


@pytest.fixture
def folders(tmp_path, pair):
    left, right, a, b = pair
    (tmp_path / "one/sub").mkdir(parents=True)
    (tmp_path / "two/sub").mkdir(parents=True)
    for name in ("x.png", "sub/y.png", "only.png"):
        Image.fromarray(a).save(tmp_path / "one" / name)
    for name in ("x.bmp", "sub/y.tif", "other.png", "x2.png"):
        Image.fromarray(b).save(tmp_path / "two" / name)
    return tmp_path / "one", tmp_path / "two"


def test_folders_pair_by_name_and_list_the_rest(run, pair, folders):
    one, two = folders
    expected = metrics.mse(*pair[2:])
    outcome = run("metrics", one, two, "--metric", "mse")
    assert outcome.code == 1
    assert [row[1] for row in outcome.table] == [str(two / "sub/y.tif"), str(two / "x.bmp"), ""]
    assert [float(row[2]) for row in outcome.table] == pytest.approx([expected] * 3, abs=0.01)
    for name in (one / "only.png", two / "other.png", two / "x2.png"):
        assert f"no partner: {name}" in outcome.err
    row = run("metrics", one, two, "--metric", "mse", "--json").json
    assert row["mean"] == {"mse": expected} and len(row["pairs"]) == 2
    assert row["unpaired"] == {
        "reference": [str(one / "only.png")], "distorted": [str(two / "other.png"), str(two / "x2.png")],
    }  # fmt: skip


def test_every_file_of_a_folder_has_its_reason(run, pair, folders):
    """As in `codec compress`: by contents where the name says nothing, and nothing is left out in silence."""
    one, two = folders
    (one / "only.png").rename(one / "bare")  # a picture without a suffix
    (two / "other.png").rename(two / "bare.png")
    (two / "x2.png").unlink()
    for path in (one / ".hidden.png", one / "notes.txt", two / "new.psd"):
        path.write_bytes(b"something")
    (two / "link.png").symlink_to(two / "x.bmp")
    (one / ".cache").mkdir()
    row = run("metrics", one, two, "--metric", "mse", "--json").json
    assert (str(one / "bare"), str(two / "bare.png")) in {(p["reference"], p["distorted"]) for p in row["pairs"]}
    assert row["unpaired"] == {"reference": [], "distorted": []}
    why = {side: {item["path"]: item["reason"] for item in items} for side, items in row["left_out"].items()}
    assert why["reference"] == {
        str(one / ".cache"): "hidden", str(one / ".hidden.png"): "hidden", str(one / "notes.txt"): "not a picture",
    }  # fmt: skip
    assert why["distorted"].pop(str(two / "link.png")) == "symbolic link"
    assert list(why["distorted"]) == [str(two / "new.psd")] and "Photoshop is not read" in why["distorted"].popitem()[1]
    outcome = run("metrics", one, two, "--metric", "mse")
    assert outcome.code == 1 and f"left out: {one / 'notes.txt'}: not a picture" in outcome.err
    (two / "new.psd").unlink()
    assert run("metrics", one, two, "--metric", "mse").code == 0
    for path in (one / "bare", one / "x.png", one / "sub/y.png"):
        path.unlink()
    assert "no pictures or clips; left out: hidden (2), not a picture (1)" in run("metrics", one, two).err


def test_patterns_pair_by_name(run, folders):
    one, two = folders
    outcome = run("metrics", one / "x.*", two / "x.*", "--metric", "mse")
    assert outcome.code == 0 and len(outcome.table) == 2
    assert run("metrics", one / "x.*", two / "x.bmp").code == 2
    assert "no pictures or clips" in run("metrics", one / "z*", two / "x.*").err


def test_one_name_twice_pairs_with_nothing(run, folders):
    one, two = folders
    Image.open(two / "x.bmp").save(two / "x.tif")
    row = run("metrics", one, two, "--metric", "mse", "--json").json
    assert {str(two / "x.bmp"), str(two / "x.tif")} < set(row["unpaired"]["distorted"])
    assert str(one / "x.png") in row["unpaired"]["reference"]


def test_names_pair_as_compress_gives_them(run, tmp_path, folders):
    """`a.jpg` beside `a.png` becomes `a.jpg` and `a.png.jpg`: the whole name counts before the one without suffix."""
    originals, made = tmp_path / "originals", tmp_path / "made"
    originals.mkdir()
    rng = np.random.default_rng(3)
    for name in ("a.png", "a.jpg", "b.bmp"):
        Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8)).save(originals / name)
    assert run("compress", originals, "-o", made, "--force").code == 0
    row = run("metrics", originals, made, "--metric", "mse", "--json").json
    found = {(pathlib.Path(one["reference"]).name, pathlib.Path(one["distorted"]).name) for one in row["pairs"]}
    assert found == {("a.jpg", "a.jpg"), ("a.png", "a.png.jpg"), ("b.bmp", "b.jpg")}
    assert row["unpaired"] == {"reference": [], "distorted": []}


def clip(path, planes):
    path.write_bytes(b"YUV4MPEG2 W16 H16 F25:1 Cmono\n" + b"".join(b"FRAME\n" + plane.tobytes() for plane in planes))
    return path


def test_clips_have_means_and_their_worst_frame(run, tmp_path):
    planes = np.random.default_rng(4).integers(60, 180, (6, 16, 16), np.uint8)
    worse = planes.copy()
    worse[2] += 20
    files = clip(tmp_path / "a.y4m", planes), clip(tmp_path / "b.y4m", worse)
    row = run("metrics", *files, "--metric", "mse,psnr_y", "--json").json
    assert row["frames"] == 6 and row["pooled"]["mse"]["max"] == pytest.approx(6 * row["metrics"]["mse"])
    assert row["pooled"]["psnr_y"]["min"] == pytest.approx(10 * np.log10(255**2 / 400), abs=0.02)
    text = run("metrics", *files, "--metric", "mse").text
    assert text.startswith("mse\t") and "worst frame" in text
    outcome = run("metrics", files[0], clip(tmp_path / "short.y4m", worse[:4]))
    assert outcome.code == 1 and "ends after 4 frames" in outcome.err
    outcome = run("metrics", files[0], clip(tmp_path / "late.y4m", np.roll(planes, 2, 0)))
    assert outcome.code == 1 and "2 frames later" in outcome.err and "check" not in outcome.err
    Image.fromarray(planes[0]).save(tmp_path / "still.png")
    assert "is a clip and the other a picture" in run("metrics", files[0], tmp_path / "still.png").err
