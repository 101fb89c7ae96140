"""Numbers from files: arrays, pictures, sound; WAV files against another library."""

import io
import struct
import wave
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

import codec
from codec.errors import FileError, LimitError, MissingPackageError, ParameterError, UnsupportedError
from codec.formats import signals
from codec.sources.arrays import named_arrays

X = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)


def test_arrays(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "one.npz", w=X)
    np.savez_compressed(tmp_path / "two.npz", w=X, b=X[0])
    for name, array in (("x.npy", None), ("x.npy", "x"), ("one.npz", None), ("two.npz", "w")):
        signal = signals.load(tmp_path / name, array=array)
        assert np.array_equal(signal.values, X) and (signal.kind, signal.sample_rate) == ("array", None)
    assert isinstance(signals.load(tmp_path / "x.npy").values, np.memmap)
    assert list(named_arrays(tmp_path / "two.npz")) == ["w", "b"]
    with pytest.raises(ParameterError, match="holds the arrays w, b: choose one of them$"):
        signals.load(tmp_path / "two.npz")
    with pytest.raises(ParameterError, match="but no 'z'"):
        signals.load(tmp_path / "two.npz", array="z")
    with pytest.raises(LimitError, match="unpacks to"):
        signals.load(tmp_path / "two.npz", array="w", limits=codec.Limits(file_bytes=100))


def test_pictures(tmp_path):
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    signal = signals.load(tmp_path / "a.png")
    assert np.array_equal(signal.values, pixels) and (signal.kind, signal.format) == ("image", "PNG")
    with pytest.raises(ParameterError, match="named arrays"):
        signals.load(tmp_path / "a.png", array="w")


def test_pictures_of_16_bits(tmp_path):
    """They were read with 8 bits, and a quantizer of 8 bits made no error."""
    deep = np.random.default_rng(0).integers(0, 65536, (9, 7)).astype(np.uint16)
    for name in ("a.png", "a.tif"):
        Image.fromarray(deep).save(tmp_path / name)
        signal = signals.load(tmp_path / name)
        assert signal.values.dtype == np.uint16 and np.array_equal(signal.values, deep) and not signal.warnings
    color = deep[:6, :6].reshape(3, 4, 3)
    (tmp_path / "c.png").write_bytes(png_of_16_bits(color))
    assert np.array_equal(signals.load(tmp_path / "c.png").values, color)
    (tmp_path / "d.png").write_bytes(png_of_16_bits(deep[:6, :6].reshape(3, 3, 4)))
    with pytest.raises(UnsupportedError, match=r"d.png has samples of 16 bits.*save its samples as .npy"):
        signals.load(tmp_path / "d.png")


def png_of_16_bits(pixels):
    """RGB, or RGBA."""
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 16, 2 if channels == 3 else 6, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("shape", [(9,), (9, 2)])
def test_wav_of_16_bits_against_the_standard_library(shape):
    samples = np.random.default_rng(1).integers(-32768, 32768, shape).astype(np.int16)
    with wave.open(io.BytesIO(signals.wav(samples, 8000))) as read:
        assert (read.getframerate(), read.getnchannels(), read.getsampwidth()) == (8000, samples.ndim, 2)
        assert np.array_equal(np.frombuffer(read.readframes(99), "<i2").reshape(shape), samples)


def test_wav_of_codes_is_laid_out_as_rfc_2361_says():
    data = signals.wav(np.arange(3, dtype=np.uint8), 8000, "mu")
    assert data[:4] == b"RIFF" and struct.unpack("<I", data[4:8])[0] == len(data) - 8 and len(data) % 2 == 0
    assert struct.unpack("<HHIIHHH", data[20:38]) == (7, 1, 8000, 8000, 1, 8, 0)
    assert data[38:50] == b"fact" + struct.pack("<II", 4, 3)
    assert data[50:] == b"data" + struct.pack("<I", 3) + b"\0\1\2\0"


def test_wav_refuses_what_it_cannot_hold():
    for samples, rate, law in (
        (np.zeros(3), 8000, None),
        (np.zeros(3, np.int16), 0, None),
        (np.zeros(3, np.int16), 8000, "mu"),
        (np.zeros(0, np.int16), 8000, None),
        (np.zeros((1, 70_000), np.int16), 8000, None),
    ):
        with pytest.raises(ParameterError):
            signals.wav(samples, rate, law)


def test_sound_of_every_width(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    samples = np.random.default_rng(1).integers(-(2**23), 2**23, 1000)
    for subtype, expected in (
        ("PCM_16", (samples >> 8).astype(np.int16)),
        ("PCM_24", samples.astype(np.int32)),
        ("FLOAT", (samples / 2**23).astype(np.float32)),
    ):
        written = samples.astype(np.int32) << 8 if subtype != "FLOAT" else expected
        soundfile.write(tmp_path / "x.wav", expected if subtype == "PCM_16" else written, 44100, subtype=subtype)
        signal = signals.load(tmp_path / "x.wav")
        assert np.array_equal(signal.values, expected) and signal.values.dtype == expected.dtype
        assert (signal.kind, signal.sample_rate, signal.warnings) == ("audio", 44100, ())
    soundfile.write(tmp_path / "stereo.wav", np.zeros((50, 2), np.int16), 8000)
    assert signals.load(tmp_path / "stereo.wav").warnings == ("2 channels are quantized with one scale",)


@pytest.mark.parametrize("law, subtype", [("mu", "ULAW"), ("a", "ALAW")])
def test_codes_of_g711_are_read_by_another_library(tmp_path, law, subtype):
    soundfile = pytest.importorskip("soundfile")
    codes = np.arange(256, dtype=np.uint8)
    (tmp_path / "x.wav").write_bytes(signals.wav(codes, 8000, law))
    assert soundfile.info(tmp_path / "x.wav").subtype == subtype
    samples = signals.load(tmp_path / "x.wav").values
    assert samples.dtype == np.int16 and np.unique(samples).size == (255 if law == "mu" else 256)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "bad.npy").write_bytes(b"nonsense")
    np.save(tmp_path / "cut.npy", X)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "cut.npy").read_bytes()[:-8])
    (tmp_path / "bad.npz").write_bytes(b"PK")
    np.save(tmp_path / "pickle.npy", np.array([{}]), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "text.npz", "w") as archive:
        archive.writestr("a.npy", "nonsense")
    for name in ("bad.npy", "cut.npy", "bad.npz", "text.npz", "pickle.npy", "missing.npy", "missing.npz", "bad.onnx"):
        with pytest.raises((FileError, MissingPackageError)):
            signals.load(tmp_path / name)
    with pytest.raises(ParameterError, match="data is read from .npy"):
        signals.load(tmp_path / "a.txt")
    with pytest.raises(ParameterError):
        named_arrays(tmp_path / "a.png")
