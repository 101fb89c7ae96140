"""Rows P1 to P19 of the list of faults: each given picture, its command, and the right value."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

import codec
from codec.formats import animation

pytestmark = pytest.mark.usefixtures("inside")


def frames_of(path):
    """[(milliseconds, RGBA)] of an animation as Pillow plays it."""
    with Image.open(path) as image:
        return [(f.info["duration"], np.asarray(f.convert("RGBA"))) for f in ImageSequence.Iterator(image)]


def seen(rgba):
    """What the eye sees of a frame: colours of transparent pixels do not count."""
    return np.where(rgba[..., 3:] > 127, rgba, 0)


def transparent(path):
    with Image.open(path) as image:
        return int((np.asarray(image.convert("RGBA"))[..., 3] == 0).sum())


@pytest.mark.parametrize("name, pixels", [("f01_gray4_trns.png", 17), ("f01_gray16_trns.png", 1)])
def test_p1_the_transparent_level_of_gray(given, run, name, pixels):
    assert run("palette", given(name), "-o", "o.png").code == 0
    assert transparent("o.png") == pixels


def test_p2_a_hidden_default_image(given, run):
    assert run("palette", "--animate", given("f02_default_image.png"), "-o", "o.apng").code == 0
    played = frames_of("o.apng")
    assert len(played) == 2 and sum(ms for ms, _ in played) == 1000
    assert tuple(played[0][1][0, 0]) == (0, 255, 0, 255)


@pytest.mark.parametrize("suffix", ["apng", "gif"])
def test_p3_frames_of_60_a_second(given, run, suffix):
    """A GIF counts hundredths, and browsers slow frames below 20 ms down: fewer frames, the same time."""
    assert run("palette", "--animate", given("f03_60fps.png"), "-o", f"o.{suffix}").code == 0
    assert sum(ms for ms, _ in frames_of(f"o.{suffix}")) == pytest.approx(100, abs=0.01)


def test_p4_what_no_frame_covers_is_transparent(given, run):
    path = given("f04_uncovered.gif")
    for name in ("o.gif", "o.apng"):
        assert run("palette", "--animate", path, "-o", name).code == 0
        for ours, theirs in zip(animation.load(path).pictures, animation.load(name).pictures, strict=True):
            np.testing.assert_array_equal(seen(ours), seen(theirs))
    assert run("palette", path, "-o", "o.png").code == 0 and transparent("o.png") == 1200
    assert run("compress", path, "-o", "o.jpg").code == 0
    assert tuple(codec.read("o.jpg")[-1, -1]) == (255, 255, 255)


def test_p5_how_often_it_plays(given, run):
    path = given("f05_loop2.gif")
    for more, loop in (((), 2), (("--loops", "once"), None), (("--loops", "0"), 0)):
        assert run("palette", "--animate", path, "-o", "o.gif", "--overwrite", *more).code == 0
        with Image.open("o.gif") as image:
            assert image.info.get("loop") == loop


def test_p6_a_huge_screen_is_a_limit(given, run):
    ended = run("palette", "--animate", given("f06_huge_screen.gif"), "-o", "o.gif")
    assert ended.code == 1 and ended.err.startswith("codec: ") and ended.err.count("\n") == 1
    with pytest.raises(codec.LimitError):
        codec.animate(given("f06_huge_screen.gif"))


def test_p7_a_frame_beyond_the_screen_is_clipped(given, run):
    assert run("palette", "--animate", given("f07_frame_beyond_screen.gif"), "-o", "o.gif").code == 0
    assert [frame.shape for _, frame in frames_of("o.gif")] == [(20, 20, 4)] * 2


def test_p8_cleared_frames_leave_no_trails(given, run):
    paths = [given(f"f08_frame{i}.png") for i in range(4)]
    assert run("palette", "--animate", *paths, "--fps", 5, "-o", "d.gif").code == 0
    assert run("palette", "--animate", "d.gif", "-o", "again.apng").code == 0
    stills = [np.asarray(Image.open(path).convert("RGBA")) for path in paths]
    for still, (_, once), (_, twice) in zip(stills, frames_of("d.gif"), frames_of("again.apng"), strict=True):
        np.testing.assert_array_equal(still[..., 3] > 127, once[..., 3] > 127)
        np.testing.assert_array_equal(seen(once), seen(twice))


@pytest.mark.parametrize("where", ["top", "lower"])
def test_p9_subsampling_is_chosen_from_the_whole_picture(given, run, where):
    path = given(f"f09_banner_{where}.png")
    assert run("compress", "-q", 95, path, "-o", "o.jpg").code == 0
    assert codec.probe("o.jpg").subsampling == "4:4:4"
    assert codec.metrics.ssimulacra2(np.asarray(Image.open(path).convert("RGB")), codec.read("o.jpg")) > 90


def test_p10_a_damaged_interval_costs_itself_alone(given, run):
    ended = run("decompress", "--conceal", given("f10_marker_in_scan.jpg"), "-o", "o.png")
    assert ended.code == 0 and "warning" in ended.err
    right = codec.read(given("f10_good.jpg")) == np.asarray(Image.open("o.png"))
    assert right.all(-1).mean() > 0.97


@pytest.mark.parametrize("verb", [("compress", "-q", 99), ("compress", "-q", 50), ("transcode",)], ids=str)
def test_p11_an_index_of_pictures_that_are_not_there(given, run, verb):
    ended = run(*verb, given("f11_mpo_cut.jpg"), "-o", "o.jpg")
    assert ended.code == 0 and "warning" in ended.err


def test_p12_orientation_0_is_1(given, run):
    path = given("f12_orientation0.jpg")
    upright = codec.read(path)
    for verb in (("transcode", "--auto-rotate"), ("compress", "--strip", "-q", 95), ("compress", "--strip", "-q", 20)):
        assert run(*verb, path, "-o", "o.jpg", "--overwrite").code == 0
        assert codec.read("o.jpg").shape == upright.shape


def test_p13_application_segments_go_with_a_word(given, run):
    path = given("f13_app_segments.jpg")
    assert "warning" in run("compress", "-q", 50, path, "-o", "o.jpg").err
    assert "C2PA" in run("transcode", path, "-o", "t.jpg").err


def test_p14_gamma_is_carried_or_becomes_a_profile(given, run):
    path = given("f14_gama_linear.png")
    assert run("palette", path, "-o", "o.png").code == 0
    assert b"gAMA" in Path("o.png").read_bytes()
    assert "gAMA to ICC" in run("compress", path, "-o", "o.jpg").err
    assert b"ICC_PROFILE" in Path("o.jpg").read_bytes()


def test_p15_an_apng_keeps_soft_alpha(given, run):
    assert run("palette", "--animate", given("f15_soft_alpha.png"), "-o", "o.apng").code == 0
    assert len(np.unique(np.stack([frame for _, frame in frames_of("o.apng")])[..., 3])) == 35
    assert "alpha" in run("palette", "--animate", given("f15_soft_alpha.png"), "-o", "o.gif").err


def test_p16_a_comment_of_length_0(given, run):
    path = given("f16_com_length0.jpg")
    assert run("decompress", path, "-o", "o.png").code == 1
    ended = run("decompress", "--conceal", path, "-o", "o.png")
    assert ended.code == 0 and "warning" in ended.err
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(Image.open("o.png")), np.asarray(image))


def test_p17_an_animation_that_would_grow_is_kept(given, run):
    path = given("large-gif-anim-combine.gif")
    ended = run("palette", "--animate", path, "-o", "o.gif")
    assert ended.code == 0 and Path("o.gif").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("mode", ["P", "YCbCr", "HSV"])
def test_p18_pillow_images_are_their_colours(picture, mode):
    """A palette index is no gray level, hue no red, and a luma no green."""
    image = Image.fromarray(picture(40, 56, 3, 1)).convert(mode)
    colours = np.asarray(image.convert("RGB"))
    written = codec.decode(codec.encode(image, quality=100, subsampling="4:4:4"))
    assert np.abs(written.astype(int) - colours).mean() < 2
    ours, theirs = (codec.quantize_colors(one, 64) for one in (image, colours))
    np.testing.assert_array_equal(ours.palette[ours.indices], theirs.palette[theirs.indices])
    assert codec.metrics.psnr(image, colours) == np.inf


@pytest.mark.parametrize("mode, words", [
    ("CMYK", "color='cmyk'"), ("LA", "convert('RGB')"), ("PA", "convert('RGB')"), ("RGBA", "convert('RGB')"),
    ("LAB", "convert('RGB')"), ("I;16", "scale it to 0..255"), ("I", "scale it to 0..255"), ("F", "scale it to 0..255"),
])  # fmt: skip
def test_p18_other_modes_are_refused_with_the_way_out(mode, words):
    with pytest.raises(codec.ParameterError, match=re.escape(words)):
        codec.encode(Image.new(mode, (16, 16)))
    if mode in ("CMYK", "LAB"):
        for use in (codec.quantize_colors, lambda one: codec.metrics.psnr(one, one)):
            with pytest.raises(codec.ParameterError, match=re.escape("convert('RGB')")):
                use(Image.new(mode, (16, 16)))


@pytest.mark.parametrize("ids", [(1, 2, 1), (1, 1, 1), (0, 0, 0), (2, 1, 1)], ids=str)
def test_p19_component_identifiers_that_repeat_and_bytes_before_soi(picture, run, ids):
    """As libjpeg reads them; what comes before SOI is skipped where damage is concealed."""
    data = bytearray(codec.encode(picture(24, 32, 3, 3), quality=90, color="ycbcr", progressive=False))
    for marker, first, step in ((b"\xff\xc0", 10, 3), (b"\xff\xda", 5, 2)):
        at = data.index(marker) + first
        data[at : at + 3 * step : step] = ids
    with Image.open(io.BytesIO(data)) as image:
        right = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(codec.decode(bytes(data)), right)
    Path("o.jpg").write_bytes(b"junk" + data)
    assert run("decompress", "o.jpg", "-o", "o.png").code == 1
    ended = run("decompress", "--conceal", "o.jpg", "-o", "o.png")
    assert ended.code == 0 and "warning" in ended.err
    np.testing.assert_array_equal(np.asarray(Image.open("o.png")), right)
