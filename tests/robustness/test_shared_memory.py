"""Memory that Python code changes while compiled code reads it without the interpreter's lock, and objects that two
threads use: a result or a `CodecError`, never an access out of bounds (run it on the debug build too)."""

import contextlib
import dataclasses
import sys
import threading
import time

import numpy as np
import pytest

import codec
from codec import metrics
from codec.metrics import gradients
from codec.palette._histogram import Histogram
from codec.palette._nearest import NearestColor
from codec.quantizers import kmeans, vector

ROUNDS = 12
RNG = np.random.default_rng(7)
SMOOTH = np.add.outer(np.arange(96), np.arange(128))[..., None].repeat(3, 2).astype(np.uint8)


def images():
    """(a name, a function of an array that changes meanwhile): whatever takes pixels or samples."""
    rgb = SMOOTH.copy()
    other = RNG.integers(0, 256, rgb.shape, dtype=np.uint8)
    yield "encode", lambda pixels: codec.encode(pixels, effort=4)
    yield "encode, effort 9", lambda pixels: codec.encode(pixels[:48, :48], effort=9)
    yield "encode, arithmetic", lambda pixels: codec.encode(pixels, coding="arithmetic")
    yield "encode gray", lambda pixels: codec.encode(pixels[..., 0])
    yield "encode to a target", lambda pixels: codec.encode(pixels, target="size:3kB")
    yield "lossless", codec.jpeg.encode_lossless
    yield "quantize", lambda pixels: codec.quantize_colors(pixels, 16)
    yield "quantize without dither", lambda pixels: codec.quantize_colors(pixels, 256, dither=None)
    yield (
        "quantize, riemersma",
        lambda pixels: codec.quantize_colors(pixels, 16, dither="riemersma", importance="contrast"),
    )
    yield "fit and predict", lambda pixels: codec.PaletteQuantizer(16).fit([pixels, pixels]).predict(pixels)
    yield "animate", lambda pixels: codec.palette.animate([pixels, rgb, pixels], colors=32)
    yield "animate, few colours", lambda pixels: codec.palette.animate([pixels & 3, pixels & 3], lossy=0, format="apng")
    yield "ssim", lambda pixels: metrics.ssim(pixels, other)
    yield "ms_ssim", lambda pixels: metrics.ms_ssim(pixels.repeat(2, 0).repeat(2, 1), other.repeat(2, 0).repeat(2, 1))
    yield "psnr", lambda pixels: metrics.psnr(pixels, other)
    yield "ssimulacra2", lambda pixels: metrics.ssimulacra2(pixels, other)
    yield "gradient", lambda pixels: gradients.ssimulacra2_gradient(other, pixels)
    yield "kmeans", lambda pixels: kmeans.cluster(pixels.reshape(-1, 3).astype(np.float32), 8)
    yield "vector", lambda pixels: vector.train([pixels], 8).encode(pixels)


@contextlib.contextmanager
def changing(array):
    """Another thread fills the array by turns with noise and with one value: NumPy does so without the lock."""
    stop, interval = threading.Event(), sys.getswitchinterval()

    def change():
        rng = np.random.default_rng(1)
        while not stop.is_set():
            time.sleep(1e-6)  # without it, the other thread may never get the lock on one processor
            array[:] = rng.integers(0, 256, array.shape, dtype=np.uint8).astype(array.dtype)
            array[:] = 200

    thread = threading.Thread(target=change)
    sys.setswitchinterval(1e-5)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("use", [pytest.param(use, id=name) for name, use in images()])
def test_pixels_that_change(use):
    pixels = SMOOTH.copy()
    with changing(pixels):
        for _ in range(ROUNDS):
            with contextlib.suppress(codec.CodecError):
                use(pixels)


@pytest.mark.parametrize("options", [{}, {"progressive": False}, {"arithmetic": True}], ids=str)
def test_levels_that_change(options):
    """Coefficients are arrays of the caller, whose range was checked before."""
    read = codec.jpeg.read_coefficients(codec.encode(SMOOTH, 90))
    levels = read.levels[0].copy()
    changed = dataclasses.replace(read, levels=(levels, *read.levels[1:]))
    with changing(levels):
        for _ in range(ROUNDS):
            levels[0, 0] = -32768
            with contextlib.suppress(codec.CodecError):
                codec.jpeg.write_coefficients(changed, **options)
    levels[:] = RNG.integers(-32768, 32768, levels.shape)
    with contextlib.suppress(codec.CodecError):
        codec.jpeg.write_coefficients(changed, **options)


def test_data_that_changes():
    """A file is copied first: what was valid then is decoded."""
    data = bytearray(codec.encode(SMOOTH, 90))
    view = np.frombuffer(data, np.uint8)[300:]
    with changing(view):
        for _ in range(ROUNDS):
            with contextlib.suppress(codec.CodecError):
                codec.jpeg.decode(data, on_error="conceal")
            with contextlib.suppress(codec.CodecError):
                list(codec.decode_video(data, on_error="conceal"))


@pytest.mark.parametrize("kind", ["histogram", "nearest"])
def test_two_threads_in_one_object(kind):
    """Compiled objects that grow while the lock is released: one call at a time."""
    points = RNG.integers(0, 256, (20000, 3), dtype=np.uint8)
    palette = RNG.integers(0, 2048, (200, 3)).astype(np.float32)
    for _ in range(ROUNDS):
        if kind == "histogram":
            use, expected = Histogram(3, 1 << 17).add, points
        else:
            use, expected = NearestColor(palette, False).find, RNG.integers(0, 2048, (20000, 3)).astype(np.float32)
        errors, begin = [], threading.Barrier(3)

        def call(use=use, argument=expected, errors=errors, begin=begin):
            begin.wait()
            for _ in range(3):
                try:
                    use(argument)
                except codec.CodecError as error:
                    errors.append(error)

        threads = [threading.Thread(target=call) for _ in range(3)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert all("one thread at a time" in str(error) for error in errors)
