"""samples/: every file matches MANIFEST.json, may be redistributed, and can be regenerated."""

import hashlib
import importlib.util
import json
import pathlib

import numpy as np
import pytest

SAMPLES = pathlib.Path(__file__).parent.parent / "samples"
MANIFEST = json.loads((SAMPLES / "MANIFEST.json").read_text())


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["file"])
def test_a_file_is_what_the_manifest_says(entry):
    image = pytest.importorskip("PIL.Image")
    data = (SAMPLES / entry["file"]).read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["bytes"], entry["sha256"])
    with image.open(SAMPLES / entry["file"]) as picture:
        assert picture.size == (entry["width"], entry["height"])
        assert len(picture.getbands()) == entry["channels"]
        if entry["pixels_sha256"]:
            assert hashlib.sha256(np.asarray(picture).tobytes()).hexdigest() == entry["pixels_sha256"]


def test_the_manifest_is_complete():
    pictures = {path.name for path in SAMPLES.iterdir() if path.suffix in (".png", ".jpg")}
    assert pictures == {entry["file"] for entry in MANIFEST}
    assert all(entry["origin"] and entry["why"] for entry in MANIFEST)
    assert {entry["licence"].split(",")[0] for entry in MANIFEST} <= {"CC0-1.0", "public domain", "BSD-2-Clause"}


def test_the_samples_stay_small():
    assert sum(entry["bytes"] for entry in MANIFEST) < 2_500_000


def test_the_script_makes_them_again(tmp_path):
    """Copied files byte for byte; computed and cropped ones pixel for pixel, since versions of zlib compress
    equal pixels differently."""
    pytest.importorskip("skimage")
    spec = importlib.util.spec_from_file_location("samples_make", SAMPLES / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    again = {entry["file"]: entry for entry in module.make(tmp_path)}
    assert list(again) == [entry["file"] for entry in MANIFEST]
    for entry in MANIFEST:
        key = "pixels_sha256" if entry["pixels_sha256"] else "sha256"
        assert again[entry["file"]][key] == entry[key], entry["file"]


def test_the_clip_is_the_same_everywhere_and_the_demo_shows_it(tmp_path, monkeypatch):
    """The video part of `make demo`."""
    from click.testing import CliRunner

    from codec.cli.main import cli

    spec = importlib.util.spec_from_file_location("samples_clip", SAMPLES / "clip.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["clip.py", "clip.y4m"])
    module.main()
    wanted = "cdd7c1bad97d89a0430d30c36aae0b5c99a4f8f7fe0443489984f01b54087085"
    assert hashlib.sha256((tmp_path / "clip.y4m").read_bytes()).hexdigest() == wanted
    for words in (
        "video encode clip.y4m -o clip.h264 --crf 26 --psnr --ssim",
        "video decode clip.h264 -o decoded.y4m",
        "metrics clip.y4m decoded.y4m",
        "video inspect clip.h264 --overlay modes.png --frame 18",
    ):
        outcome = CliRunner().invoke(cli, words.split(), prog_name="codec")
        assert outcome.exit_code == 0, outcome.output
        if words.startswith("metrics"):
            assert float(outcome.stdout.split("\t")[1]) > 34
    assert (tmp_path / "clip.h264").stat().st_size < (tmp_path / "clip.y4m").stat().st_size / 30
