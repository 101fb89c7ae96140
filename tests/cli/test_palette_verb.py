"""`codec palette`: PNG-8 files, animations and sheets, by the conventions of all verbs."""

import io

import numpy as np
import pytest
from clips import clip, y4m
from PIL import Image


def pixels_of(data, mode="RGB"):
    return np.asarray(Image.open(io.BytesIO(data)).convert(mode))


@pytest.fixture
def frames(home):
    """`frames/f00.png` to `f05.png`, one of them gray."""
    (home / "frames").mkdir()
    y, x = np.mgrid[:30, :40]
    for number in range(6):
        pixels = np.stack([5 * x, 8 * y, 0 * x + 40 * number], -1).astype(np.uint8)
        pixels[5:12, 4 * number : 4 * number + 8] = 250
        (Image.fromarray(pixels) if number != 3 else Image.fromarray(pixels[..., 0])).save(
            home / "frames" / f"f{number:02d}.png"
        )
    return sorted((home / "frames").iterdir())


# ---------------------------------------------------------------- pictures


def test_a_picture_of_one_colour_is_not_told_to_have_fewer(run, home):
    Image.new("RGBA", (1, 1), (9, 8, 7, 0)).save(home / "in" / "dot.png")
    outcome = run("palette", "in/dot.png", "-o", "dot.png", "--dither", "none")
    assert outcome.code == 0 and "larger than its source\n" in outcome.err and "fewer" not in outcome.err


def test_one_picture(run, home):
    outcome = run("palette", "in/a.png", "-o", "out.png", "--colors", 16, "--dither", "blue-noise", "--json")
    assert outcome.code == 0, outcome.err
    row = outcome.json["files"][0]
    image = Image.open(home / "out.png")
    assert image.mode == "P" and len(np.unique(np.asarray(image))) == row["colors"] <= 16 and row["bits"] == 4
    assert (
        row["after"] == (home / "out.png").stat().st_size
        and outcome.json["verb"] == "palette"
        and outcome.json["settings"]["dither"] == "blue-noise"
    )


def test_a_folder_becomes_a_tree(run, home, tree):
    outcome = run("palette", "in", "-o", "out/", "-c", 8, "--dither", "none")
    assert outcome.code == 0 and tree("out") == ["a.png", "b.png", "sub/c.png"]
    assert sorted(outcome.statuses.values()) == ["done"] * 3 + ["ignored"]
    again = run("palette", "in", "-o", "out/", "-c", 8)
    assert again.code == 0 and "3 files were there already; --overwrite makes them again" in again.err
    assert run("palette", "in", "-o", "out/", "-c", 8, "--overwrite").code == 0


def test_pipes(run, home):
    outcome = run("palette", "-", "-c", 5, stdin=(home / "in" / "a.png").read_bytes())
    assert outcome.code == 0 and len(np.unique(pixels_of(outcome.out).reshape(-1, 3), axis=0)) == 5


def test_a_dry_run_writes_nothing(run, home, tree):
    outcome = run("palette", "in/a.png", "-o", "out.png", "-n", "--json")
    assert outcome.code == 0 and outcome.json["files"][0]["after"] > 0 and not (home / "out.png").exists()


def test_transparency_and_orientation(run, home):
    pixels = np.zeros((6, 9, 4), np.uint8)
    pixels[:, :4] = [200, 10, 10, 255]
    pixels[:, 4:6] = [10, 200, 10, 100]
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(
        home / "t.png", exif=exif, icc_profile=b"\0" * 16 + b"RGB " + b"x" * 100, dpi=(200, 100)
    )
    assert run("palette", "t.png", "-o", "u.png").code == 0
    image = Image.open(io.BytesIO((home / "u.png").read_bytes()))
    assert (
        np.array_equal(np.asarray(image.convert("RGBA")), np.rot90(pixels, -1)) and image.getexif().get(0x0112) is None
    )
    assert image.info["icc_profile"][16:20] == b"RGB " and [round(v) for v in image.info["dpi"]] == [100, 200]
    assert run("palette", "t.png", "-o", "v.png", "--strip").code == 0
    assert "icc_profile" not in Image.open(io.BytesIO((home / "v.png").read_bytes())).info


def test_targets(run, home):
    free = run("palette", "in/a.png", "-o", "free.png", "--json").json["files"][0]["after"]
    outcome = run("palette", "in/a.png", "-o", "small.png", "--target", f"size:{free // 2}", "--json")
    row = outcome.json["files"][0]
    assert outcome.code == 0 and row["after"] == row["achieved"] <= free // 2 and row["colors"] < 256
    row = run(
        "palette", "in/a.png", "-o", "good.png", "--target", "psnr:20", "--space", "srgb", "--dither", "none", "--json"
    ).json["files"][0]
    assert row["achieved"] >= 20 and row["colors"] < 256
    failed = run("palette", "in/a.png", "-o", "never.png", "--target", "psnr:90")
    assert failed.code == 1 and "cannot be reached" in failed.err and not (home / "never.png").exists()
    assert run("palette", "in/a.png", "-o", "floor.png", "--target", "psnr:90", "--floor", "psnr:12").code == 0


def test_colours_of_ones_own(run, home):
    assert run("palette", "in/a.png", "-o", "ega.png", "--palette", "ega").code == 0
    assert set(np.unique(pixels_of((home / "ega.png").read_bytes()))) <= {0, 85, 170, 255}
    assert run("palette", "in/a.png", "-o", "two.png", "--palette", "#102030,#ffffff").code == 0
    assert len(np.unique(pixels_of((home / "two.png").read_bytes()).reshape(-1, 3), axis=0)) == 2


@pytest.mark.parametrize("arguments, says", [
    (["in/a.png"], "-o FILE"), (["in/a.png", "-o", "out.jpg"], "out.png"),
    (["in/a.png", "-o", "in/a.png"], "overwrite the input"),
    (["in/a.png", "-o", "o.png", "--colors", "0"], "1<=x<=256"),
    (["in/a.png", "-o", "o.png", "--colors", "257"], "1<=x<=256"),
    (["in/a.png", "-o", "o.png", "--dither", "magic"], "floyd-steinberg"),
    (["in/a.png", "-o", "o.png", "--dither", "none", "--dither-strength", "0.5"], "--dither-strength"),
    (["in/a.png", "-o", "o.png", "--target", "sice:1"], "size"),
    (["in/a.png", "-o", "o.png", "--palette", "cga"], "cga"), (["in/a.png", "-o", "o.png", "--fps", "25"], "--animate"),
    (["in/a.png", "in/b.png", "--sheet", "s.png"], "one picture"), (["in/a.png", "--sheet", "in/a.png"], "sheet"),
    (["in/a.png", "--animate"], "-o FILE.gif"), (["in/a.png", "--animate", "-o", "o.webp"], "suffix"),
    (["in/sub/c.jpg", "--animate", "-o", "o.gif", "--dither", "bayer"], "--dither"),
    (["in/a.png", "--animate", "-o", "o.gif", "--lossy", "5", "--target", "size:9kB"], "exclude"),
    (["in/a.png", "--animate", "-o", "in/a.png"], "overwrite the input"),
    (["-", "in/a.png", "--animate", "-o", "o.gif"], "alone"),
])  # fmt: skip
def test_wrong_command_lines_write_nothing(run, home, tree, arguments, says):
    before = tree(".")
    outcome = run("palette", *arguments)
    assert outcome.code == 2 and says in outcome.err and tree(".") == before


def test_what_is_damaged_or_no_picture_fails_alone(run, home, tree):
    (home / "in" / "bad.png").write_bytes((home / "in" / "a.png").read_bytes()[:200])
    Image.new("CMYK", (4, 4)).save(home / "in" / "inks.tif")
    outcome = run("palette", "in", "-o", "out/")
    assert (
        outcome.code == 1
        and "bad.png" in outcome.err
        and "CMYK" in outcome.err
        and tree("out") == ["a.png", "b.png", "sub/c.png"]
    )


# ---------------------------------------------------------------- animations


def test_pictures_become_an_animation(run, home, frames):
    outcome = run("palette", "--animate", *frames, "-o", "out.gif", "--fps", 25, "--json")
    assert outcome.code == 0, outcome.err
    row, image = outcome.json["files"][0], Image.open(io.BytesIO((home / "out.gif").read_bytes()))
    assert (row["frames"], row["seconds"], image.n_frames, image.info["loop"]) == (6, 0.24, 6, 0) and row["after"] == (
        home / "out.gif"
    ).stat().st_size
    folder = run("palette", "--animate", "frames", "-o", "b.gif", "--fps", 25)
    assert folder.code == 0 and (home / "b.gif").read_bytes() == (home / "out.gif").read_bytes()
    there = run("palette", "--animate", "frames", "-o", "b.gif")
    assert there.code == 0 and there.err == "codec: 1 file was there already; --overwrite makes it again\n"
    assert (
        run(
            "palette",
            "--animate",
            "frames",
            "-o",
            "b.gif",
            "--overwrite",
            "--loops",
            2,
            "--lossy",
            0,
            "-c",
            16,
            "--dither",
            "none",
        ).code
        == 0
    )
    assert Image.open(io.BytesIO((home / "b.gif").read_bytes())).info["loop"] == 2


def test_a_clip_takes_the_time_that_it_took(run, home):
    (home / "clip.y4m").write_bytes(y4m(clip(20, fps=25)))
    (home / "fast.y4m").write_bytes(y4m(clip(30, fps=60)))
    assert run("palette", "--animate", "clip.y4m", "-o", "a.apng", "--json").json["files"][0]["seconds"] == 0.8
    row = run("palette", "--animate", "clip.y4m", "-o", "a.gif", "--fps", 10, "--json").json["files"][0]
    assert (row["frames"], row["seconds"]) == (8, 0.8)
    outcome = run("palette", "--animate", "fast.y4m", "-o", "f.gif", "--json")
    assert (outcome.json["files"][0]["frames"], outcome.json["files"][0]["seconds"]) == (
        15,
        0.5,
    ) and "60 frames per second" in outcome.err
    assert run("palette", "--animate", "fast.y4m", "-o", "f.png", "--json").json["files"][0]["frames"] == 30
    refused = run("palette", "--animate", "fast.y4m", "-o", "g.gif", "--fps", 60)
    assert refused.code == 1 and "50 frames per second" in refused.err and not (home / "g.gif").exists()


def test_an_animation_keeps_its_times(run, home, frames):
    images = [Image.open(io.BytesIO(path.read_bytes())).convert("RGB") for path in frames]
    images[0].save(
        home / "in.webp", save_all=True, append_images=images[1:], duration=[100, 200, 50, 100, 100, 400], lossless=True
    )
    outcome = run("palette", "--animate", "in.webp", "-o", "out.gif")
    assert outcome.code == 0, outcome.err
    image, times = Image.open(io.BytesIO((home / "out.gif").read_bytes())), []
    for number in range(6):
        image.seek(number)
        times.append(image.info["duration"])
    assert times == [100, 200, 50, 100, 100, 400]
    piped = run("palette", "--animate", "-", stdin=(home / "in.webp").read_bytes())
    assert piped.out == (home / "out.gif").read_bytes()


def test_an_animation_of_a_size(run, home, frames):
    free = run("palette", "--animate", "frames", "-o", "a.gif", "--lossy", 0, "--json").json["files"][0]["after"]
    row = run("palette", "--animate", "frames", "-o", "b.gif", "--target", f"size:{free * 3 // 4}", "--json").json[
        "files"
    ][0]
    assert row["after"] == row["achieved"] <= free * 3 // 4 and row["lossy"] > 0
    failed = run("palette", "--animate", "frames", "-o", "c.gif", "--target", "size:100")
    assert failed.code == 1 and "cannot be reached" in failed.err and not (home / "c.gif").exists()


def test_frames_that_do_not_fit_or_are_damaged(run, home, frames, tree):
    Image.new("RGB", (41, 30)).save(home / "frames" / "f06.png")
    outcome = run("palette", "--animate", "frames", "-o", "a.gif")
    assert outcome.code == 1 and "f06.png is 41x30" in outcome.err and not (home / "a.gif").exists()
    (home / "frames" / "f06.png").write_bytes(frames[0].read_bytes()[:100])
    outcome = run("palette", "--animate", "frames", "-o", "a.gif")
    assert outcome.code == 1 and "f06.png" in outcome.err and not (home / "a.gif").exists()
    (home / "frames" / "f06.png").write_bytes(b"nothing at all")
    assert run("palette", "--animate", "frames", "-o", "a.gif").code == 1
    (home / "empty").mkdir()
    assert run("palette", "--animate", "empty", "-o", "a.gif").code == 2


# ---------------------------------------------------------------- the sheet


def test_a_sheet_shows_methods_side_by_side(run, home):
    outcome = run("palette", "in/a.png", "--sheet", "sheet.png", "-c", 8, "--json")
    assert outcome.code == 0, outcome.err
    image = Image.open(io.BytesIO((home / "sheet.png").read_bytes()))
    assert image.size == (4 * 208 + 8, 2 * (32 + 32 + 8) + 8) and len(outcome.json["files"][0]["methods"]) == 7
    assert np.array_equal(np.asarray(image)[40:72, 8:48], pixels_of((home / "in" / "a.png").read_bytes()))
    there = run("palette", "in/a.png", "--sheet", "sheet.png")
    assert there.code == 0 and "1 file was there already" in there.err


def test_an_animation_plays_as_often_as_its_source_or_as_asked(run, frames, home):
    def loop(*more, source="a.gif", name="b.gif"):
        assert run("palette", "--animate", source, "-o", name, "--overwrite", *more).code == 0
        return Image.open(io.BytesIO((home / name).read_bytes())).info.get("loop")

    run("palette", "--animate", "frames", "-o", "a.gif", "--loops", "2")
    assert loop() == 2 and loop("--loops", "0") == 0 and loop("--loops", "once") is None
    assert loop("--loops", "once", source="frames") is None and loop(source="frames") == 0
    assert run("palette", "--animate", "a.gif", "-o", "b.gif", "--loops", "twice").code == 2


def test_a_folder_is_animated_in_natural_order(run, frames, home):
    folder = home / "many"
    folder.mkdir()
    for number, source in zip((1, 2, 3, 9, 10, 11), frames):
        (folder / f"f{number}.png").write_bytes(source.read_bytes())
    (folder / ".hidden.png").write_bytes(b"x")
    (folder / "notes.txt").write_text("x")
    outcome = run("palette", "--animate", "many", "-o", "a.gif", "--json")
    assert outcome.code == 0 and run("palette", "--animate", "frames", "-o", "b.gif").code == 0
    assert (home / "a.gif").read_bytes() == (home / "b.gif").read_bytes()
    (warning,) = outcome.json["files"][0]["warnings"]
    assert "2 left out" in warning and ".hidden.png (hidden)" in warning and "notes.txt" in warning
    by_shell = run("palette", "--animate", *sorted(map(str, folder.glob("f*.png"))), "-o", "c.gif")
    assert by_shell.code == 0 and "f10.png before" in by_shell.err and "natural order" in by_shell.err


def test_an_animation_is_scaled_to_a_width(run, frames, home):
    row = run("palette", "--animate", "frames", "-o", "a.gif", "--width", 20, "--json").json["files"][0]
    assert (row["width"], row["height"]) == (20, 15)
    assert Image.open(io.BytesIO((home / "a.gif").read_bytes())).size == (20, 15)
    refused = run("palette", "--animate", "frames", "-o", "b.gif", "--width", 41)
    assert refused.code == 1 and "only scaled down" in refused.err and not (home / "b.gif").exists()
    assert run("palette", "in/a.png", "-o", "o.png", "--width", 9).code == 2


def test_an_animation_that_would_grow_is_kept(run, home):
    source = np.arange(4, dtype=np.uint8).reshape(2, 2)
    images = [Image.fromarray(source + step) for step in (0, 90)]
    images[0].save(home / "a.gif", save_all=True, append_images=images[1:], duration=100)
    grown = run("palette", "--animate", "a.gif", "-o", "b.gif", "--fps", 10, "--json").json["files"][0]
    row = run("palette", "--animate", "a.gif", "-o", "c.gif", "--json").json["files"][0]
    assert (row["status"] == "kept") == (grown["after"] > row["before"])
    if row["status"] == "kept":
        assert (home / "c.gif").read_bytes() == (home / "a.gif").read_bytes()


def test_frames_far_below_the_asked_quality_are_told(run, frames, home):
    free = run("palette", "--animate", "frames", "-o", "a.gif", "--json").json["files"][0]
    assert free["below"] == []
    outcome = run("palette", "--animate", "frames", "-o", "b.gif", "--target", f"size:{free['after'] // 2}", "--json")
    row = outcome.json["files"][0]
    assert bool(row["below"]) == any("far below" in warning for warning in row["warnings"])
