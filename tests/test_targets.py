"""Targets are parsed as people write them, and the bracketing search converges on the target."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import codec
from codec.errors import ParameterError
from codec.targets import narrow, parse_score, parse_target


@pytest.mark.parametrize(
    "text, measure, value",
    [
        ("size:200kB", "size", 200_000),
        ("size:200KB", "size", 200_000),
        ("size:200k", "size", 200_000),
        ("size:200 kB", "size", 200_000),
        ("size:195KiB", "size", 199_680),
        ("size:1.5MB", "size", 1_500_000),
        ("size:1MiB", "size", 1 << 20),
        ("size:1Gb", "size", 10**9),
        ("size:12345", "size", 12_345),
        ("size:12B", "size", 12),
        ("size:1.1kB", "size", 1100),
        ("bpp:0.75", "bpp", 0.75),
        ("psnr:40", "psnr", 40),
        ("ssim:.98", "ssim", 0.98),
        ("ssimulacra2:-20", "ssimulacra2", -20),
        ("mse:1e1", "mse", 10),
    ],
)
def test_what_targets_mean(text, measure, value):
    target = parse_target(text)
    assert (target.measure, target.value, str(target), target.is_rate) == (
        measure,
        value,
        text,
        measure in ("size", "bpp"),
    )


@pytest.mark.parametrize(
    "text, says",
    [
        ("", "write size:200kB, bpp:1.0"),
        ("200kB", "write size:200kB"),
        (200, "write size:200kB"),
        (b"size:9", "write size"),
        (np.zeros(2), "write size"),
        ("size:", "write a size as 200000"),
        ("size:big", "write a size"),
        ("size:1e3", "write a size"),
        ("size:-5", "write a size"),
        ("size:\u0661kB", "write a size"),
        ("size:5TB", "write a size"),
        ("size:0", "no file is that small"),
        ("size:0.5B", "no file is that small"),
        ("bpp:0", "no file is that small"),
        ("bpp:-1", "no file is that small"),
        ("bpp:inf", "write METRIC:VALUE"),
        ("psnr:", "write METRIC:VALUE"),
        ("ssim:high", "write METRIC:VALUE"),
        ("siz:20kB", "did you mean 'size'"),
        ("sim:0.9", "did you mean 'ssim'"),
        ("zzz:1", "unknown metric 'zzz'"),
        (":3", "unknown metric ''"),
    ],
)
def test_what_is_no_target_is_refused_with_the_remedy(text, says):
    with pytest.raises(ParameterError, match="is no target: .*" + says):
        parse_target(text)
    with pytest.raises(ParameterError, match="target"):
        codec.encode(np.zeros((8, 8), np.uint8), target=text)


def test_a_size_is_no_score():
    with pytest.raises(ParameterError, match="'size:200' is no target: unknown metric 'size'"):
        parse_score("size:200")


@given(low=st.integers(-50, 50), width=st.integers(1, 200), data=st.data())
def test_a_bracket_closes_on_the_place(low, width, data):
    place, asked = data.draw(st.integers(low + 1, low + width)), []
    over = lambda at: asked.append(at) or at >= place
    assert narrow(low, low + width, over) == (place - 1, place)
    assert len(asked) <= width.bit_length() and all(low < at < low + width for at in asked)


def test_a_bracket_stops_where_it_is_enough():
    assert narrow(0, 64, lambda at: at >= 20, enough=lambda low, high: high - low <= 16) == (16, 32)
    assert narrow(0, 64, lambda at: at >= 20, guess=lambda low, high: low + 1) == (19, 20)


def test_sizes_need_no_metrics():
    code = (
        "import sys, codec, numpy; codec.encode(numpy.zeros((8, 8), 'u1'), target='size:1kB'); "
        "assert 'codec.metrics' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
