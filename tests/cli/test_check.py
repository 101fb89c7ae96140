"""`codec check`."""

import os
import shlex
import sys

import numpy as np
import pytest
from PIL import Image

import codec


@pytest.fixture
def wasteful(home):
    """A JPEG with fixed Huffman tables, in a folder of its own."""
    y, x = np.mgrid[:96, :128]
    pixels = (np.stack([x, y, x + y], -1) + 20 * np.sin(x * y / 40)[..., None]).clip(0, 255).astype(np.uint8)
    (home / "web").mkdir()
    Image.fromarray(pixels).save(home / "web" / "a photo.jpg", quality=90)
    return home / "web"


def test_what_is_reported_and_the_command_that_mends_it(run, wasteful):
    outcome = run("check", "web")
    assert outcome.code == 3 and "1 picture checked: 1 wasteful" in outcome.err
    ((name, size, smaller, waste, status, command),) = outcome.table
    assert (name, status) == ("web/a photo.jpg", "wasteful") and float(waste) > 0.1
    assert command == "codec compress 'web/a photo.jpg' --in-place -q 100"
    before = codec.decode(wasteful / "a photo.jpg")
    follow(run, command)
    assert (wasteful / "a photo.jpg").stat().st_size == int(smaller) < int(size)
    assert np.array_equal(codec.decode(wasteful / "a photo.jpg"), before) and run("check", "web").code == 0


def follow(run, command):
    """Do what a command says; of a shell it has && and mv."""
    for part in command.split(" && "):
        program, *words = shlex.split(part)
        if program == "mv":
            os.replace(*words)
        else:
            assert run(*words).code == 0


def test_a_png_takes_the_name_of_the_one_that_it_is_made_of(run, wasteful):
    (wasteful / "a photo.jpg").unlink()
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(wasteful / "flat.png", compress_level=0)
    ((*_, command),) = run("check", "web").table
    (wasteful / "flat.smaller.png").write_bytes(b"someone's")
    assert "mv" not in run("check", "web/flat.png").table[0][-1]
    (wasteful / "flat.smaller.png").unlink()
    follow(run, command)
    assert os.listdir(wasteful) == ["flat.png"] and run("check", "web").code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX links")
def test_a_link_is_not_replaced(run, wasteful):
    os.link(wasteful / "a photo.jpg", wasteful / "b.jpg")
    ((*_, command), _) = run("check", "web").table
    assert command.startswith("codec transcode") and command.endswith("mv 'web/a photo.smaller.jpg' 'web/a photo.jpg'")


def test_a_name_that_begins_with_a_dash(run, wasteful, monkeypatch):
    (wasteful / "a photo.jpg").rename(wasteful / "-a.jpg")
    monkeypatch.chdir(wasteful)
    ((*_, command),) = run("check", "--", "-a.jpg").table
    before = os.path.getsize("-a.jpg")
    follow(run, command)
    assert os.path.getsize("-a.jpg") < before


def test_a_size_is_mended_by_a_target(run, wasteful):
    outcome = run("check", "web", "--max-waste", "100%", "--max-size", "1.5kB")
    ((*_, status, command),) = outcome.table
    assert (outcome.code, status) == (3, "too large") and "--target size:1500" in command
    follow(run, command)
    assert (wasteful / "a photo.jpg").stat().st_size <= 1500


def test_nothing_to_report(run, wasteful):
    outcome = run("check", "web", "--max-waste", "100%")
    assert (outcome.code, outcome.text) == (0, "") and "none larger than need be" in outcome.err
    (wasteful / "a photo.jpg").rename(wasteful / "a.txt")
    assert run("check", "web").code == 3, "recognized by its contents"


def test_json_has_every_file(run, home, wasteful):
    found = run("check", ".", "--json").json
    assert (found["schema"], found["verb"]) == (1, "check")
    assert found["settings"] == {"max_waste": 0.1, "max_size": None}
    names = {row["input"]: row for row in found["files"]}
    assert names["./in/notes.txt"]["status"] == "ignored"
    assert names["./web/a photo.jpg"]["command"].startswith("codec compress")
    assert names["./in/a.png"]["command"] is None and "only its size" in names["./in/a.png"]["reason"]
    assert found["total"]["wasteful"] >= 1 and found["total"]["saved"] > 0


def test_files_that_cannot_be_read_are_said_and_fail(run, wasteful):
    (wasteful / "broken.jpg").write_bytes(codec.encode(np.zeros((64, 64), np.uint8))[:100])
    outcome = run("check", "web")
    assert outcome.code == 1 and "broken.jpg" in outcome.err and "1 wasteful, 1 failed" in outcome.err
    assert run("check", "absent.jpg").code == 1


def test_without_inputs_it_says_what_to_name(run, home):
    outcome = run("check")
    assert outcome.code == 2 and "Missing argument 'INPUTS...': name files or folders" in outcome.err


@pytest.mark.parametrize("option, value", [("--max-waste", "10"), ("--max-size", "big"), ("--max-pixels", "0")])
def test_wrong_values_are_usage_errors(run, home, option, value):
    assert run("check", "in", option, value).code == 2


def test_the_hook_names_a_command_that_exists(run, home):
    """.pre-commit-hooks.yaml, as far as it can be read without a parser of YAML."""
    from pathlib import Path

    hooks = Path(__file__).resolve().parents[2] / ".pre-commit-hooks.yaml"
    if not hooks.exists():
        pytest.skip("no hooks here")
    fields = dict(line.lstrip("- ").split(": ", 1) for line in hooks.read_text().splitlines() if ": " in line[:20])
    assert fields["language"] == "python" and fields["entry"] == "codec check"
    assert run(*fields["entry"].split()[1:], "--help").code == 0


def test_the_command_that_mends_a_size_keeps_frames_and_transparency(run, home):
    """What a file holds beside its quality stays, or no command is named."""
    rng = np.random.default_rng(2)
    frames = [Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)) for _ in range(3)]
    (home / "mixed").mkdir()
    for name in ("moving.gif", "moving.png", "pages.tif"):
        frames[0].save(home / "mixed" / name, save_all=True, append_images=frames[1:])
    Image.fromarray(rng.integers(0, 256, (32, 32, 4), np.uint8)).save(home / "mixed/clear.png")
    outcome = run("check", "mixed", "--max-size", "2kB")
    commands = {row[0]: row[-1] for row in outcome.table}
    assert outcome.code == 3 and commands["mixed/pages.tif"] == ""
    for name in ("moving.gif", "moving.png"):
        follow(run, commands[f"mixed/{name}"])
        with Image.open(home / "mixed" / name) as image:
            assert image.n_frames == 3
        assert (home / "mixed" / name).stat().st_size <= 2000
    follow(run, commands["mixed/clear.png"])
    with Image.open(home / "mixed/clear.png") as image:
        assert image.convert("RGBA").getextrema()[3][0] < 255
