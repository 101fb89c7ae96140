"""`codec quantize`: ranks as the library gives them, files that come back, and nothing lost in silence."""

import io
import json
import wave

import numpy as np
import pytest
from PIL import Image

from codec.quantizers import Quantizer, analyse, recommend

X = np.random.default_rng(2).laplace(size=4000).astype(np.float32)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", X)
    np.savez("w.npz", a=X.reshape(40, 100), b=X[:100])
    Image.fromarray((np.arange(4096) % 251).astype(np.uint8).reshape(64, 64)).save("p.png")
    return tmp_path


def sound(path, samples, **settings):
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(path, samples, 8000, **settings)


SPEECH = np.rint(12_000 * np.sin(np.arange(3000) / 9) * np.sin(np.arange(3000) / 700)).astype(np.int16)


def test_ranks_are_those_of_the_library(run, folder):
    outcome = run("quantize", "x.npy", "--bits", 4)
    assert outcome.code == 0
    rows = [line.split("\t") for line in outcome.text.split("\n\n")[0].splitlines()]
    ranked = recommend(X, bits=4)
    assert [row[1] for row in rows[1:]] == [one.method for one in ranked]
    assert [row[0] for row in rows[1:]] == ["*"] + [""] * (len(ranked) - 1)
    assert f"sqnr\t{analyse(X, ranked[0].quantizer).sqnr:.6g}" in outcome.text


def test_json(run, folder):
    row = run("quantize", "w.npz", "--array", "a", "--sqnr", 20, "--json").json
    assert (row["verb"], row["shape"], row["dtype"], row["target_sqnr"]) == ("quantize", [40, 100], "float32", 20)
    assert row["chosen"] == row["ranked"][0]["method"] and row["report"]["sqnr"] >= 20 - 1e-6
    assert Quantizer.from_json(json.dumps(row["quantizer"])).name == row["quantizer"]["quantizer"]


@pytest.mark.parametrize("method", ["auto", "affine", "lloyd-max", "float8", "mu-law"])
def test_codes_and_parameters_come_back(run, folder, method):
    assert run("quantize", "x.npy", "--method", method, "--apply", "-o", "c.npz").code == 0
    with np.load("c.npz") as saved:
        q = Quantizer.from_json(str(saved["quantizer"]))
        assert np.array_equal(saved["codes"], q.encode(X))
        assert json.loads(str(saved["source"]))["dtype"] == "float32"
    assert run("quantize", "c.npz", "--decode", "-o", "back.npy").code == 0
    assert np.array_equal(np.load("back.npy"), q.transform(X))


def test_clipping_is_told(run, folder):
    outcome = run("quantize", "x.npy", "--bits", 4, "--method", "uniform-clipped", "--json")
    clipped = outcome.json["report"]["clipped_low"] + outcome.json["report"]["clipped_high"]
    assert clipped and f"% of the values are clipped, {outcome.json['report']['clipped_low']} below and" in outcome.err
    assert outcome.json["warnings"] and outcome.json["chosen"] == "uniform-clipped"


def test_conversions_are_told(run, folder):
    np.save("big.npy", np.array([0, 2**60 + 1, 5], np.int64))
    assert "rounded to float64" in run("quantize", "big.npy").err


def test_bad_numbers_are_refused(run, folder):
    np.save("nan.npy", np.array([1.0, np.nan, np.inf]))
    np.save("none.npy", np.zeros(0))
    np.save("text.npy", np.array(["a"]))
    outcome = run("quantize", "nan.npy")
    assert outcome.code == 1 and "1 NaN and 1 infinite values, the first at index 1" in outcome.err
    assert "nan.npy" in outcome.err
    for name in ("none.npy", "text.npy", "missing.npy", "x.txt"):
        assert run("quantize", name).code == 1
    np.save("constant.npy", np.full(9, 2.5))
    assert run("quantize", "constant.npy", "--json").json["report"]["mse"] == 0


def test_an_array_is_named(run, folder):
    for arguments in ((), ("--array", "c")):
        outcome = run("quantize", "w.npz", *arguments)
        assert outcome.code == 2 and "holds the arrays a, b" in outcome.err and "choose one of them" in outcome.err
        assert "with --array" in outcome.err
    assert "a, b, but no 'c': choose one of them" in run("quantize", "w.npz", "--array", "c").err


def test_samples_of_16_bits_are_judged_at_16(run, folder):
    deep = (np.arange(4096, dtype=np.uint16) * 16).reshape(64, 64)
    Image.fromarray(deep).save("deep.png")
    row = run("quantize", "deep.png", "--bits", 8, "--json").json
    assert row["dtype"] == "uint16" and 40 < row["report"]["sqnr"] < 60


def test_codes_are_as_long_as_those_that_occur(run, folder):
    """With entropy coding the whole range of a quantizer says nothing: rounding showed 16 bits."""
    rows = [line.split("\t") for line in run("quantize", "x.npy", "--sqnr", 20).text.split("\n\n")[0].splitlines()]
    assert {row[1]: row[4] for row in rows}["rounding"] == str(recommend(X, sqnr=20)[0].report.bits_used)


def test_reasons_read_well(run, folder):
    np.save("few.npy", np.repeat(np.arange(8.0), 9))
    text = run("quantize", "few.npy", "--bits", 3).text
    assert "inf dB" not in text and "reaches without" not in text and "dB, not without error" in text
    text = run("quantize", "x.npy", "--sqnr", -3).text
    assert "\t-0.00\t" not in text and "-0.00 dB" not in text
    outcome = run("quantize", "x.npy", "--method", "g711-mu")
    assert outcome.code == 2 and "does not fit this data: g711 takes 16-bit samples" in outcome.err


def test_the_page(run, folder):
    outcome = run("quantize", "p.png", "--bits", 4, "--report", "out.html")
    page = (folder / "out.html").read_text()
    assert outcome.code == 0 and "Content-Security-Policy" in page and "p.png" in page
    assert run("quantize", "p.png", "--report", "out.html").code == 1  # exists
    assert run("quantize", "p.png", "--report", "out.html", "--overwrite").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("x.npy", "--bits", 4, "--sqnr", 3),
        ("x.npy", "--apply"),
        ("x.npy", "--report", "r.txt"),
        ("x.npy", "-o", "c.npz"),
        ("x.npy", "--apply", "--decode", "-o", "c.npz"),
        ("x.npy", "--apply", "-o", "c.bin"),
        ("x.npy", "--apply", "-o", "c.wav"),
        ("x.npy", "--decode", "-o", "c.npz"),
        ("x.npy", "--decode", "--bits", 3, "-o", "c.npy"),
        ("x.npy", "--method", "affine", "--bits", 5),
        ("x.npy", "--method", "g711-mu"),
        ("x.npy", "--bits", 17),
        ("x.npy", "--method", "best"),
    ],
)
def test_wrong_options(run, folder, arguments):
    assert run("quantize", *arguments).code == 2


def test_what_are_no_codes(run, folder):
    assert "holds no codes" in run("quantize", "w.npz", "--decode", "-o", "c.npy").err
    np.savez("bad.npz", codes=[1], quantizer="{}", source='{"kind": "array"}')
    assert "no record of a quantizer" in run("quantize", "bad.npz", "--decode", "-o", "c.npy").err
    np.savez("bad.npz", codes=[1], quantizer="{}", source="[]")
    assert run("quantize", "bad.npz", "--decode", "-o", "c.npy").code == 1
    assert "not of sound" in _decoded_to_wav(run).err


def _decoded_to_wav(run):
    run("quantize", "x.npy", "--apply", "-o", "c.npz")
    return run("quantize", "c.npz", "--decode", "-o", "c.wav")


@pytest.mark.parametrize("law", ["mu", "a"])
def test_sound_to_g711_and_back(run, folder, law):
    from codec.quantizers import G711

    sound("s.wav", SPEECH)
    assert run("quantize", "s.wav", "--method", f"g711-{law}", "--apply", "-o", "coded.wav").code == 0
    outcome = run("quantize", "coded.wav", "--decode", "-o", "back.wav")
    assert outcome.code == 0 and "warning" not in outcome.err
    with wave.open("back.wav") as back:
        assert (back.getframerate(), back.getsampwidth()) == (8000, 2)
        samples = np.frombuffer(back.readframes(5000), "<i2")
    assert np.array_equal(samples, G711(law).transform(SPEECH))
    assert (folder / "coded.wav").stat().st_size < SPEECH.size + 64
    assert run("quantize", "s.wav", "--decode", "-o", "again.wav").code == 1


def test_sound_of_other_widths(run, folder):
    sound("f.wav", (SPEECH / 20_000).astype(np.float32), subtype="FLOAT")
    sound("w.wav", SPEECH.astype(np.int32) << 16, subtype="PCM_24")
    sound("s.wav", np.stack([SPEECH, SPEECH], 1))
    for name, told in (("f.wav", "32-bit float is written"), ("w.wav", "24-bit PCM is written")):
        assert run("quantize", name, "--bits", 12, "--apply", "-o", "c.npz", "--overwrite").code == 0
        outcome = run("quantize", "c.npz", "--decode", "-o", "back.wav", "--overwrite", "--json")
        assert told in outcome.err and outcome.json["warnings"]
    with wave.open("back.wav") as back:
        samples = np.frombuffer(back.readframes(5000), "<i2").astype(int)
    assert np.abs(samples - SPEECH).max() < 20
    outcome = run("quantize", "s.wav", "--method", "g711-mu", "--apply", "-o", "stereo.wav")
    assert "2 channels are quantized with one scale" in outcome.err
    with io.open("stereo.wav", "rb") as file:
        assert file.read(24)[22] == 2
    assert run("quantize", "f.wav", "--method", "g711-mu").code == 2


def test_sound_needs_its_package(run, folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    outcome = run("quantize", "s.wav")
    assert outcome.code == 1 and "pip install codec[audio]" in outcome.err
